# The Go SDK; see ../lib.sh.

go_need() { need_command go golang-go; }

go_program() { (cd tests/compat/go && go vet . && go test -c -o "$cache/go/compat.test" .); }

go_build() { unless_current go tests/compat/go/*.go tests/compat/go/go.mod tests/compat/go/go.sum -- go_program; }

# The lines of go test, turned into "test NAME ... RESULT"; a case that has parts counts by its parts.
go_run() {
    (cd tests/compat/go && LOG_LEVEL=error timeout 240 "$cache/go/compat.test" -test.v -test.timeout 230s && echo "exit 0" || echo "exit $?") 2>&1 |
        awk '
        /^ *--- (PASS|FAIL|SKIP): / {
            name = $3; word = $2; sub(":", "", word)
            parent = name; sub("/[^/]*$", "", parent)
            if (parent != name) parts[parent]++
            order[++n] = name; result[name] = word
            next
        }
        /SKIPPED \(/ { why[current] = $0; sub(/^.*SKIPPED /, "", why[current]); next }
        /^=== (RUN|NAME|CONT) / { current = $3; next }
        /^(PASS|FAIL|ok)$/ { next }
        /^exit [0-9]+$/ { ended = ($2 <= 1); next }
        { if (current != shown) print "in " current ":"; shown = current; print }
        END {
            for (i = 1; i <= n; i++) {
                name = order[i]
                if (parts[name]) continue
                if (result[name] == "PASS") word = "ok"
                else if (result[name] == "FAIL") word = "FAILED"
                else word = "SKIPPED " why[name]
                printf "test go: %s ... %s\n", name, word
            }
            if (ended && n) print "end of cases"
        }'
}
