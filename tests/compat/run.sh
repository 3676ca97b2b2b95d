#!/usr/bin/env bash
# Runs the published SDKs against the built server: bash tests/compat/run.sh [go] [python] [java] [mixed]
#
# DTM_SERVER is the binary, target/debug/dtm-server by default. Each SDK gets a server of its own on free ports. E2E_STORE
# says in which store: sled (the default: a temporary folder), mysql, postgres or redis, in a place of its own. What is missing is installed from Debian. With CI set, what cannot run fails; without it, it
# is skipped aloud. Downloads and builds are kept in target/compat, so a second run is quick.
#
# Each SDK ends with a line "test result: ..." in the form of cargo test. See README.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/compat/lib.sh

sdks=("$@")
if ((${#sdks[@]} == 0)); then sdks=(go python java mixed); fi

server=${DTM_SERVER:-$PWD/target/debug/dtm-server}
if [[ ! -x $server ]]; then
    echo "$server is missing; build it: cargo build --workspace --bins" >&2
    exit 1
fi
case $store in
    sled | mysql | postgres | redis) ;;
    *)
        echo "E2E_STORE = $store: it may be sled, mysql, postgres or redis" >&2
        exit 2
        ;;
esac
mkdir -p "$cache"
trap 'end_server; end_mariadb' EXIT

start_mariadb
status=0
for sdk in "${sdks[@]}"; do
    source "tests/compat/$sdk/sdk.sh"
    run_sdk "$sdk" || status=1
done
exit "$status"
