#!/bin/sh
# Creates .venv from requirements.lock; `make` runs it when either is newer than the stamp.
# It needs Python 3.11 or later and nothing else. Packages come from wherever this machine's own pip
# configuration says: the lock names versions and hashes, never a place.
set -eu
cd "$(dirname "$0")/.."
environment=.venv
stamp=$environment/.complete

# Another apt-get may be at work: wait for it.
patience="-o DPkg::Lock::Timeout=300"

say() { printf 'nengtan: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

find_python() {
    for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3.14 python3 python; do
        # Asking is the only proof: a version manager's shim may be on PATH and still refuse to run.
        if [ -n "$candidate" ] && "$candidate" -c \
            'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or later on PATH. Install one, or name it: make demo PYTHON=/path/to/python3"
}

require_venv_module() {
    if "$1" -c 'import ensurepip, venv' 2>/dev/null; then return; fi
    # Debian and Ubuntu ship Python without these two modules.
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "$1 lacks ensurepip: installing $package with apt-get"
        apt-get $patience update -qq
        DEBIAN_FRONTEND=noninteractive apt-get $patience install -y -qq --no-install-recommends "$package" \
            >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get $patience install -y -qq python3-venv >/dev/null
    fi
    "$1" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$1 cannot make a virtual environment: as root, run 'apt-get install $package'," \
            "or name another Python: make demo PYTHON=/path/to/python3"
}

# A checkout that only touched the lock's date, or a start without network, has nothing to install.
if [ -f "$stamp" ] && cmp -s requirements.lock "$stamp" &&
    "$environment/bin/python" -c '' 2>/dev/null; then
    touch "$stamp"
    exit 0
fi

if ! "$environment/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    require_venv_module "$python"
    say "creating $environment with $("$python" --version)"
    "$python" -m venv --clear "$environment"
fi
rm -f "$stamp"
say "installing the packages of requirements.lock (about 100, once)"
"$environment/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --no-input \
    --require-hashes --requirement requirements.lock ||
    fail "installing failed. Packages come from the index of 'pip config list'; check that it answers," \
        "then run the same command again: it goes on where it stopped."
cp requirements.lock "$stamp.new" && mv "$stamp.new" "$stamp"
