#!/usr/bin/env bash
# The page of `cargo xtask demo` in headless Chromium: demo.mjs, at the widths of a desktop and of a phone, in light and dark. It prints a
# message and skips the checks where Chromium, Node.js or a compiler for WebAssembly cannot be installed. It takes about a minute, and four more if the
# WebAssembly program is not built yet.
#
#   tests/browser/demo.sh [DIR]
#
# DIR keeps runs, page and screenshots (default: a temporary directory, removed at the end). CHROMIUM names a browser. PAGE names a page to check; by default,
# a page with three agents of short runs is written. SOFTMOE_BINARIES names a directory with `xtask`, worker, reporter and `softmoe-demo`; otherwise they are built.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/browser/setup.sh
source "$here/setup.sh"
make_work "${1:-}"

xtask=(cargo --quiet xtask)
demo=(cargo run --quiet --release --package softmoe-demo --)
if [ -n "${SOFTMOE_BINARIES:-}" ]; then
    SOFTMOE_BINARIES=$(realpath "$SOFTMOE_BINARIES")
    export SOFTMOE_BINARIES
    xtask=("$SOFTMOE_BINARIES/xtask")
    demo=("$SOFTMOE_BINARIES/softmoe-demo")
fi

# A PAGE
if [ -z "${PAGE:-}" ]; then
    if [ ! -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]; then
        "$root/scripts/wasm-toolchain.sh" || pass_over "there is no compiler for WebAssembly"
    fi
    cd "$root"
    # Networks of the usual size, few updates; two games, and two agents of one of them.
    {
        "${xtask[@]}" reproduce fig1 --profile quick --arms flat,softmoe-4,softmoe-1-x4 --games breakout,freeway --seeds 1 --steps 1200 \
            --set agent.min_replay=1100 --set training.evaluation_episodes=1 --set training.final_evaluation_episodes=3 --out "$work"
        runs=$work/runs/quick
        "${xtask[@]}" demo "$runs"/{flat,softmoe-4}/breakout/seed-0 "$runs/softmoe-1-x4/freeway/seed-0" --out "$work"
    } >"$work/made.log" 2>&1 || { tail -n 20 "$work/made.log" >&2; fail "no page"; }
    PAGE=$work/demo/index.html
    bytes=$(stat --format %s "$PAGE")
    echo "the page with three agents has $bytes bytes"
    [ "$bytes" -lt 2000000 ] || fail "the page has 2 MB or more"
fi
PAGE=$(realpath "$PAGE")
(cd "$root" && "${demo[@]}" actions "$PAGE" --steps 1000) >"$work/expected.json"

# CHECKS
cd "$packages"
node "$here/demo.mjs" "$PAGE" "$work/expected.json" "$work/screenshots"
