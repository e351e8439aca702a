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
# shellcheck source=tests/browser/setup.sh
source "$here/setup.sh"

# A PAGE
make_work "${1:-}"
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
