# The runs of this task: every `tasks`-th line of the list, from the task's own number on. The variables above say which.
#
# USR1 comes before the time limit and reaches this shell alone: the worker then stops at a checkpoint, and the job goes back to the
# queue. TERM reaches every process of the job, the worker too: of a cancelled job, of one that is pre-empted (which the scheduler
# requeues itself), or at the time limit. This shell then waits for the worker, and does not requeue: a cancelled job must not come back.
task=${SLURM_ARRAY_TASK_ID:?is set by the scheduler for each task of an array}
near_limit='' stopped='' worker='' progress='' failed=0 left=0
trap 'near_limit=1; [ -z "$worker" ] || kill -TERM "$worker" 2>/dev/null' USR1
trap 'stopped=1' TERM

say() { echo "$(date '+%F %T') job ${SLURM_JOB_ID:-?}, task $task, restart ${SLURM_RESTART_COUNT:-0}: $*"; }
checkpoints() { ls "$directory/checkpoint" 2>/dev/null; }

say "on ${SLURMD_NODENAME:-$(hostname)}"
mapfile -t directories <"$list"
for ((line = task; line < ${#directories[@]}; line += tasks)); do
    directory=${directories[line]}
    [ ! -e "$directory/done.ron" ] || continue
    if [ -n "$near_limit$stopped" ]; then
        left=$((left + 1))
        continue
    fi
    say "start $directory"
    before=$(checkpoints)
    # Another worker may be leaving, or its host may have failed: its lease is waited for.
    "$program" "$directory/run.ron" --wait 300 --threads "${SLURM_CPUS_PER_TASK:-1}" "${options[@]}" 2>>"$directory/stderr.log" &
    worker=$!
    [ -z "$near_limit" ] || kill -TERM "$worker" 2>/dev/null
    # A signal ends `wait`, not the worker.
    while wait "$worker"; code=$?; kill -0 "$worker" 2>/dev/null; do :; done
    worker=''
    [ "$(checkpoints)" = "$before" ] || progress=1
    if [ -e "$directory/done.ron" ]; then
        progress=1
        say "finished $directory"
    elif [ -n "$near_limit$stopped" ]; then
        left=$((left + 1))
        say "stopped $directory"
    else
        failed=$((failed + 1))
        say "failed with exit code $code: $directory; the end of its stderr.log:"
        tail -n 5 "$directory/stderr.log"
    fi
done

if [ "$left" -gt 0 ] && [ -n "$stopped" ]; then
    say "stopped by the scheduler with $left left; submit again to resume"
    exit 130
fi
if [ "$left" -gt 0 ]; then
    if [ -z "$progress" ]; then
        say "the time limit is too short: no run got to a checkpoint; submit again with a longer \`--time\`"
        exit 1
    fi
    say "the time is nearly up: back to the queue with $left left"
    # The scheduler ends this shell once the job is in the queue again; TERM ends `wait` at once.
    if scontrol requeue "$SLURM_JOB_ID" && [ -z "$stopped" ]; then
        sleep 120 >/dev/null 2>&1 &
        wait "$!"
    fi
    exit 130
fi
[ "$failed" = 0 ] || { say "$failed failed; submit again to retry"; exit 1; }
