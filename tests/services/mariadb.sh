#!/usr/bin/env bash
# A MariaDB for tests: bash tests/services/mariadb.sh start|stop|status
#
# Starting a running one changes nothing. `start` and `status` print how to reach it, one NAME=VALUE a line:
#
#   MARIADB_HOST MARIADB_PORT MARIADB_USER MARIADB_PASSWORD MARIADB_DATABASE
#
# It listens on 127.0.0.1 only. MARIADB_PORT chooses the port (the first free one from 23306 on), SERVICE_FOLDER where
# data live (target/services).
# Installs Debian's packages when they are missing. What was committed or prepared survives a crash, as in production.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

user=dtm
password=dtm
database=dtm

need() {
    # Debian keeps mariadbd outside the PATH of ordinary users.
    PATH=$PATH:/usr/sbin
    if ! command -v mariadbd >/dev/null || ! command -v mariadb >/dev/null; then
        # The programs without the package that starts a system service.
        install_packages mariadb-server-core mariadb-client-core
    fi
}

# Whether it is ours that answers, not somebody else's on the same port.
answers() {
    local data
    data=$(mariadb --no-defaults --host=127.0.0.1 --port="$port" --user="$user" --password="$password" \
        --skip-column-names --execute='select @@datadir') && [[ $data == "$folder/data/" ]]
}

# A test may have left options for its own server.
defaults() {
    if [[ -f $folder/options.cnf ]]; then echo "--defaults-file=$folder/options.cnf"; else echo --no-defaults; fi
}

initialise() {
    if [[ -f $folder/initialised ]]; then return; fi
    rm -rf "$folder/data"
    mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$folder/data" --skip-test-db \
        --auth-root-authentication-method=normal >"$folder/initialise.log" 2>&1 ||
        { tail -n 20 "$folder/initialise.log" >&2 && fail "its data folder cannot be made"; }
    touch "$folder/initialised"
}

start() {
    need
    port=$(choose_port "${MARIADB_PORT:-}" 23306)
    # The path of a socket has at most 107 bytes, so it cannot lie in a deep folder.
    local socket=/tmp/dtm-tests-mariadb-$UID-$port.sock
    if ! running; then
        initialise
        cat >"$folder/init.sql" <<SQL
create user if not exists '$user'@'127.0.0.1' identified by '$password';
grant all privileges on *.* to '$user'@'127.0.0.1' with grant option;
create database if not exists $database character set utf8mb4;
drop user if exists root@'127.0.0.1', root@'::1', root@'$(hostname)';
SQL
        # Its own session: it outlives the shell that started it. The lock is not inherited.
        setsid mariadbd "$(defaults)" --user="$(id -un)" --datadir="$folder/data" --init-file="$folder/init.sql" \
            --bind-address=127.0.0.1 --port="$port" --socket="$socket" --skip-name-resolve \
            --innodb-flush-log-at-trx-commit=1 --innodb-doublewrite=1 --log-bin=binlog --sync-binlog=1 \
            --expire-logs-days=1 --server-id=1 --innodb-buffer-pool-size=128M --max-connections=500 \
            --character-set-server=utf8mb4 >"$folder/log" 2>&1 </dev/null 9>&- &
        echo $! >"$folder/pid"
        await 60 answers
        say "started on 127.0.0.1:$port"
    fi
    print
}

stop() { end 60; }

status() {
    port=$(cat "$folder/port" 2>/dev/null || echo 0)
    if running && answers >/dev/null 2>&1; then print; else fail "not running; start it: bash tests/services/mariadb.sh start"; fi
}

print() {
    printf '%s\n' MARIADB_HOST=127.0.0.1 "MARIADB_PORT=$port" "MARIADB_USER=$user" "MARIADB_PASSWORD=$password" \
        "MARIADB_DATABASE=$database"
}

main "$@"
