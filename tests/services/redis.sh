#!/usr/bin/env bash
# A Redis for tests: bash tests/services/redis.sh start|stop|status
#
# Starting a running one changes nothing. `start` and `status` print how to reach it, one NAME=VALUE a line:
#
#   REDIS_HOST REDIS_PORT REDIS_PASSWORD
#
# It listens on 127.0.0.1 only. REDIS_PORT chooses the port (the first free one from 21379 on), SERVICE_FOLDER where
# data live (target/services).
# Installs Debian's package when it is missing. What was acknowledged survives a crash: appendfsync always.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

password=dtm

need() {
    if ! command -v redis-server >/dev/null || ! command -v redis-cli >/dev/null; then
        keep_from_starting
        # The package of the server starts a system service, where there is a system to do so; ours has its own port.
        install_packages redis-server redis-tools
    fi
}

ask() { REDISCLI_AUTH=$password redis-cli -h 127.0.0.1 -p "$port" "$@"; }

# Whether it is ours that answers, not somebody else's on the same port, and has read its data.
answers() { [[ $(ask config get dir | tail -n 1) == "$folder/data" && $(ask ping) == PONG ]]; }

start() {
    need
    port=$(choose_port "${REDIS_PORT:-}" 21379)
    if ! running; then
        mkdir -p "$folder/data"
        # Its own session: it outlives the shell that started it. The lock is not inherited.
        setsid redis-server --port "$port" --bind 127.0.0.1 --dir "$folder/data" --requirepass "$password" \
            --appendonly yes --appendfsync always --save '' --maxmemory-policy noeviction --daemonize no \
            --proc-title-template "redis-server $folder" >"$folder/log" 2>&1 </dev/null 9>&- &
        echo $! >"$folder/pid"
        await 60 answers
        say "started on 127.0.0.1:$port"
    fi
    print
}

stop() { end 60; }

status() {
    port=$(cat "$folder/port" 2>/dev/null || echo 0)
    if running && answers >/dev/null 2>&1; then print; else fail "not running; start it: bash tests/services/redis.sh start"; fi
}

print() { printf '%s\n' REDIS_HOST=127.0.0.1 "REDIS_PORT=$port" "REDIS_PASSWORD=$password"; }

main "$@"
