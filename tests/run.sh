#!/usr/bin/env bash
# The one test command. Needs Rust; installs what else is missing (PostgreSQL, MariaDB and Redis, from Debian's packages).
#
#   bash tests/run.sh               everything in Rust
#   bash tests/run.sh --compat      the published Go, Python and Java SDKs against the server, and Go's on every store
#                                   (tests/compat/README.md)
#   bash tests/run.sh --all         both
#   bash tests/run.sh --chaos 600   servers, databases and networks fail at random under load, for so many seconds on each store
#                                   (E2E_STORE=sled, mysql, postgres or redis: on that one; CHAOS_SEED=N: the same faults again)
#   bash tests/run.sh --kills       applications are killed in the midst of their transactions, 200 times in each mode (E2E_KILLS=N)
#   bash tests/run.sh -p dtm-core   other arguments go to cargo test
#
# Environment variables reach the tests. With CI set, a test that lacks something fails instead of being skipped.
# The last line counts tests; a check that fails (format, lints, ...) counts as one failed test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

DENY_VERSION=0.20.2
log=$(mktemp)
with_services=false
chaos_stores='sled mysql postgres redis'
services_used='postgres mariadb redis redis_cluster faketime'
finish() {
    rm -f "$log"
    # Databases stay for the next run; in CI there is none.
    if [[ $with_services == true && -n ${CI:-} ]]; then
        for service in $services_used; do bash "tests/services/$service.sh" stop || true; done
    fi
}
trap finish EXIT
failed_steps=()
in_rust=true with_sdks=false only_chaos='' only_kills=false
case ${1:-} in
    --chaos)
        only_chaos=${2:-}
        if [[ ! $only_chaos =~ ^[1-9][0-9]*$ ]]; then
            echo "usage: bash tests/run.sh --chaos SECONDS" >&2
            exit 2
        fi
        in_rust=false
        shift 2
        ;;
    --kills) in_rust=false only_kills=true && shift ;;
    --compat) in_rust=false with_sdks=true && shift ;;
    --all) with_sdks=true && shift ;;
esac

say() { printf '== [%4ds] %s\n' "$SECONDS" "$*"; }

# Runs one step to its end and remembers whether it failed; later steps run in any case.
step() {
    local name=$1 begun=$SECONDS
    shift
    say "$name: $*"
    if "$@"; then
        say "$name: ok ($((SECONDS - begun)) s)"
    else
        say "$name: FAILED ($((SECONDS - begun)) s)"
        failed_steps+=("$name")
    fi
}

need_rust() {
    if ! command -v cargo >/dev/null; then
        echo "Rust is missing: see https://www.rust-lang.org/tools/install" >&2
        exit 1
    fi
}

need_component() { # the name of the component, the command that it brings
    if cargo "$2" --version >/dev/null 2>&1; then return; fi
    say "installing $1"
    if ! rustup component add "$1"; then
        echo "$1 is missing and cannot be installed: rustup component add $1" >&2
        exit 1
    fi
}

need_deny() {
    if cargo deny --version >/dev/null 2>&1; then return; fi
    say "installing cargo-deny (once, some minutes)"
    cargo install --locked "cargo-deny@$DENY_VERSION"
}

tests() { cargo test --workspace --no-fail-fast "$@" 2>&1 | tee -a "$log"; }

# The end-to-end tests once more, with the servers on another store. Races are met less often there than on the embedded one.
# What follows the service is left out: the Rust client and workflows talk to the server and not to its store, so they are
# tested on the embedded one and on one that servers share.
tests_on() { # mysql, postgres or redis; the script of the service; arguments for the tests
    local store=$1 service=$2
    shift 2
    if [[ -z ${CI:-} ]] && ! bash "tests/services/$service.sh" status >/dev/null 2>&1; then
        echo "test end_to_end_on_$store ... SKIPPED ($service does not run; start it: bash tests/services/$service.sh start)" | tee -a "$log"
        echo "test result: ok. 1 passed; 0 failed; 0 ignored" | tee -a "$log"
        return
    fi
    E2E_STORE=$store E2E_RACES=${E2E_RACES:-200} \
        cargo test --workspace --test e2e --no-fail-fast -- --skip embedded:: "$@" 2>&1 | tee -a "$log"
}

# Its databases are its own: it kills them. In the short form it is part of every run.
chaos() { # seconds, stores...
    local seconds=$1 store
    shift
    for store in "$@"; do
        step "chaos on $store" chaos_on "$seconds" "$store"
    done
}

# Applications that die in the midst of their transactions, 200 times in each mode. They need the machine to themselves, too.
kills() { cargo test --workspace --test e2e sdk::kills::loops -- --ignored --nocapture 2>&1 | tee -a "$log"; }

chaos_on() { # seconds, store
    CHAOS_SECONDS=$1 E2E_STORE=$2 \
        cargo test --workspace --test e2e chaos:: -- --ignored --nocapture 2>&1 | tee -a "$log"
}

compat() { bash tests/compat/run.sh "$@" 2>&1 | tee -a "$log"; }

# The SDK with the most cases once more, with the server on each other store; all at the same time, for they mostly wait.
compat_elsewhere() {
    local store service status=0 folder running=()
    # Whoever finds them running leaves them running.
    for service in mariadb postgres redis; do bash "tests/services/$service.sh" start >/dev/null || [[ -z ${CI:-} ]] || return 1; done
    folder=$(mktemp -d)
    for store in mysql postgres redis; do
        E2E_STORE=$store bash tests/compat/run.sh go >"$folder/$store" 2>&1 &
        running+=($!)
    done
    for store in mysql postgres redis; do
        wait "${running[0]}" || status=1
        running=("${running[@]:1}")
        sed "s/^test go: /test go on $store: /" "$folder/$store" | tee -a "$log"
    done
    rm -rf "$folder"
    return $status
}

# Databases for the tests of stores. Where one cannot be had, its tests say SKIPPED; in CI that is a failure.
services() {
    with_services=true
    local service
    for service in $services_used; do
        bash "tests/services/$service.sh" start || [[ -z ${CI:-} ]] || return 1
    done
    if [[ -z ${CI:-} ]]; then say "databases stay for the next run; to stop one: bash tests/services/postgres.sh stop (or mariadb.sh, redis.sh, redis_cluster.sh)"; fi
}

documents() { RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps; }

# Adds up one number of all lines "test result: ok. 1 passed; 2 failed; 3 ignored; ..."
count() {
    awk -v what="$1" '
        match($0, /test result: [A-Za-z]+\. [0-9]+ passed; [0-9]+ failed; [0-9]+ ignored/) {
            parts = split(substr($0, RSTART, RLENGTH), word, " ")
            for (i = 2; i <= parts; i++) if (word[i] ~ "^" what) sum += word[i - 1]
        }
        END { print sum + 0 }' "$log"
}

# Tests that could not run say "SKIPPED (why, what to do)" and return; the harness takes them for passed.
skipped_aloud() { awk '/SKIPPED \(/ { n++ } END { print n + 0 }' "$log"; }

need_rust
if [[ $in_rust == true ]]; then
    need_component rustfmt fmt
    need_component clippy clippy
    need_deny

    step format cargo fmt --all --check
    step lints cargo clippy --workspace --all-targets -- -D warnings
    step dependencies cargo deny --log-level error check bans licenses sources
fi
step build cargo build --workspace --bins --examples
if [[ $in_rust == true ]]; then
    step services services
    step tests tests "$@"
    if (($# == 0)); then
        step "tests on mysql" tests_on mysql mariadb --skip sdk:: --skip sdk_workflow::
        step "tests on postgres" tests_on postgres postgres
        step "tests on redis" tests_on redis redis --skip sdk:: --skip sdk_workflow::
        chaos 20 $chaos_stores
        step kills kills
    fi
    step documents documents
    set --
fi
if [[ -n $only_chaos ]]; then chaos "$only_chaos" ${E2E_STORE:-$chaos_stores}; fi
if [[ $only_kills == true ]]; then
    step services services
    step kills kills
fi
if [[ $with_sdks == true ]]; then
    step compat compat "$@"
    if (($# == 0)); then step "compat elsewhere" compat_elsewhere; fi
fi

aloud=$(skipped_aloud)
passed=$(($(count passed) - aloud))
failed=$(count failed)
skipped=$(($(count ignored) + aloud))
for name in ${failed_steps[@]+"${failed_steps[@]}"}; do
    # Failed tests and cases are counted one by one; a run that failed without any counts as one.
    if [[ $name != tests* && $name != chaos* && $name != kills* && $name != compat* ]] || ((failed == 0)); then failed=$((failed + 1)); fi
done
if ((${#failed_steps[@]} > 0)); then say "failed: ${failed_steps[*]}"; else say "everything is fine"; fi
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
