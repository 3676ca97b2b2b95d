# For the scripts of this folder; they source it. Bash, `set -euo pipefail`.
#
# A service script is called SERVICE.sh and knows `start`, `stop` and `status`. It runs its service as a plain process:
# no systemd, as root or not, on a port and in a folder of its own, so that nothing of the machine's own is touched.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
service=$(basename "$0" .sh)
folder=${SERVICE_FOLDER:-$root/target/services}/$service
mkdir -p "$folder"

say() { echo "$service: $*" >&2; }

fail() {
    say "$*"
    exit 1
}

# Installs Debian's packages; without the right to do so it says what to do.
install_packages() {
    say "installing $*"
    local as_root=()
    if ((EUID != 0)); then
        if ! sudo -n true 2>/dev/null; then fail "missing; install it as root: apt-get install $*"; fi
        as_root=(sudo -n)
    fi
    if ! command -v apt-get >/dev/null; then fail "missing, and this is not Debian: install what Debian calls $*"; fi
    local log=$folder/install.log
    if ! { ${as_root[@]+"${as_root[@]}"} apt-get update &&
        ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        fail "apt-get install $* failed"
    fi
}

# Keeps a package that is about to be installed from starting a service of the machine's own.
keep_from_starting() {
    local policy=/usr/sbin/policy-rc.d as_root=()
    if [[ -e $policy ]]; then return; fi
    if ((EUID != 0)); then as_root=(sudo -n); fi
    printf '#!/bin/sh\nexit 101\n' | ${as_root[@]+"${as_root[@]}"} tee "$policy" >/dev/null 2>&1 &&
        ${as_root[@]+"${as_root[@]}"} chmod +x "$policy" || return 0
    # shellcheck disable=SC2064  # as it is now
    trap "${as_root[*]-} rm -f $policy" EXIT
}

# Whether the process that `start` left still runs. Numbers of processes are used again, so it has to name our folder.
running() {
    local pid
    pid=$(cat "$folder/pid" 2>/dev/null) && [[ -n $pid ]] && ps -o args= -p "$pid" 2>/dev/null | grep -qF -- "$folder"
}

# The port of this folder's service: the one asked for, else the one of the last start, else the first free one. It stays
# this folder's as long as the folder is there, so that a service that was killed finds its port again, and nobody who
# knows that port meets another service there. All first ports are below those that connections get from the system.
choose_port() { # asked for or empty, first
    local candidate=$2 all=${TMPDIR:-/tmp}/dtm-tests-$UID/ports
    mkdir -p "$all"
    exec 8>"$all/lock"
    flock 8
    if [[ -n $1 ]]; then
        candidate=$1
    elif [[ -s $folder/port ]]; then
        candidate=$(cat "$folder/port")
    fi
    if ! running; then
        if [[ -n $1 ]] && in_use "$1"; then fail "port $1 is taken by somebody else"; fi
        # What is left of this folder's own connections, after a crash for example, keeps nobody from listening there.
        if [[ -z $1 ]] && { [[ ! -s $folder/port ]] || belongs_to_another "$candidate" || in_use "$candidate"; }; then
            candidate=$2
            while belongs_to_another "$candidate" || taken "$candidate"; do candidate=$((candidate + 1)); done
        fi
    fi
    echo "$folder" >"$all/$candidate"
    echo "$candidate" | tee "$folder/port"
}

# Whether another folder has this port, and is still there.
belongs_to_another() {
    local owner
    owner=$(cat "$all/$1" 2>/dev/null) && [[ $owner != "$folder" && $(cat "$owner/port" 2>/dev/null) == "$1" ]]
}

in_use() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Whether anybody has the port, be it for a connection of its own: nobody answers there, and yet nobody else can listen.
taken() {
    in_use "$1" || grep -qsE "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$1") " /proc/net/tcp /proc/net/tcp6
}

# Calls a command until it succeeds, while the service's process lives; fails after so many seconds.
await() { # seconds, command...
    local seconds=$1 deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        if ! running; then
            tail -n 30 "$folder/log" >&2 || true
            fail "it ended while it started"
        fi
        if ((SECONDS >= deadline)); then
            tail -n 30 "$folder/log" >&2 || true
            fail "it does not answer after $seconds seconds"
        fi
        sleep 0.1
    done
}

# SIGTERM, and waits until the process is gone. More than one: a Redis that is writing its first append-only file forgets it.
end() { # seconds
    local pid deadline=$((SECONDS + $1)) again=$SECONDS
    running || return 0
    pid=$(cat "$folder/pid")
    while kill -0 "$pid" 2>/dev/null; do
        if ((SECONDS >= deadline)); then fail "process $pid does not end after $1 seconds"; fi
        if ((SECONDS >= again)); then
            if running; then kill -TERM "$pid" 2>/dev/null || true; fi
            again=$((SECONDS + 2))
        fi
        sleep 0.1
    done
    rm -f "$folder/pid"
}

# Runs start, stop or status; two calls at the same time wait for each other.
main() {
    case ${1:-} in
        start | stop | status) ;;
        *)
            echo "usage: bash tests/services/$service.sh start|stop|status" >&2
            exit 2
            ;;
    esac
    exec 9>"$folder/lock"
    flock 9
    "$1"
}
