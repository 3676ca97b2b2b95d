# For run.sh, which sources it: servers, tools, counting. Each SDK brings SDK/sdk.sh with three functions:
#
#   SDK_need   installs its tools and says, on failure, why it cannot
#   SDK_build  builds its program; quick when nothing changed
#   SDK_run    runs the cases; prints one line "test NAME ... ok|FAILED|SKIPPED (why)" for each, and "end of cases" last

cache=$PWD/target/compat
mariadb_is_ours=true
server_pid=
server_folder=
store=${E2E_STORE:-sled}
place=()
place_name=

# To where the script's output goes, also from within $(...).
exec 3>&1
say() { printf '== compat: %s\n' "$*" >&3; }

# Installs Debian's packages; without the right to do so it fails.
install_packages() {
    say "installing $*"
    local as_root=()
    if ((EUID != 0)); then
        sudo -n true 2>/dev/null || return 1
        as_root=(sudo -n)
    fi
    command -v apt-get >/dev/null || return 1
    { ${as_root[@]+"${as_root[@]}"} apt-get update &&
        ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } \
        >"$cache/install.log" 2>&1 || { tail -n 20 "$cache/install.log" && return 1; }
}

# Finds a command or installs the packages that bring it.
need_command() { # command, packages...
    local command=$1
    shift
    command -v "$command" >/dev/null && return
    install_packages "$@" && hash -r && command -v "$command" >/dev/null && return
    echo "$command is missing; install it: apt-get install $*"
    return 1
}

# Runs a command unless these files are as they were when it last succeeded.
unless_current() { # name of the mark, file..., --, command...
    local mark=$cache/$1.current files=() now
    shift
    while [[ $1 != -- ]]; do
        files+=("$1")
        shift
    done
    shift
    now=$(cat "${files[@]}" | sha256sum)
    if [[ -f $mark && $(cat "$mark") == "$now" ]]; then return; fi
    rm -f "$mark"
    "$@" || return 1
    echo "$now" >"$mark"
}

# Makes a place in the store that E2E_STORE names, and sets `place` to what the server has to be told.
make_place() {
    place_name=compat_$$_$1
    local script=${store/mysql/mariadb} reach
    place=()
    if [[ $store == sled ]]; then return; fi
    reach=$(bash "tests/services/$script.sh" start) || return 1
    # Of this service only, whatever else is in the environment.
    while IFS='=' read -r name value; do local "$name=$value"; done <<<"$reach"
    case $store in
        mysql)
            in_mariadb "create database $place_name"
            place=(STORE_DRIVER=mysql "STORE_HOST=$MARIADB_HOST" "STORE_PORT=$MARIADB_PORT" "STORE_USER=$MARIADB_USER"
                "STORE_PASSWORD=$MARIADB_PASSWORD" "STORE_DB=$place_name")
            ;;
        postgres)
            in_postgres "create schema $place_name"
            place=(STORE_DRIVER=postgres "STORE_HOST=$POSTGRES_HOST" "STORE_PORT=$POSTGRES_PORT" "STORE_USER=$POSTGRES_USER"
                "STORE_PASSWORD=$POSTGRES_PASSWORD" "STORE_DB=$POSTGRES_DATABASE" "STORE_SCHEMA=$place_name")
            ;;
        redis)
            place=(STORE_DRIVER=redis "STORE_HOST=$REDIS_HOST" "STORE_PORT=$REDIS_PORT" "STORE_PASSWORD=$REDIS_PASSWORD"
                "STORE_REDIS_PREFIX=$place_name")
            ;;
    esac
}

remove_place() {
    local script=${store/mysql/mariadb} reach
    if [[ -z $place_name || $store == sled ]]; then return; fi
    reach=$(bash "tests/services/$script.sh" status) || return 0
    while IFS='=' read -r name value; do local "$name=$value"; done <<<"$reach"
    case $store in
        mysql) in_mariadb "drop database if exists $place_name" ;;
        postgres) in_postgres "drop schema if exists $place_name cascade" ;;
        redis)
            REDISCLI_AUTH=$REDIS_PASSWORD redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" --scan --pattern "*$place_name*" |
                REDISCLI_AUTH=$REDIS_PASSWORD xargs -r redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" unlink >/dev/null
            ;;
    esac
    place_name=
}

in_mariadb() {
    MYSQL_PWD=$MARIADB_PASSWORD mariadb --no-defaults --host="$MARIADB_HOST" --port="$MARIADB_PORT" --user="$MARIADB_USER" --execute="$1"
}

in_postgres() {
    PGPASSWORD=$POSTGRES_PASSWORD PGOPTIONS=--client-min-messages=warning psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
        --host="$POSTGRES_HOST" --port="$POSTGRES_PORT" --username="$POSTGRES_USER" --dbname="$POSTGRES_DATABASE" --command="$1"
}

# Starts the server on free ports and sets DTM_HTTP and DTM_GRPC. A branch may take longer than the usual 3 seconds: on a
# slow disk MariaDB does, and what is repeated then is not what the cases are about.
start_server() { # sdk
    make_place "$1" || { echo "the store $store cannot be had" && return 1; }
    server_folder=$(mktemp -d)
    : >"$server_folder/log"
    env -i HTTP_PORT=0 GRPC_PORT=0 REQUEST_TIMEOUT=15 ${place[@]+"${place[@]}"} "$server" --data "$server_folder/data" --debug >"$server_folder/log" 2>&1 </dev/null &
    server_pid=$!
    local deadline=$((SECONDS + 20))
    until DTM_HTTP=$(grep -om1 'http://127.0.0.1:[0-9]*' "$server_folder/log") &&
        DTM_GRPC=$(grep -om1 'grpc://127.0.0.1:[0-9]*' "$server_folder/log"); do
        if ! kill -0 "$server_pid" 2>/dev/null || ((SECONDS >= deadline)); then
            echo "the server does not start:"
            cat "$server_folder/log"
            return 1
        fi
        sleep 0.05
    done
    DTM_GRPC=${DTM_GRPC#grpc://}
    export DTM_HTTP DTM_GRPC
}

end_server() {
    if [[ -n $server_pid ]]; then
        kill "$server_pid" 2>/dev/null || true
        wait "$server_pid" 2>/dev/null || true
    fi
    if [[ -n $server_folder ]]; then rm -rf "$server_folder"; fi
    server_pid='' server_folder=''
    remove_place
}

# Sets MARIADB_*; without a MariaDB the cases that need it say so themselves.
start_mariadb() {
    local reach
    if bash tests/services/mariadb.sh status >/dev/null 2>&1; then mariadb_is_ours=false; fi
    if reach=$(bash tests/services/mariadb.sh start); then
        # Not through a pipe: the variables have to stay.
        while IFS='=' read -r name value; do export "$name=$value"; done <<<"$reach"
    fi
}

# One that ran before goes on.
end_mariadb() {
    if [[ $mariadb_is_ours == true && -n ${MARIADB_HOST:-} ]]; then bash tests/services/mariadb.sh stop; fi
}

# A whole SDK that failed counts as one case.
has_failed() { # sdk, why
    echo "test $1 ... FAILED"
    echo "$2"
    echo "test result: FAILED. 0 passed; 1 failed; 0 ignored"
    return 1
}

# So does one whose tools are missing.
cannot_run() { # sdk, why
    if [[ -n ${CI:-} ]]; then
        has_failed "$@"
        return
    fi
    echo "test $1 ... SKIPPED ($2)"
    echo "test result: ok. 1 passed; 0 failed; 0 ignored"
}

run_sdk() { # sdk
    local sdk=$1 why log=$cache/$1.$store.log
    say "$sdk: tools and build"
    if ! why=$("${sdk}_need" 2>&1); then
        cannot_run "$sdk" "$why"
        return
    fi
    if ! "${sdk}_build" >"$cache/$sdk.$store.build.log" 2>&1; then
        cat "$cache/$sdk.$store.build.log"
        has_failed "$sdk" "its program does not build, see above"
        return
    fi
    start_server "$sdk" || { has_failed "$sdk" "the server does not start, see above"; return; }
    say "$sdk: cases, with the server on $store"
    "${sdk}_run" 2>&1 | tee "$log" || true
    conclude "$sdk" "$log"
}

# Counts, and shows the log of the server when a case failed.
conclude() { # sdk, log
    local count passed failed
    count() { grep -cE "^test .* \.\.\. $1" "$2" || true; }
    # A skipped case counts as passed here; run.sh of the tests takes those that skipped aloud off.
    passed=$(count '(ok|SKIPPED)' "$2") failed=$(count FAILED "$2")
    if ! grep -q '^end of cases$' "$2" || ((passed + failed == 0)); then
        echo "test $1: all cases ... FAILED"
        echo "its program ended before it had run all of them"
        failed=$((failed + 1))
    fi
    if ((failed > 0)); then
        echo "--- log of the server"
        cat "$server_folder/log"
        echo "---"
    fi
    end_server
    if ((failed > 0)); then
        echo "test result: FAILED. $passed passed; $failed failed; 0 ignored"
        return 1
    fi
    echo "test result: ok. $passed passed; 0 failed; 0 ignored"
}
