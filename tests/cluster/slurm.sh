#!/usr/bin/env bash
# A Slurm of one node on this machine, without accounting: slurm.sh install | start | stop
# For tests on Debian, as root. Everything it writes lies in $SLURM_HERE (default /tmp/vcmflow-slurm).
set -euo pipefail
here=${SLURM_HERE:-/tmp/vcmflow-slurm}
# Where Debian's programs look; Snakemake's plugin takes SLURM_CONF away from its jobs.
conf=/etc/slurm/slurm.conf
mine="# vcmflow's test; slurm.sh stop removes it"

install() {
  command -v sbatch slurmctld slurmd munged >/dev/null && return
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge
}

start() {
  if [ -e "$conf" ] && ! grep -q "^$mine" "$conf"; then
    echo "$conf is there: this machine has a Slurm of its own" >&2
    return 1
  fi
  stop
  rm -rf "$here"
  mkdir -p "$here"/{state,spool,munge}
  head -c 1024 /dev/urandom >"$here/munge/key"
  chmod 700 "$here/munge" && chmod 400 "$here/munge/key"
  # Two nodes on one host: one can be set down, and jobs go to the other.
  cores=$(getconf _NPROCESSORS_ONLN)
  memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
  cat >"$conf" <<CONF
$mine
ClusterName=vcmflow
SlurmctldHost=localhost
SlurmUser=root
SlurmctldPort=16817
AuthType=auth/munge
AuthInfo=socket=$here/munge/socket
CredType=cred/munge
StateSaveLocation=$here/state
SlurmctldPidFile=$here/slurmctld.pid
SlurmctldLogFile=$here/slurmctld.log
SlurmdPidFile=$here/slurmd.%n.pid
SlurmdSpoolDir=$here/spool/%n
SlurmdLogFile=$here/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,batch_sched_delay=0
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5
# Beyond its memory a job is killed, as on a real cluster.
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
MinJobAge=600
OverTimeLimit=0
KillWait=5
ReturnToService=1
SlurmdParameters=config_overrides
NodeName=one NodeHostname=localhost NodeAddr=127.0.0.1 Port=16821 CPUs=$cores RealMemory=$memory
NodeName=two NodeHostname=localhost NodeAddr=127.0.0.1 Port=16822 CPUs=$cores RealMemory=$memory
PartitionName=cpu Nodes=one,two Default=YES MaxTime=INFINITE State=UP
CONF
  munged --force --key-file="$here/munge/key" --socket="$here/munge/socket" \
    --pid-file="$here/munge/pid" --log-file="$here/munge/log" --seed-file="$here/munge/seed"
  slurmctld
  slurmd -N one
  slurmd -N two
  for _ in $(seq 60); do
    [ "$(sinfo -h -n one -o %T)" = idle ] && return
    sleep 1
  done
  sinfo -l >&2
  tail -n 20 "$here"/*.log >&2
  return 1
}

stop() {
  for file in "$here"/slurmd.*.pid "$here/slurmctld.pid" "$here/munge/pid"; do
    [ -f "$file" ] && kill "$(cat "$file")" 2>/dev/null || true
  done
  grep -qs "^$mine" "$conf" && rm "$conf" || true
}

"$1"
