#!/usr/bin/env bash
# The library that lets a test run a server with a wrong clock: bash tests/services/faketime.sh start|stop|status
#
# Nothing runs: `start` installs Debian's package when it is missing.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

library=/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketime.so.1

start() {
    if [[ ! -e $library ]]; then install_packages faketime; fi
    [[ -e $library ]] || fail "its package is installed, but there is no $library"
}

stop() { :; }

status() { [[ -e $library ]] || fail "missing; install it: bash tests/services/faketime.sh start"; }

main "$@"
