#!/usr/bin/env bash
# `cargo xtask reproduce --launcher slurm` on a real SLURM of this one machine: an array of nine runs, one requeued half way, one
# cancelled half way and submitted again, one that meets its time limit. The figures must equal those of the local launcher, file by file.
# Prints a message and skips itself where the packages of SLURM cannot be installed. Takes about five minutes; SLURM looks at time limits by the minute.
#
#   tests/slurm/run.sh [DIR]     DIR keeps everything (default: a temporary directory, removed at the end)
#
# SOFTMOE_BINARIES names a directory with xtask, the worker and the reporter, e.g. target/debug; without it, cargo builds them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
cluster=$here/cluster.sh

"$cluster" install || {
    [ $? = 77 ] || exit 1
    echo "tests/slurm passed over: the packages of SLURM are not installed" >&2
    exit 0
}
work=${1:-$(mktemp -d)}
mkdir -p "$work"
# munged refuses a directory that others cannot enter.
chmod 755 "$work"
work=$(cd "$work" && pwd)
finish() {
    code=$?
    [ "$code" = 0 ] || { squeue || true; tail -n 30 "$work"/*/launch/*/logs/*.log "$work"/*.log "$work"/cluster/start.log; } >&2 2>/dev/null
    scancel --user "$(id -un)" 2>/dev/null || true
    "$cluster" stop "$work/cluster"
    [ -n "${kept:-}" ] || rm -rf "$work"
    exit "$code"
}
kept=${1:-}
trap finish EXIT
trap 'exit 130' INT TERM

say() { echo "-- $(date +%T) $*"; }
fail() { echo "error: $*" >&2; exit 1; }
xtask=(cargo --quiet xtask)
if [ -n "${SOFTMOE_BINARIES:-}" ]; then
    SOFTMOE_BINARIES=$(realpath "$SOFTMOE_BINARIES")
    export SOFTMOE_BINARIES
    xtask=("$SOFTMOE_BINARIES/xtask")
fi
# Small networks: a debug build on a busy machine must get through.
small=(--games breakout --set network.hidden=16 --set agent.batch_size=8 --set agent.replay_capacity=10000 --set agent.min_replay=300
    --set training.checkpoint_period=200 --set training.evaluation_episodes=2 --set training.final_evaluation_episodes=5)
reproduce() { "${xtask[@]}" reproduce fig3 "${small[@]}" "$@"; }
# Waits until a command succeeds, for at most so many seconds.
await() {
    local seconds=$1
    shift
    for ((k = 0; k < 5 * seconds; k++)); do
        "$@" && return
        sleep 0.2
    done
    fail "waited $seconds s in vain: $*"
}
state() { scontrol show job -o "$1" | sed 's/.*JobState=\([A-Z_]*\).*/\1/'; }
is_state() { [ "$(state "$1")" = "$2" ]; }
ended() { [ -z "$(squeue --noheader --jobs "$1" 2>/dev/null)" ]; }
submitted() { sed -n 's/^Submitted job \([0-9]*\): .*/\1/p' "$1"; }
has_checkpoint() { compgen -G "$1/checkpoint/step-*" >/dev/null; }

cd "$root"
say "start the cluster"
settings=$("$cluster" start "$work/cluster")
eval "$settings"

# Steps for the speed of this machine.
probe=1000
reproduce --arms flat --seeds 1 --steps "$probe" --out "$work/probe" --jobs 1 >"$work/probe.log" 2>&1
seconds=$(sed -n 's/^ *wall_seconds: \([0-9.]*\).*/\1/p' "$(find "$work/probe/runs" -path '*/flat/*' -name done.ron)")
steps_in() { awk -v probe="$probe" -v seconds="$seconds" -v wanted="$1" 'BEGIN { print int(probe / seconds * wanted) }'; }
few=$(steps_in 8)
[ "$few" -ge 600 ] || few=600
# On a machine that is busy now and idle then, it must still meet the limit.
many=$(steps_in 120)
say "$probe steps of flat take $seconds s: short runs have $few steps, the long one $many"

# NINE RUNS: three arms, three seeds, in seven tasks (the cluster's MaxArraySize)
nine=(--arms flat,softmoe-4 --seeds 3 --steps "$few")
say "submit nine runs"
reproduce "${nine[@]}" --out "$work/slurm" --launcher slurm --time 10 --grace 20 --max-running 3 | tee "$work/submit.log"
{ read -r array; read -r report; } < <(submitted "$work/submit.log")
mapfile -t runs <"$work/slurm/launch/fig3-quick-001/runs.txt"
[ "${#runs[@]}" = 9 ] || fail "${#runs[@]} runs are listed"
grep -q '9 runs in 7 tasks' "$work/submit.log" || fail "nine runs are not cut to seven tasks"

# Two runs of SoftMoE-4, the slowest; their tasks may have another run each.
slow=()
for index in "${!runs[@]}"; do [[ ${runs[index]} != */softmoe-4/* ]] || slow+=("$index"); done
requeued=$((slow[0] % 7)) cancelled=$((slow[1] % 7))

await 300 has_checkpoint "${runs[slow[0]]}"
say "requeue task $requeued half way"
scontrol requeue "${array}_$requeued"
[ ! -e "${runs[slow[0]]}/done.ron" ] || fail "task $requeued was too fast"
await 300 has_checkpoint "${runs[slow[1]]}"
say "cancel task $cancelled half way"
scancel "${array}_$cancelled"
in_queue() { squeue --noheader --array --format=%K --jobs "$array" | grep -qx "$1"; }
out_of_queue() { ! in_queue "$1"; }
await 60 out_of_queue "$cancelled"
[ ! -e "${runs[slow[1]]}/done.ron" ] || fail "task $cancelled was too fast"

# Another submission takes the cancelled run, and none that is still queued.
in_queue "$requeued" || fail "the requeued task is not in the queue"
reproduce "${nine[@]}" --out "$work/slurm" --launcher slurm --time 10 --grace 20 | tee "$work/again.log"
{ read -r again; read -r again_report; } < <(submitted "$work/again.log")
second=$work/slurm/launch/fig3-quick-002/runs.txt
grep -qxF "${runs[slow[1]]}" "$second" || fail "the cancelled run is not submitted again"
! grep -qxF "${runs[slow[0]]}" "$second" || fail "a queued run is submitted twice"

# THE TIME LIMIT: a run that takes longer than SLURM allows
limit=(--arms flat --seeds 1 --steps "$many")
say "wait for the array"
await 600 ended "$array"
await 600 ended "$again"
is_state "${array}_$requeued" COMPLETED || fail "the requeued task is $(state "${array}_$requeued")"
is_state "${array}_$cancelled" CANCELLED || fail "the cancelled task is $(state "${array}_$cancelled"): it came back"
grep -q 'restart 1: start' "$work/slurm/launch/fig3-quick-001/logs/${array}_$requeued.log" || fail "task $requeued was not restarted"
say "submit runs that meet their time limit"
reproduce "${limit[@]}" --out "$work/slurm-long" --launcher slurm --time 1 --grace 20 | tee "$work/long.log"
{ read -r limited; read -r limited_report; } < <(submitted "$work/long.log")

say "the same runs by the local launcher"
reproduce "${nine[@]}" --out "$work/local" >"$work/local.log" 2>&1
reproduce "${limit[@]}" --out "$work/local-long" >"$work/local-long.log" 2>&1
await 60 ended "$report"
await 60 ended "$again_report"
await 900 ended "$limited"
await 60 ended "$limited_report"
log=$work/slurm-long/launch/fig3-quick-001/logs
grep -q 'back to the queue' "$log"/*.log || fail "no run met the time limit"
grep -h 'back to the queue\|restart [1-9].*finished' "$log"/*.log

# THE SAME FILES
without_times() { awk '/ ms an update /,/^$/ { sub(/\|[^|]*\|$/, "|") } { print }' "$1"; }
compare() {
    local slurm=$1 local=$2 file
    while IFS= read -r file; do
        cmp "$slurm/$file" "$local/$file"
    done < <(cd "$local" && find results runs -type f \( -path 'results/*' ! -name table.md ! -name report.json -o -name weights.safetensors -o -name run.ron \))
    # The cost of an arm has a measured time: the last column.
    while IFS= read -r file; do
        cmp <(without_times "$slurm/$file") <(without_times "$local/$file")
    done < <(cd "$local" && find results -name table.md)
    diff <(cd "$slurm" && find results runs -type f ! -name lock ! -name stderr.log | sort) \
        <(cd "$local" && find results runs -type f ! -name lock ! -name stderr.log | sort)
    # Times differ from run to run: the last two columns.
    while IFS= read -r file; do
        cmp <(sed 's/,[^,]*,[^,]*$//' "$slurm/$file") <(sed 's/,[^,]*,[^,]*$//' "$local/$file")
    done < <(cd "$local" && find runs -name metrics.csv)
    say "equal: $(cd "$local" && find results -type f | wc -l) files of the report, $(find "$local/runs" -name done.ron | wc -l) runs"
}
compare "$work/slurm" "$work/local"
compare "$work/slurm-long" "$work/local-long"
[ -z "$(find "$work" -name 'lease-*')" ] || fail "a lease was left behind"
say "SLURM ran: the figures equal those of the local launcher"
