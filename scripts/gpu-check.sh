#!/usr/bin/env bash
# Compares every network on an NVIDIA card with the CPU engine, and its updates a second with PyTorch's and JAX's.
#
#   scripts/gpu-check.sh target/release/softmoe-measure [DEVICE] [PYTHON]
#
# Build the program with `cargo build --release -p softmoe --features cuda`, on this machine or another one.
# DEVICE defaults to cuda:0; `flex` and `wgpu` try the script without a card. PYTHON needs PyTorch for CUDA, or JAX with
# its plugin, flax and optax; without it, only our networks are timed. The script writes its files to gpu-check/.
# ONLY=minatar selects networks, STEPS=20 makes rounds shorter.
set -euo pipefail

measure=${1:?name the program: scripts/gpu-check.sh target/release/softmoe-measure [DEVICE] [PYTHON]}
device=${2:-cuda:0}
python=${3:-python3}
peers=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/peers/gpu_train_step.py
only=(${ONLY:+--only "$ONLY"})
out=gpu-check

if [[ ! -x $measure ]]; then
    echo "error: there is no program $measure; build it: cargo build --release -p softmoe --features cuda" >&2
    exit 1
fi
if [[ $device == cuda* ]]; then
    if ! command -v nvidia-smi >/dev/null || ! nvidia-smi -L 2>/dev/null | grep -q '^GPU'; then
        echo "error: there is no NVIDIA card here (nvidia-smi lists none); run this on a machine with a card, or try" \
            "the script with \`$0 $measure flex\`" >&2
        exit 1
    fi
fi
mkdir -p "$out"
{
    uname -srm
    if [[ $device == cuda* ]]; then
        nvidia-smi --query-gpu=index,name,driver_version,memory.total --format=csv
    fi
} | tee "$out/machine.txt"

echo
echo "== Updates on $device against the CPU engine"
apart=0
"$measure" devices --device "$device" "${only[@]}" | tee "$out/equality.txt" || apart=$?

echo
echo "== Updates a second"
: > "$out/peers.jsonl"
if [[ $device == cuda* ]] && command -v "$python" >/dev/null && [[ -f $peers ]]; then
    "$python" "$peers" "${only[@]}" > "$out/peers.jsonl" || echo "the peers failed: see their messages above" >&2
    grep skipped "$out/peers.jsonl" || true
else
    echo "the peers are skipped: they need a card, and $python with PyTorch or JAX"
fi
"$measure" device-steps --device "$device" "${only[@]}" ${STEPS:+--steps "$STEPS"} --peers "$out/peers.jsonl" |
    tee "$out/steps.md"

echo
echo "== Rainbow on $device: updates, agent steps, launches"
for network in minatar-flat minatar-softmoe4 impala-softmoe4; do
    [[ $network == *"${ONLY:-}"* ]] || continue
    for more in "" --count; do
        echo "$network $more"
        # A line of input for each round.
        printf '\n' | "$measure" device-agent "$network" --device "$device" $more | tail -n 1
    done
done | tee "$out/agent.jsonl"
exit "$apart"
