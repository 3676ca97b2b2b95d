#!/usr/bin/env bash
# A Redis cluster of three masters for tests: bash tests/services/redis_cluster.sh start|stop|status
#
# Starting a running one changes nothing. `start` and `status` print how to reach it, one NAME=VALUE a line:
#
#   REDIS_CLUSTER_NODES=host:port,host:port,host:port
#
# It listens on 127.0.0.1 only, on the first three free ports from 17000 on, and on each plus 10000 for the cluster's own
# talk. SERVICE_FOLDER chooses where data live (target/services).
# Installs Debian's package when it is missing. What was acknowledged survives a crash: appendfsync always.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

base=$folder
members=(1 2 3)

need() {
    if ! command -v redis-server >/dev/null || ! command -v redis-cli >/dev/null; then
        keep_from_starting
        install_packages redis-server redis-tools
    fi
}

# A port is free when that of the cluster's own talk is too.
in_use() { answers_at "$1" || answers_at "$(($1 + 10000))"; }

answers_at() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The functions of lib.sh look at `folder`: one a member.
at() {
    folder=$base/$1
    mkdir -p "$folder/data"
    port=$(cat "$folder/port" 2>/dev/null || echo 0)
}

ask() { redis-cli -h 127.0.0.1 -p "$port" "$@"; }

answers() { [[ $(ask config get dir | tail -n 1) == "$folder/data" && $(ask ping) == PONG ]]; }

# Every member knows all the others and finds all slots served.
complete() {
    local member info
    for member in "${members[@]}"; do
        at "$member"
        running || return 1
        info=$(ask cluster info | tr -d '\r')
        grep -qx cluster_state:ok <<<"$info" && grep -qx cluster_known_nodes:3 <<<"$info" || return 1
    done
}

start() {
    need
    local member from=17000 ports=()
    for member in "${members[@]}"; do
        at "$member"
        port=$(choose_port "" "$from")
        from=$((port + 1))
        ports+=("127.0.0.1:$port")
        if running; then continue; fi
        setsid redis-server --port "$port" --bind 127.0.0.1 --dir "$folder/data" --cluster-enabled yes \
            --cluster-node-timeout 2000 --appendonly yes --appendfsync always --save '' \
            --maxmemory-policy noeviction --daemonize no --proc-title-template "redis-server $folder" \
            >"$folder/log" 2>&1 </dev/null 9>&- &
        echo $! >"$folder/pid"
        await 60 answers
    done
    at 1
    if [[ $(ask cluster info | tr -d '\r' | grep '^cluster_known_nodes:') == cluster_known_nodes:1 ]]; then
        redis-cli --cluster create "${ports[@]}" --cluster-yes >"$base/create.log" 2>&1 ||
            { tail -n 20 "$base/create.log" >&2 && fail "the cluster cannot be made"; }
    else
        # A port may be another one than at the last start, and then they look for each other where nobody is.
        for member in "${ports[@]:1}"; do ask cluster meet "${member%:*}" "${member#*:}" >/dev/null; done
    fi
    await 60 complete
    say "started on ${ports[*]}"
    print
}

stop() {
    local member
    for member in "${members[@]}"; do
        at "$member"
        end 60
    done
}

status() {
    if complete >/dev/null 2>&1; then
        print
    else
        fail "not running; start it: bash tests/services/redis_cluster.sh start"
    fi
}

print() {
    local member nodes=
    for member in "${members[@]}"; do
        at "$member"
        nodes+=${nodes:+,}127.0.0.1:$port
    done
    echo "REDIS_CLUSTER_NODES=$nodes"
}

main "$@"
