# One workflow by two SDKs, Go's and ours; see ../lib.sh. The cases are in tests/e2e/sdk_workflow/with_go.rs.

mixed_need() { need_command go golang-go && need_command cargo cargo; }

mixed_build() {
    source tests/compat/go/sdk.sh
    go_build && cargo test --workspace --test e2e --no-run
}

# Each case has a server of its own; the one that was started for all SDKs is not asked.
mixed_run() {
    GO_PROGRAM=$cache/go/compat.test timeout 240 cargo test --workspace --test e2e with_go -- --ignored 2>&1 |
        awk '/^test .* \.\.\. / { print; next } /^test result: / { ended = 1; next } { print "  " $0 } END { if (ended) print "end of cases" }'
}
