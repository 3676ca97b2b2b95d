# One transaction by two SDKs, Go's and ours; see ../lib.sh. The cases are in tests/e2e/sdk_workflow/with_go.rs (a workflow that
# both work on) and tests/e2e/sdk/with_go (branches in both languages, with one barrier table).

mixed_need() { need_command go golang-go && need_command cargo cargo; }

mixed_build() {
    source tests/compat/go/sdk.sh
    go_build && cargo test --workspace --test e2e --no-run
}

# Each case has a server of its own; the one that was started for all SDKs is not asked.
mixed_run() {
    local ours=false
    if ! bash tests/services/postgres.sh status >/dev/null 2>&1; then
        if bash tests/services/postgres.sh start >/dev/null; then ours=true; fi
    fi
    GO_PROGRAM=$cache/go/compat.test timeout 240 cargo test --workspace --test e2e with_go -- --ignored 2>&1 |
        awk '/^test .* \.\.\. / { print; next } /^test result: / { ended = 1; next } { print "  " $0 } END { if (ended) print "end of cases" }'
    if [[ $ours == true ]]; then bash tests/services/postgres.sh stop; fi
}
