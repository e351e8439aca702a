#!/usr/bin/env bash
# The page of `cargo xtask report` in headless Chromium: small runs of two figures, then check.mjs on their page at the widths of a desktop
# and of a phone, in light and dark. Prints a message and skips itself where Chromium or Node.js cannot be installed. Takes about a minute.
#
#   tests/browser/run.sh [DIR]     DIR keeps runs, page and screenshots (default: a temporary directory, removed at the end)
#
# SOFTMOE_BINARIES names a directory with xtask, the worker and the reporter, e.g. target/debug; without it, cargo builds them.
# CHROMIUM names a browser. PAGE names a page to be checked instead of that of small runs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..

pass_over() { echo "tests/browser passed over: $*" >&2; exit 0; }
fail() { echo "error: $*" >&2; exit 1; }

# PROGRAMS
has() { command -v "$1" >/dev/null; }
browser() { for name in "${CHROMIUM:-chromium}" chromium-browser google-chrome; do command -v "$name" && return; done; return 1; }
missing=()
browser >/dev/null || missing+=(chromium)
has node || missing+=(nodejs)
has npm || missing+=(npm)
if [ ${#missing[@]} != 0 ]; then
    [ "$(id -u)" = 0 ] && has apt-get || pass_over "no ${missing[*]}, and no way to install it"
    echo "installing ${missing[*]}"
    # Lists that are out of date name packages that are gone.
    install() { DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}" >/dev/null 2>&1; }
    install || { apt-get update >/dev/null 2>&1 && install; } || pass_over "${missing[*]} cannot be installed"
fi
CHROMIUM=$(browser) || pass_over "no Chromium"
export CHROMIUM
node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' || pass_over "Node.js is older than version 18"

# PACKAGES
packages=${CARGO_TARGET_DIR:-$root/target}/browser
mkdir -p "$packages"
if ! cmp -s "$here/package-lock.json" "$packages/package-lock.json" || [ ! -d "$packages/node_modules/axe-core" ]; then
    cp "$here/package.json" "$here/package-lock.json" "$packages"
    (cd "$packages" && npm ci --no-audit --no-fund >npm.log 2>&1) || {
        rm -f "$packages/package-lock.json"
        pass_over "npm cannot install playwright-core and axe-core: $(tail -n 1 "$packages/npm.log")"
    }
fi

# A PAGE
work=${1:-$(mktemp -d)}
mkdir -p "$work"
work=$(cd "$work" && pwd)
[ -n "${1:-}" ] || trap 'rm -rf "$work"' EXIT
if [ -z "${PAGE:-}" ]; then
    xtask=(cargo --quiet xtask)
    if [ -n "${SOFTMOE_BINARIES:-}" ]; then
        SOFTMOE_BINARIES=$(realpath "$SOFTMOE_BINARIES")
        export SOFTMOE_BINARIES
        xtask=("$SOFTMOE_BINARIES/xtask")
    fi
    cd "$root"
    # Small networks: a debug build on a busy machine must get through.
    small=(--games breakout,freeway --seeds 2 --steps 1200 --set network.hidden=16 --set agent.batch_size=8 --set agent.replay_capacity=5000
        --set agent.min_replay=200 --set training.evaluation_episodes=1 --set training.final_evaluation_episodes=2)
    {
        "${xtask[@]}" reproduce fig3 --profile quick --arms flat,softmoe-4,expert-choice-4 "${small[@]}" --out "$work"
        "${xtask[@]}" reproduce fig2 --profile minatar --out "$work"
        "${xtask[@]}" report --out "$work"
    } >"$work/made.log" 2>&1 || { tail -n 20 "$work/made.log" >&2; fail "no page"; }
    PAGE=$work/report/index.html
fi
PAGE=$(realpath "$PAGE")

# CHECKS
cd "$packages"
node "$here/check.mjs" "$PAGE" "$work/screenshots"
