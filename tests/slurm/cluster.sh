#!/usr/bin/env bash
# A SLURM cluster of this one machine, for tests: Debian's packages, no systemd, every file in one directory.
#
#   cluster.sh install       installs the packages (needs root); exit code 77 where that is not possible
#   cluster.sh start DIR     starts it, and prints the line that makes SLURM's commands find it
#   cluster.sh stop DIR      ends its daemons
set -euo pipefail

install_packages() {
    command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null && return
    [ "$(id -u)" = 0 ] || { echo "not root: the packages of SLURM cannot be installed" >&2; exit 77; }
    command -v apt-get >/dev/null || { echo "no apt-get: the packages of SLURM cannot be installed" >&2; exit 77; }
    # Installed packages must not start their daemons.
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        trap "rm -f $policy" EXIT
    fi
    local packages=(slurmctld slurmd slurm-client munge)
    export DEBIAN_FRONTEND=noninteractive
    { apt-get install -y -q --no-install-recommends "${packages[@]}" ||
        { apt-get update -q && apt-get install -y -q --no-install-recommends "${packages[@]}"; }; } >&2 ||
        { echo "apt-get does not install ${packages[*]}" >&2; exit 77; }
}

# Ports that nothing listens on, so that clusters do not meet.
free_ports() {
    local port found=()
    for ((port = 20000 + $$ % 20000; ${#found[@]} < 2; port++)); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || found+=("$port")
    done
    echo "${found[@]}"
}

start() {
    local dir host memory ports
    dir=$(realpath -m "$1")
    host=$(hostname -s)
    memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    read -ra ports < <(free_ports)
    mkdir -p "$dir"/{state,spool,munge}
    # munged refuses a directory that others may write to.
    chmod 755 "$dir" "$dir/munge"
    cat >"$dir/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmdPort=${ports[1]}
SlurmUser=root
AuthType=auth/munge
# A requeued job waits for its credentials to expire: two minutes by default.
AuthInfo=socket=$dir/munge/socket,cred_expire=10
CredType=cred/munge
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/jobcomp.log
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=1
ReturnToService=2
KillWait=10
MinJobAge=3600
MaxArraySize=7
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
CONF
    (umask 077; head -c 1024 /dev/urandom >"$dir/munge/key")
    munged --socket="$dir/munge/socket" --key-file="$dir/munge/key" --pid-file="$dir/munge/munged.pid" \
        --log-file="$dir/munge/munged.log" --seed-file="$dir/munge/seed" >>"$dir/start.log" 2>&1
    export SLURM_CONF=$dir/slurm.conf
    # Their output goes to a file: whoever reads this script's output would otherwise wait for the daemons to end.
    slurmctld >>"$dir/start.log" 2>&1
    slurmd >>"$dir/start.log" 2>&1
    for _ in $(seq 200); do
        if [ "$(sinfo -h -o %t -p main 2>/dev/null)" = idle ]; then
            echo "export SLURM_CONF=$SLURM_CONF"
            return
        fi
        sleep 0.1
    done
    echo "the node does not become idle:" >&2
    sinfo >&2 || true
    tail -n 20 "$dir/start.log" "$dir"/slurm*.log "$dir/munge/munged.log" >&2
    return 1
}

stop() {
    local dir file pid
    dir=$(realpath -m "$1")
    for file in "$dir/slurmd.pid" "$dir/slurmctld.pid" "$dir/munge/munged.pid"; do
        [ -s "$file" ] || continue
        pid=$(cat "$file")
        kill "$pid" 2>/dev/null || continue
        for _ in $(seq 100); do
            kill -0 "$pid" 2>/dev/null || continue 2
            sleep 0.1
        done
        echo "process $pid of $file does not end: killed" >&2
        kill -9 "$pid" 2>/dev/null || true
    done
}

case ${1:-} in
install) install_packages ;;
start) start "${2:?a directory}" ;;
stop) stop "${2:?a directory}" ;;
*) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
