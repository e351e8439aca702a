//! A run's directory, and the real worker on it.
// Each test program uses a part of it.
#![allow(dead_code)]

pub(crate) mod kills;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use softmoe_config::{
    AgentConfig, AgentSteps, BodySpec, Done, EncoderSpec, EnvironmentConfig, InstructionSet, LearningConfig,
    MinAtarGame, NetworkSpec, RunConfig, RunDirectory, RunVersion, TrainingConfig, file,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const FLAT: BodySpec = BodySpec::flat();
pub(crate) const SOFT_MOE: BodySpec = BodySpec::soft_moe(4);

/// 600 steps of Breakout, each hundredth followed by an evaluation and a checkpoint.
pub(crate) fn config(body: BodySpec) -> RunConfig {
    RunConfig {
        version: RunVersion,
        profile: "quick".into(),
        arm: "arm".into(),
        seed: 1,
        environment: EnvironmentConfig::minatar(MinAtarGame::Breakout),
        agent: AgentConfig::Learning(LearningConfig {
            min_replay: 120,
            batch_size: 16,
            replay_capacity: 400,
            target_period: AgentSteps(50),
            ..LearningConfig::rainbow_minatar()
        }),
        network: NetworkSpec { encoder: EncoderSpec::MinAtar, body, hidden: 16 },
        training: TrainingConfig {
            agent_steps: AgentSteps(600),
            evaluation_period: AgentSteps(100),
            evaluation_episodes: 3,
            final_evaluation_episodes: 10,
            checkpoint_period: AgentSteps(100),
        },
        instruction_set: InstructionSet::Auto,
    }
}

/// The same run, so long that nobody waits for its end.
pub(crate) fn endless(body: BodySpec) -> RunConfig {
    let mut endless = config(body);
    endless.training.agent_steps = AgentSteps(100_000_000);
    endless.training.evaluation_period = AgentSteps(50_000_000);
    endless
}

/// A run's directory with its run.ron.
pub(crate) struct Run(TempDir);

/// How a worker ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// What a finished run leaves, its times aside.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leavings {
    pub(crate) metrics: Vec<String>,
    pub(crate) returns: Vec<f64>,
    weights: Weights,
}

#[derive(Clone, PartialEq)]
pub(crate) struct Weights(Vec<u8>);

impl std::fmt::Debug for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Run {
    pub(crate) fn new(config: &RunConfig) -> Self {
        let run = Run(tempfile::tempdir().unwrap());
        file::write(&run.files().run_ron(), config).unwrap();
        run
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn files(&self) -> RunDirectory {
        RunDirectory::new(self.0.path())
    }

    /// The worker on this run, its outputs to be read at its end.
    pub(crate) fn command(&self) -> Command {
        // What starts the tests may ignore some signals, and the worker would ignore them too.
        let mut command = Command::new("env");
        command.arg("--default-signal").arg(assert_cmd::cargo::cargo_bin!("softmoe-run"));
        command.arg(self.files().run_ron());
        quiet(command)
    }

    /// The same, unable to write more than `bytes` (rounded down to blocks of 512) into one file. Writes beyond fail, as on a full disk.
    pub(crate) fn command_limited(&self, bytes: u64) -> Command {
        let script = format!("ulimit -c 0; ulimit -f {}; exec \"$0\" \"$1\"", bytes / 512);
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        command.arg(assert_cmd::cargo::cargo_bin!("softmoe-run")).arg(self.files().run_ron());
        quiet(command)
    }

    pub(crate) fn start(&self) -> Worker {
        Worker::of(self.command())
    }

    /// Runs the worker until it ends by itself.
    pub(crate) fn work(&self) -> Ended {
        ended(self.command())
    }

    /// Runs the worker, which must finish the run.
    pub(crate) fn finish(&self) -> (Leavings, Ended) {
        let ended = self.work();
        assert!(ended.status.success(), "{ended:?}");
        (self.leavings(), ended)
    }

    pub(crate) fn leavings(&self) -> Leavings {
        let files = self.files();
        let metrics = fs::read_to_string(files.metrics_csv()).unwrap();
        let without_time = |line: &str| line.rsplitn(3, ',').nth(2).unwrap().to_owned();
        let done: Done = file::read(&files.done_ron()).unwrap();
        Leavings {
            metrics: metrics.lines().map(without_time).collect(),
            returns: done.returns,
            weights: Weights(fs::read(files.weights()).unwrap()),
        }
    }

    /// The checkpoints, oldest first.
    pub(crate) fn checkpoints(&self) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = (self.entries("checkpoint").into_iter())
            .filter(|name| name.ends_with(".ckpt"))
            .map(|name| self.files().checkpoints().join(name))
            .collect();
        paths.sort();
        paths
    }

    /// Names of files in a directory of the run.
    pub(crate) fn entries(&self, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path().join(directory));
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        entries.into_iter().flatten().map(|entry| name(entry.unwrap())).collect()
    }

    /// A run that was ended by `signal` when it had `count` checkpoints, and how it ended.
    pub(crate) fn interrupted(config: &RunConfig, count: usize, signal: Signal) -> (Self, Ended) {
        // On a busy machine the run may be finished before the signal comes: then it is begun anew.
        for _ in 0..100 {
            let run = Run::new(config);
            let mut worker = run.start();
            wait_until(|| run.checkpoints().len() >= count || !worker.is_running());
            worker.signal(signal);
            let ended = worker.wait();
            if !ended.status.success() {
                return (run, ended);
            }
        }
        panic!("no run was ever interrupted");
    }
}

/// A command whose outputs are read at its end.
pub(crate) fn quiet(mut command: Command) -> Command {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command to its end.
pub(crate) fn ended(mut command: Command) -> Ended {
    into_ended(command.spawn().unwrap())
}

fn into_ended(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let ended = Ended { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) };
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    ended
}

/// A worker at work.
pub(crate) struct Worker(Child);

impl Worker {
    /// Starts the worker of a command.
    pub(crate) fn of(mut command: Command) -> Self {
        Worker(command.spawn().unwrap())
    }

    /// Sends a signal, unless the worker has ended.
    pub(crate) fn signal(&mut self, signal: Signal) {
        if !self.is_running() {
            return;
        }
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), signal).unwrap();
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    pub(crate) fn kill(mut self) {
        self.signal(Signal::SIGKILL);
        self.wait();
    }

    pub(crate) fn wait(self) -> Ended {
        into_ended(self.0)
    }
}

/// Waits for something; minutes are more than any machine needs.
pub(crate) fn wait_until(mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < Duration::from_secs(120), "waited in vain");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Asserts that `text` contains every one of `parts`.
#[track_caller]
pub(crate) fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
}
