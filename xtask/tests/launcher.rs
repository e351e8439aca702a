//! `cargo xtask reproduce --launcher slurm` on commands of SLURM made of shell; `tests/slurm` does the same on a real cluster.
#![cfg(unix)]

mod workshop;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use softmoe_config::Lease;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use workshop::{Workshop, assert_says, finish, wait_for_lines};

/// Two arms and the random policy, one game, two seeds: six runs.
const SIX: &str = "fig3 --arms flat,softmoe-4 --games breakout --seeds 2";

/// Notes its arguments and its signals; fails, waits or finishes as files beside `here` say.
const WORKER: &str = r#"#!/bin/sh
here=HERE
[ "$1" != calibrate ] || exit 1
directory=$(dirname "$1")
echo "$*" >> "$here/started"
if [ -e "$here/fail" ] && grep -q "arm: \"$(cat "$here/fail")\"" "$1"; then
    echo "the disk is full" >&2
    exit 3
fi
if [ -e "$here/wait" ]; then
    trap 'echo TERM >> "$here/signals"; sleep 0.2; mkdir -p "$directory/checkpoint"; date +%N > "$directory/checkpoint/$(date +%N)"; exit 130' TERM
    echo waiting >> "$here/waiting"
    while :; do sleep 0.02; done
fi
echo '(score: 1.5, returns: [1.0, 2.0], agent_steps: 40000, parameters: 7, wall_seconds: 4.0, version: "0", device: "cpu")' \
    > "$directory/done.ron"
"#;

const SBATCH: &str = r#"#!/bin/sh
[ ! -e HERE/refuse ] || { echo "sbatch: error: invalid partition" >&2; exit 1; }
echo "$PWD: $*" >> HERE/submitted
echo $((40 + $(wc -l < HERE/submitted)))
"#;

const SQUEUE: &str = "#!/bin/sh\n[ ! -e HERE/queue ] || cat HERE/queue\n";

const SCONTROL: &str = r#"#!/bin/sh
[ "$1" = requeue ] || { echo "MaxArraySize            = $(cat HERE/size 2>/dev/null || echo 1001)"; exit; }
echo "$*" >> HERE/requeued
kill $PPID
"#;

/// A workshop with the commands of SLURM.
struct Cluster(Workshop);

impl Cluster {
    fn new() -> Cluster {
        Cluster::at(Workshop::new())
    }

    fn at(workshop: Workshop) -> Cluster {
        let here = workshop.path("").to_str().unwrap().trim_end_matches('/').to_owned();
        let programs =
            [("softmoe-run", WORKER), ("sbatch", SBATCH), ("squeue", SQUEUE), ("scontrol", SCONTROL)];
        for (name, text) in programs {
            fs::write(workshop.path(name), text.replace("HERE", &here)).unwrap();
            fs::set_permissions(workshop.path(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        Cluster(workshop)
    }

    fn path(&self) -> String {
        format!("{}:{}", self.0.path("").display(), std::env::var("PATH").unwrap())
    }

    /// `cargo xtask reproduce ARGUMENTS --launcher slurm --out OUT`, finished: exit code, standard output, standard error.
    fn submit(&self, arguments: &str) -> (Option<i32>, String, String) {
        let mut command = self.0.command(&format!("{arguments} --launcher slurm"));
        command.env("PATH", self.path());
        finish(assert_cmd::Command::from_std(command))
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.0.path(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn submission(&self, number: u32) -> PathBuf {
        self.0.out().join(format!("launch/fig3-quick-{number:03}"))
    }

    /// A task as the cluster starts it.
    fn task(&self, submission: &Path, task: u64) -> Command {
        let mut command = Command::new("bash");
        command.arg(submission.join("runs.sh")).current_dir("/").env("PATH", self.path());
        command.env("SLURM_ARRAY_TASK_ID", task.to_string()).env("SLURM_JOB_ID", "41");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, task: u64) -> Output {
        self.task(&self.submission(1), task).output().unwrap()
    }

    fn finished(&self) -> usize {
        let list = fs::read_to_string(self.submission(1).join("runs.txt")).unwrap();
        list.lines().filter(|run| Path::new(run).join("done.ron").exists()).count()
    }
}

#[track_caller]
fn assert_printed(output: &Output, parts: &[&str]) {
    assert_says(&String::from_utf8_lossy(&output.stdout), parts);
}

#[test]
fn an_array_and_a_report_are_submitted_and_need_no_checkout() {
    let cluster = Cluster::new();
    let options =
        "--time 2:00:00 --partition long --gres gpu:1 --max-running 3 --cpus 2 --sbatch=--account=me";
    let (code, stdout, stderr) = cluster.submit(&format!("{SIX} {options}"));
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(
        &stdout,
        &["Submitted job 41: 6 runs in 6 tasks", "Submitted job 42: the report", "scancel 41 42"],
    );
    let submission = cluster.submission(1);
    let at = submission.display();
    let submitted =
        [format!("{at}: --parsable runs.sh"), format!("{at}: --parsable --dependency=afterany:41 report.sh")];
    assert_eq!(cluster.lines("submitted"), submitted);
    let script = fs::read_to_string(submission.join("runs.sh")).unwrap();
    for option in [
        "--array=0-5%3",
        "--signal=B:USR1@120",
        "--requeue",
        "--open-mode=append",
        "--time=2:00:00",
        "--partition=long",
        "--gres=gpu:1",
        "--cpus-per-task=2",
        "--account=me",
    ] {
        assert_says(&script, &[&format!("\n#SBATCH {option}\n")]);
    }
    // The programs that were built may go.
    for name in ["softmoe-run", "softmoe-report"] {
        fs::remove_file(cluster.0.path(name)).unwrap();
    }
    for task in 0..6 {
        let output = cluster.run(task);
        assert!(output.status.success(), "{output:?}");
        assert_printed(&output, &["start /", "finished /"]);
        assert_eq!(cluster.finished(), task as usize + 1);
    }
    let started = cluster.lines("started");
    assert!(
        started.iter().all(|line| line.ends_with("run.ron --wait 300 --threads 1 --device cpu")),
        "{started:?}"
    );
    let mut report = Command::new("bash");
    let report = report.arg(submission.join("report.sh")).current_dir("/").output().unwrap();
    assert!(report.status.success());
    let experiment = submission.join("experiments/fig3.ron");
    assert_printed(
        &report,
        &["report: --experiment", experiment.to_str().unwrap(), "--arms flat,softmoe-4", "--seeds 2"],
    );
    assert!(experiment.exists());
    // Everything is finished: a task that comes late does nothing, and nothing is submitted again.
    assert!(cluster.run(0).status.success());
    let (code, stdout, _) = cluster.submit(SIX);
    assert_eq!((code, cluster.lines("submitted").len(), cluster.lines("started").len()), (Some(0), 2, 6));
    assert_says(&stdout, &["Nothing is left to submit"]);
}

#[test]
fn a_dry_run_prints_the_scripts_and_writes_nothing() {
    let cluster = Cluster::new();
    let (code, stdout, stderr) = cluster.submit(&format!("{SIX} --dry-run"));
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(
        &stdout,
        &["Would submit 6 runs in 6 tasks", "$ sbatch --parsable runs.sh", "#SBATCH --array=0-5\n"],
    );
    assert_says(
        &stdout,
        &["$ sbatch --parsable --dependency=afterany:ARRAY report.sh", "options=(--experiment "],
    );
    assert!(!cluster.0.out().exists() && cluster.lines("submitted").is_empty());
}

#[test]
fn more_runs_than_tasks_share_tasks_and_none_is_left_out() {
    let cluster = Cluster::new();
    cluster.0.tell("size", "4");
    let (_, stdout, _) = cluster.submit(SIX);
    assert_says(&stdout, &["6 runs in 4 tasks"]);
    (0..4).for_each(|task| assert!(cluster.run(task).status.success()));
    assert_eq!((cluster.finished(), cluster.lines("started").len()), (6, 6));
    // The random policy has nothing to train and comes last.
    let list = fs::read_to_string(cluster.submission(1).join("runs.txt")).unwrap();
    assert!(list.lines().rev().take(2).all(|run| run.contains("/random/")), "{list}");
}

#[test]
fn failed_runs_do_not_stop_the_others_of_the_task_and_are_submitted_again() {
    let cluster = Cluster::new();
    cluster.0.tell("fail", "flat");
    cluster.submit(&format!("{SIX} --max-tasks 1"));
    let output = cluster.run(0);
    assert_eq!(output.status.code(), Some(1));
    assert_printed(&output, &["failed with exit code 3: /", "the disk is full", "2 failed; submit again"]);
    assert_eq!(cluster.finished(), 4);
    cluster.0.untell("fail");
    let (_, stdout, _) = cluster.submit(SIX);
    assert_says(&stdout, &["Submitted job 43: 2 runs in 2 tasks"]);
    let list = fs::read_to_string(cluster.submission(2).join("runs.txt")).unwrap();
    assert!(list.lines().count() == 2 && list.lines().all(|run| run.contains("/flat/")), "{list}");
}

#[test]
fn runs_in_the_queue_are_not_submitted_again_and_the_report_waits_for_them() {
    let cluster = Cluster::new();
    cluster.submit(SIX);
    // Of the six tasks, two are left.
    cluster.0.tell("queue", "41 1\n41 4\n42 N/A\n7 0\n");
    let (_, stdout, _) = cluster.submit(SIX);
    assert_says(&stdout, &["2 runs already queued, in job 41", "Submitted job 43: 4 runs in 4 tasks"]);
    assert_says(&cluster.lines("submitted")[3], &["--dependency=afterany:41:43 report.sh"]);
}

#[test]
fn near_the_time_limit_the_worker_is_stopped_once_and_the_job_requeued() {
    let cluster = Cluster::new();
    cluster.0.tell("wait", "");
    cluster.submit(&format!("{SIX} --max-tasks 1"));
    let task = cluster.task(&cluster.submission(1), 0).spawn().unwrap();
    wait_for_lines(&cluster.0.path("waiting"), 1);
    let shell = Pid::from_raw(task.id() as i32);
    kill(shell, Signal::SIGUSR1).unwrap();
    let output = task.wait_with_output().unwrap();
    assert_printed(&output, &["stopped /", "back to the queue with 6 left"]);
    assert_eq!(cluster.lines("signals"), ["TERM"]);
    assert_eq!(cluster.lines("requeued"), ["requeue 41"]);
    assert_eq!(cluster.lines("started").len(), 1, "no other run is begun");
    // Restarted, the task does all of it.
    cluster.0.untell("wait");
    assert!(cluster.run(0).status.success());
    assert_eq!(cluster.finished(), 6);
}

/// A user's `scancel` and pre-emption send TERM to the shell and to the worker.
#[test]
fn a_cancelled_job_stops_at_a_checkpoint_and_does_not_come_back() {
    let cluster = Cluster::new();
    cluster.0.tell("wait", "");
    cluster.submit(&format!("{SIX} --max-tasks 1"));
    let mut command = cluster.task(&cluster.submission(1), 0);
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let task = command.spawn().unwrap();
    wait_for_lines(&cluster.0.path("waiting"), 1);
    kill(Pid::from_raw(-(task.id() as i32)), Signal::SIGTERM).unwrap();
    let output = task.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_printed(&output, &["stopped by the scheduler with 6 left"]);
    assert_eq!(cluster.lines("signals"), ["TERM"]);
    assert!(cluster.lines("requeued").is_empty());
}

#[test]
fn a_job_that_gets_nowhere_is_not_requeued_for_ever() {
    let cluster = Cluster::new();
    cluster.0.tell("wait", "");
    let deaf = fs::read_to_string(cluster.0.path("softmoe-run")).unwrap();
    let deaf = deaf.replace("mkdir -p", "exit 130; mkdir -p");
    fs::write(cluster.0.path("softmoe-run"), deaf).unwrap();
    cluster.submit(&format!("{SIX} --max-tasks 1"));
    let task = cluster.task(&cluster.submission(1), 0).spawn().unwrap();
    wait_for_lines(&cluster.0.path("waiting"), 1);
    kill(Pid::from_raw(task.id() as i32), Signal::SIGUSR1).unwrap();
    let output = task.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_printed(&output, &["the time limit is too short"]);
    assert!(cluster.lines("requeued").is_empty());
}

#[test]
fn a_list_can_be_prepared_for_any_scheduler() {
    let workshop = Workshop::new();
    let (code, stdout, _) = workshop.reproduce(&format!("{SIX} --prepare --dry-run"));
    assert_eq!(code, Some(0));
    assert_says(&stdout, &["Would write the directories of 6 runs and their list: "]);
    assert!(!workshop.out().exists());
    let (code, stdout, stderr) = workshop.reproduce(&format!("{SIX} --prepare"));
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &["Prepared 6 runs", "launch/fig3-quick-001/runs.txt"]);
    let list = fs::read_to_string(workshop.out().join("launch/fig3-quick-001/runs.txt")).unwrap();
    assert_eq!(list.lines().count(), 6);
    assert!(list.lines().all(|run| Path::new(run).is_absolute() && Path::new(run).join("run.ron").exists()));
    assert_eq!(workshop.started(), 0);
}

#[test]
fn a_template_surrounds_the_runs() {
    let cluster = Cluster::new();
    let template = cluster.0.path("template.sh");
    let with = format!("{SIX} --template {}", template.display());
    for (text, says) in [
        ("#!/bin/bash\n{{options}}\n", "must have one line `{{runs}}`"),
        ("{{options}}\n{{runs}}\n", "must begin with `#!"),
    ] {
        fs::write(&template, text).unwrap();
        let (code, _, stderr) = cluster.submit(&with);
        assert_eq!(code, Some(1));
        assert_says(&stderr, &[says]);
    }
    fs::write(&template, "#!/bin/bash\n{{options}}\n#SBATCH --qos=low\necho modules\n{{runs}}\n").unwrap();
    let (code, _, stderr) = cluster.submit(&with);
    assert_eq!(code, Some(0), "{stderr}");
    let script = fs::read_to_string(cluster.submission(1).join("runs.sh")).unwrap();
    assert!(script.starts_with("#!/bin/bash\n#SBATCH --job-name=softmoe-fig3-quick\n"), "{script}");
    assert_says(&script, &["\n#SBATCH --qos=low\necho modules\ntasks=6\nlist=/"]);
    assert_printed(&cluster.run(0), &["modules\n", "finished /"]);
}

#[test]
fn what_cannot_be_submitted_is_refused_with_the_remedy() {
    let cluster = Cluster::new();
    let refused = |arguments: &str, says: &[&str]| {
        let (code, _, stderr) = cluster.submit(&format!("{SIX} {arguments}"));
        assert_ne!(code, Some(0), "{arguments}");
        assert_says(&stderr, says);
    };
    refused("--time 1", &["`--time` is 60 s", "`--grace` stops a run 120 s before", "`--grace 20`"]);
    refused("--time 1h", &["must be a time as sbatch takes it"]);
    refused("--jobs 2", &["--jobs", "cannot be used with"]);
    refused("--prepare", &["--prepare", "cannot be used with"]);
    let (code, _, stderr) = cluster.submit("fig3 --arms random --games breakout");
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["only the random policy"]);
    cluster.0.tell("refuse", "");
    refused("", &["`sbatch` failed", "invalid partition"]);
    let workshop = Workshop::new();
    let mut command = workshop.command(&format!("{SIX} --launcher slurm"));
    command.env("PATH", workshop.path("nowhere"));
    let (code, _, stderr) = finish(assert_cmd::Command::from_std(command));
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["cannot start `squeue`: are SLURM's commands on this machine"]);
    let (code, _, stderr) = workshop.reproduce(&format!("{SIX} --gres gpu:1"));
    assert_eq!(code, Some(2));
    assert_says(&stderr, &["--launcher"]);
}

/// Plan, launcher and status over 10,010 runs. Prints the seconds of each command; the memory is that of the largest.
#[test]
fn ten_thousand_runs_are_planned_submitted_and_shown_in_little_memory() {
    let cluster = Cluster::at(Workshop::in_memory());
    let many = "fig3 --profile minatar --seeds 182";
    let timed = |what: &str, act: &dyn Fn() -> (Option<i32>, String, String)| {
        let started = std::time::Instant::now();
        let (code, stdout, stderr) = act();
        assert_eq!(code, Some(0), "{stderr}");
        println!("{what}: {:.1} s", started.elapsed().as_secs_f64());
        stdout
    };
    let submit = |what| timed(what, &|| cluster.submit(many));
    let stdout = submit("first submission, which writes all directories");
    assert_says(&stdout, &["10,010 runs in 1,001 tasks"]);
    let list = fs::read_to_string(cluster.0.out().join("launch/fig3-minatar-001/runs.txt")).unwrap();
    let runs: Vec<&Path> = list.lines().map(Path::new).collect();
    let mut distinct = runs.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!((runs.len(), distinct.len()), (10_010, 10_010));

    let done = r#"(score: 1.5, returns: [1.0, 2.0], agent_steps: 2000000, parameters: 7, wall_seconds: 4.0, version: "0", device: "cpu")"#;
    let metrics = "agent_steps,episodes,training_return,evaluation_return,updates,loss,agent_steps_per_second,wall_seconds\n";
    for run in &runs[..9_000] {
        let rows: String = (1..=40).map(|row| format!("{},1,1,1.5,1,1,100,1\n", row * 50_000)).collect();
        fs::write(run.join("metrics.csv"), format!("{metrics}{rows}")).unwrap();
        fs::write(run.join("done.ron"), done).unwrap();
    }
    let stdout = submit("second submission, nine tenths finished");
    assert_says(&stdout, &["1,010 runs in 1,001 tasks"]);

    // A hundred runs have a worker, whose lease is that of another host.
    let lease = |run: &Path| {
        let host = "node-7".to_owned();
        let lease = Lease { host, process: 1, machine: None, job: None, started: 0, beat: 0 };
        fs::write(run.join("lease-1"), lease.text().unwrap()).unwrap();
        fs::write(run.join("lock"), "").unwrap();
        fs::write(run.join("metrics.csv"), format!("{metrics}500000,1,1,1.5,1,1,100,1\n")).unwrap();
    };
    runs[9_000..9_100].iter().for_each(|run| lease(run));
    let out = cluster.0.out();
    let status = ["status", "--out", out.to_str().unwrap()];
    let stdout = timed("status", &|| cluster.0.xtask(&status));
    assert_says(&stdout, &["9,000 done, 100 running, 910 waiting; about ", "node-7", "and 80 more running"]);
    let children = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN).unwrap();
    let megabytes = children.max_rss() / 1_000;
    println!("largest command: {megabytes} MB");
    assert!(megabytes < 500, "{megabytes} MB");
}
