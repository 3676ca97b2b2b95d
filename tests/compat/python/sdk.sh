# The Python SDK; see ../lib.sh.

python_need() {
    # Debian has venv without pip's installer unless python3-venv is there.
    need_command python3 python3 python3-venv || return 1
    if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
        install_packages python3-venv || { echo "venv is missing; install it: apt-get install python3-venv" && return 1; }
    fi
}

python_environment() {
    rm -rf "$cache/python"
    python3 -m venv "$cache/python" && "$cache/python/bin/pip" install --quiet --requirement tests/compat/python/requirements.txt
}

python_build() { unless_current python tests/compat/python/requirements.txt -- python_environment; }

python_run() { timeout 120 "$cache/python/bin/python" -B tests/compat/python/main.py; }
