#!/usr/bin/env bash
# A PostgreSQL for tests: bash tests/services/postgres.sh start|stop|status
#
# Starting a running one changes nothing. `start` and `status` print how to reach it, one NAME=VALUE a line:
#
#   POSTGRES_HOST POSTGRES_PORT POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DATABASE
#
# It listens on 127.0.0.1 only. POSTGRES_PORT chooses the port (the first free one from 25432 on), SERVICE_FOLDER where
# data live (target/services).
# Installs Debian's packages when they are missing. What was committed or prepared survives a crash, as in production.
# PostgreSQL refuses to run as root: started by root, it runs as the user postgres, who has to reach the folder.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

user=dtm
password=dtm
database=dtm

need() {
    if ! find_programs; then
        # Without a cluster of the machine's own, which the package would make and start.
        keep_from_making_a_cluster
        install_packages postgresql postgresql-client
        find_programs || fail "its packages are installed, but there is no initdb in /usr/lib/postgresql"
    fi
    owner=$(id -un)
    if ((EUID == 0)); then
        owner=postgres
        id -u "$owner" >/dev/null 2>&1 || fail "the user postgres is missing: apt-get install --reinstall postgresql-common"
    fi
}

# Debian keeps its programs outside the PATH, one folder a version; the newest is used.
find_programs() {
    local newest
    newest=$(find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
    if [[ -n $newest ]]; then PATH=$(dirname "$newest"):$PATH; fi
    command -v initdb >/dev/null && command -v postgres >/dev/null && command -v psql >/dev/null
}

keep_from_making_a_cluster() {
    local settings=/etc/postgresql-common/createcluster.conf as_root=()
    if [[ -e $settings ]]; then return; fi
    if ((EUID != 0)); then as_root=(sudo -n); fi
    ${as_root[@]+"${as_root[@]}"} mkdir -p "$(dirname "$settings")" 2>/dev/null &&
        echo 'create_main_cluster = false' | ${as_root[@]+"${as_root[@]}"} tee "$settings" >/dev/null || true
}

# As the user who runs the server.
as_owner() {
    if ((EUID == 0)); then (cd / && exec setpriv --reuid="$owner" --regid="$owner" --init-groups -- "$@"); else "$@"; fi
}

# Whether it is ours that answers, not somebody else's on the same port.
answers() {
    local data
    data=$(ask dtm 'show data_directory') && [[ $data == "$folder/data" ]]
}

ask() { # database, statement
    PGPASSWORD=$password PGCONNECT_TIMEOUT=5 psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 \
        --host=127.0.0.1 --port="$port" --username="$user" --dbname="$1" --command="$2"
}

reachable() { ask postgres 'select 1'; }

initialise() {
    if [[ -f $folder/initialised ]]; then return; fi
    rm -rf "$folder/data"
    mkdir -p "$folder/data"
    if ((EUID == 0)); then chown "$owner" "$folder/data"; fi
    as_owner test -w "$folder/data" ||
        fail "the user $owner cannot reach $folder: choose another place with SERVICE_FOLDER"
    local secret=$folder/password
    printf '%s\n' "$password" >"$secret"
    if ((EUID == 0)); then chown "$owner" "$secret"; fi
    chmod 600 "$secret"
    as_owner "$(command -v initdb)" --pgdata="$folder/data" --username="$user" --pwfile="$secret" --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8 --data-checksums >"$folder/initialise.log" 2>&1 ||
        { tail -n 20 "$folder/initialise.log" >&2 && fail "its data folder cannot be made"; }
    rm -f "$secret"
    touch "$folder/initialised"
}

start() {
    need
    port=$(choose_port "${POSTGRES_PORT:-}" 25432)
    if ! running; then
        initialise
        # Its own session: it outlives the shell that started it. The lock is not inherited.
        as_owner setsid "$(command -v postgres)" -D "$folder/data" -c listen_addresses=127.0.0.1 -c port="$port" \
            -c unix_socket_directories= -c fsync=on -c synchronous_commit=on -c full_page_writes=on \
            -c shared_buffers=128MB -c max_connections=200 -c max_prepared_transactions=100 -c max_wal_size=1GB \
            >"$folder/log" 2>&1 </dev/null 9>&- &
        await_pid
        await 60 reachable
        if [[ $(ask postgres "select count(*) from pg_database where datname = '$database'") != 1 ]]; then
            ask postgres "create database $database"
        fi
        await 10 answers
        say "started on 127.0.0.1:$port"
    fi
    print
}

# The first line of its own file is the number of the server; $! may be that of a shell around it.
await_pid() {
    local started=$! deadline=$((SECONDS + 60))
    until [[ $(head -n 1 "$folder/data/postmaster.pid" 2>/dev/null) =~ ^[0-9]+$ ]] &&
        head -n 1 "$folder/data/postmaster.pid" >"$folder/pid" && running; do
        if ! kill -0 "$started" 2>/dev/null || ((SECONDS >= deadline)); then
            tail -n 30 "$folder/log" >&2 || true
            fail "it ended while it started"
        fi
        sleep 0.1
    done
}

# SIGINT: it ends connections and shuts down in order; SIGTERM would wait for its clients.
stop() {
    if running; then kill -INT "$(cat "$folder/pid")"; fi
    end 60
}

status() {
    need
    port=$(cat "$folder/port" 2>/dev/null || echo 0)
    if running && answers >/dev/null 2>&1; then print; else fail "not running; start it: bash tests/services/postgres.sh start"; fi
}

print() {
    printf '%s\n' POSTGRES_HOST=127.0.0.1 "POSTGRES_PORT=$port" "POSTGRES_USER=$user" "POSTGRES_PASSWORD=$password" \
        "POSTGRES_DATABASE=$database"
}

main "$@"
