//! The state of runs, from their directories alone: `runs/<profile>/<arm>/<game>/seed-<k>`.

use crate::estimate::Rates;
use crate::store::{self, Place};
use serde::{Deserialize, Serialize};
use softmoe_config::directory::read_points;
use softmoe_config::{AgentConfig, Done, RANDOM_ARM, RunConfig, RunDirectory, file};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// State of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Its result is there.
    Done,
    /// A worker trains it.
    Running,
    /// Its last worker ended with an error.
    Failed,
    /// It has a checkpoint and no worker.
    Stopped,
    /// It has not begun.
    Waiting,
}

/// A run, and what its directory says about it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) profile: String,
    pub(crate) arm: String,
    pub(crate) game: String,
    pub(crate) seed: u64,
    pub(crate) state: State,
    /// Agent steps that are known to be done: those of the newest checkpoint or evaluation.
    pub(crate) agent_steps: u64,
    /// Agent steps of the whole run; none for a finished run, whose length is not read.
    pub(crate) of: Option<u64>,
    /// Name of the machine that trains it.
    pub(crate) host: Option<String>,
    /// Agent steps a second before the latest evaluation.
    pub(crate) agent_steps_per_second: Option<f64>,
    /// Mean returns of the evaluations of a running run.
    pub(crate) returns: Vec<f64>,
    /// The last line of a failed run's log.
    pub(crate) error: Option<String>,
    pub(crate) directory: PathBuf,
}

/// The runs below a directory.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) runs: Vec<Run>,
    rates: Rates,
}

/// Finished runs of an arm and game that are read for their rate.
const SAMPLES: usize = 2;

impl Scan {
    /// The runs below `root` whose profile and arm are wanted, sorted.
    pub(crate) fn read(
        root: &Path,
        is_wanted_profile: impl Fn(&str) -> bool,
        is_wanted_arm: impl Fn(&str) -> bool,
    ) -> Scan {
        let mut scan = Scan::default();
        for place in store::places(root) {
            if is_wanted_profile(&place.profile) && is_wanted_arm(&place.arm) {
                scan.read_place(&place);
            }
        }
        scan
    }

    /// How many runs are in `state`.
    pub(crate) fn count(&self, state: State) -> usize {
        self.runs.iter().filter(|run| run.state == state).count()
    }

    /// Seconds until all runs are finished, if as many workers go on as are running now; none without a worker or a rate.
    pub(crate) fn seconds_left(&self) -> Option<f64> {
        let workers = self.count(State::Running);
        let unfinished = self.runs.iter().filter(|run| run.state != State::Done);
        let left = unfinished
            .filter_map(|run| Some((run.arm.as_str(), run.of?.saturating_sub(run.agent_steps) as f64)));
        let left: Vec<(&str, f64)> = left.collect();
        if workers == 0 && !left.is_empty() { None } else { self.rates.seconds(&left, workers) }
    }

    fn read_place(&mut self, place: &Place) {
        let Place { profile, arm, game, seeds } = place;
        let mut samples = 0;
        for (&seed, path) in seeds {
            let directory = RunDirectory::new(path);
            let Some(mut run) = read_run(&directory) else { continue };
            run.profile.clone_from(profile);
            run.arm.clone_from(arm);
            run.game.clone_from(game);
            run.seed = seed;
            if run.state == State::Done
                && samples < SAMPLES
                && let Ok(done) = file::read::<Done>(&directory.done_ron())
            {
                samples += 1;
                self.rates.observe(arm, done.agent_steps.0 as f64, done.wall_seconds);
            }
            if let Some(rate) = run.agent_steps_per_second.filter(|rate| *rate > 0.0) {
                self.rates.observe(arm, run.agent_steps as f64, run.agent_steps as f64 / rate);
            }
            self.runs.push(run);
        }
    }
}

/// The run in `directory`, still without its names; none if there is no run.
fn read_run(directory: &RunDirectory) -> Option<Run> {
    let entries = directory.path().read_dir().ok()?;
    let names: BTreeSet<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let mut run = Run {
        profile: String::new(),
        arm: String::new(),
        game: String::new(),
        seed: 0,
        state: State::Done,
        agent_steps: 0,
        of: None,
        host: None,
        agent_steps_per_second: None,
        returns: Vec::new(),
        error: None,
        directory: directory.path().to_owned(),
    };
    if names.contains("done.ron") {
        return Some(run);
    }
    if !names.contains("run.ron") {
        return None;
    }
    run.of = length(directory);
    run.agent_steps = if names.contains("checkpoint") {
        directory.newest_checkpoint().map_or(0, |steps| steps.0)
    } else {
        0
    };
    let has_worker = names.contains("lock") && store::is_running(directory);
    if has_worker {
        let points = read_points(&directory.metrics_csv()).unwrap_or_default();
        run.state = State::Running;
        run.host = directory.leases().pop().and_then(|found| found.lease).map(|lease| lease.host);
        run.agent_steps = run.agent_steps.max(points.last().map_or(0, |point| point.agent_steps.0));
        run.agent_steps_per_second = points.last().and_then(|point| point.agent_steps_per_second);
        run.returns = points.iter().filter_map(|point| point.evaluation_return).collect();
        return Some(run);
    }
    let last = names.contains("stderr.log").then(|| last_line(&directory.stderr_log())).flatten();
    let error = last.filter(|line| line.starts_with("error:") || line.contains("panicked at"));
    run.state = match (&error, run.agent_steps) {
        (Some(_), _) => State::Failed,
        (None, 0) => State::Waiting,
        (None, _) => State::Stopped,
    };
    run.error = error;
    Some(run)
}

/// Agent steps of the run: 0 for the random policy. Its `run.json` is read, which takes less time than `run.ron`, if there is one.
fn length(directory: &RunDirectory) -> Option<u64> {
    #[derive(Deserialize)]
    struct Length {
        arm: String,
        training: Training,
    }
    #[derive(Deserialize)]
    struct Training {
        agent_steps: u64,
    }
    let json = fs::read(directory.run_ron().with_extension("json")).ok();
    if let Some(Length { arm, training }) = json.and_then(|text| serde_json::from_slice(&text).ok()) {
        return Some(if arm == RANDOM_ARM { 0 } else { training.agent_steps });
    }
    let config = RunConfig::read_unchecked(&directory.run_ron()).ok()?;
    Some(if config.agent == AgentConfig::Random { 0 } else { config.training.agent_steps.0 })
}

/// The last line of a file that is not blank.
fn last_line(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let end = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(end.saturating_sub(4096))).ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    text.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned)
}
