//! Pool of workers: one per job, until every run is finished, failed or stopped.
//!
//! Seeds are run in order, so that an experiment that is stopped early has whole seeds. Within a seed the longest run begins
//! first: a long one that begins last would keep one worker busy while the others have nothing left to do. A run that crashes is
//! started once more, after the others, from its last checkpoint.

use crate::estimate::Rates;
use crate::interrupt::{self, PassedOn};
use crate::memory;
use crate::plan::{Plan, PlannedRun, cores};
use crate::progress::{Overview, Screen};
use crate::store;
use crate::time::time;
use crate::worker::{Event, Worker};
use anyhow::Result;
use softmoe_config::error::with_causes;
use softmoe_config::protocol::INTERRUPTED;
use softmoe_config::{Done, file};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// A run that ended without a result.
pub(crate) struct Failure {
    pub(crate) run: String,
    pub(crate) reason: String,
    pub(crate) last_lines: Vec<String>,
    pub(crate) log: Option<PathBuf>,
}

/// Outcome of the runs.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) failures: Vec<Failure>,
    /// Whether a signal arrived.
    pub(crate) interrupted: bool,
}

/// The runs of a plan and their workers.
struct Pool<'a> {
    plan: &'a Plan,
    program: &'a Path,
    rates: Rates,
    waiting: VecDeque<usize>,
    /// Runs of a worker that this process has not started.
    elsewhere: BTreeSet<usize>,
    workers: BTreeMap<usize, Worker>,
    /// Runs that have crashed once.
    crashed: BTreeSet<usize>,
    outcome: Outcome,
    screen: Screen,
    started: Instant,
    /// Signals that have been passed on to the workers.
    passed_on: PassedOn,
    /// Whether it was said that the runs are stopping.
    is_stop_told: bool,
}

/// Trains every run of `plan` that is not finished.
pub(crate) fn run_all(plan: &Plan, program: &Path, rates: Rates) -> Result<Outcome> {
    let mut pool = Pool {
        plan,
        program,
        waiting: in_order(plan, &rates),
        rates,
        elsewhere: BTreeSet::new(),
        workers: BTreeMap::new(),
        crashed: BTreeSet::new(),
        outcome: Outcome::default(),
        screen: Screen::new(plan),
        started: Instant::now(),
        passed_on: PassedOn::default(),
        is_stop_told: false,
    };
    let (sender, receiver) = mpsc::channel();
    loop {
        pool.heed_signals();
        pool.look_elsewhere();
        // START WORKERS
        while !pool.outcome.interrupted && pool.workers.len() < plan.jobs {
            let Some(index) = pool.waiting.pop_front() else { break };
            pool.start(index, sender.clone());
        }
        if pool.workers.is_empty() && (pool.elsewhere.is_empty() || pool.outcome.interrupted) {
            break;
        }
        // LISTEN TO THEM
        match receiver.recv_timeout(Duration::from_millis(100)) {
            Ok((index, event)) => pool.hear(index, event)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        // SHOW
        let overview = pool.overview();
        pool.screen.show(&overview, plan, pool.workers.values());
    }
    pool.screen.close();
    Ok(pool.outcome)
}

impl Pool<'_> {
    fn start(&mut self, index: usize, events: mpsc::Sender<(usize, Event)>) {
        let run = &self.plan.runs[index];
        if store::is_running(&run.directory) {
            self.screen.say(&format!("{}: already being trained by another process; waiting", run.name()));
            self.elsewhere.insert(index);
            return;
        }
        // The cores that other runs leave over. Results do not depend on their number.
        let at_once = self.plan.jobs.min(self.workers.len() + self.waiting.len() + 1);
        let threads = (cores() / at_once.max(1)).max(1);
        let device = self.plan.devices.least_used(self.workers.values().map(|worker| worker.device));
        match Worker::start(self.program, index, run, device, threads, events) {
            Ok(worker) => {
                self.screen.started(index);
                self.workers.insert(index, worker);
            }
            Err(error) => self.fail(run, with_causes(error.as_ref()), Vec::new(), None),
        }
    }

    /// Takes over runs that another worker has left unfinished.
    fn look_elsewhere(&mut self) {
        let is_left = |index: &usize| !store::is_running(&self.plan.runs[*index].directory);
        for index in self.elsewhere.extract_if(.., is_left).collect::<Vec<_>>() {
            let run = &self.plan.runs[index];
            match file::read::<Done>(&run.directory.done_ron()) {
                Ok(done) => self.screen.say(&format!(
                    "finished by another process: {}: score {:.2}",
                    run.name(),
                    done.score
                )),
                Err(_) => self.waiting.push_back(index),
            }
        }
    }

    /// Passes signals on, and says so once.
    fn heed_signals(&mut self) {
        let workers = self.workers.values_mut();
        self.passed_on.pass_on(workers.map(|worker| (&mut worker.child, worker.latest.is_some())));
        if !interrupt::is_asked() || self.is_stop_told {
            return;
        }
        (self.outcome.interrupted, self.is_stop_told) = (true, true);
        if !self.workers.is_empty() {
            self.screen.say("stopping at the next checkpoint; press Ctrl-C again to stop at once");
        }
        let left: Vec<String> = self.elsewhere.iter().map(|&index| self.plan.runs[index].name()).collect();
        if !left.is_empty() {
            self.screen.say(&format!(
                "not stopped, since another process trains them: {}; to stop them, stop that process",
                left.join(", ")
            ));
        }
    }

    fn hear(&mut self, index: usize, event: Event) -> Result<()> {
        match event {
            Event::Progress(progress) => {
                if let Some(worker) = self.workers.get_mut(&index) {
                    worker.observe(progress);
                }
            }
            Event::Failed(reason) => {
                if let Some(worker) = self.workers.get_mut(&index) {
                    worker.last_words = Some(reason);
                }
            }
            Event::Ended => {
                if let Some(mut worker) = self.workers.remove(&index) {
                    let status = worker.wait()?;
                    self.end(&worker, status);
                }
            }
        }
        Ok(())
    }

    /// Evaluates the exit of a worker.
    fn end(&mut self, worker: &Worker, status: ExitStatus) {
        let run = &self.plan.runs[worker.run];
        let seconds = worker.started.elapsed().as_secs_f64();
        self.screen.ended(worker.run);
        self.outcome.interrupted |= interrupt::is_asked();
        let was_ended = self.outcome.interrupted && interrupt::has_obeyed(status);
        let has_stopped = status.code() == Some(INTERRUPTED.into());
        if was_ended || (has_stopped && self.outcome.interrupted) {
            self.screen.say(&format!("stopped: {}", run.name()));
            return;
        }
        let lines = worker.last_lines();
        if has_stopped {
            let reason = "a signal stopped only this worker; rerun the command to resume from its checkpoint";
            return self.fail(run, reason.into(), lines, Some(worker.log.path.clone()));
        }
        if !status.success() {
            return self.crash(worker, status.to_string(), memory::advice(status, self.plan.jobs), lines);
        }
        match file::read::<Done>(&run.directory.done_ron()) {
            Ok(done) => {
                self.rates.observe(&run.config.arm, worker.own_steps() as f64, seconds);
                self.screen.finished(run, &done, seconds);
                for line in &lines {
                    self.screen.say(&format!("  {}: {line}", run.name()));
                }
            }
            Err(error) => {
                let reason = format!("the worker succeeded but left no result: {}", with_causes(&error));
                self.crash(worker, reason, None, lines);
            }
        }
    }

    /// Puts a run that crashed at the end of the queue; the second time, it has failed.
    fn crash(&mut self, worker: &Worker, reason: String, advice: Option<String>, lines: Vec<String>) {
        let run = &self.plan.runs[worker.run];
        if !self.outcome.interrupted && self.crashed.insert(worker.run) {
            let last = lines.last().map(|line| format!(" ({line})")).unwrap_or_default();
            self.screen
                .say(&format!("crashed: {}: {reason}{last}; it will be started once more", run.name()));
            self.waiting.push_back(worker.run);
            return;
        }
        let twice = if self.crashed.contains(&worker.run) { " (twice)" } else { "" };
        let advice = advice.map(|advice| format!("; {advice}")).unwrap_or_default();
        self.fail(run, format!("{reason}{twice}{advice}"), lines, Some(worker.log.path.clone()));
    }

    fn fail(&mut self, run: &PlannedRun, reason: String, last_lines: Vec<String>, log: Option<PathBuf>) {
        self.screen.say(&format!("failed: {}: {reason}", run.name()));
        self.outcome.failures.push(Failure { run: run.name(), reason, last_lines, log });
    }

    /// Progress over all runs.
    fn overview(&self) -> Overview {
        let mut rates = Rates::default();
        let mut left = Vec::new();
        let mut steps_left = 0;
        for worker in self.workers.values() {
            let run = &self.plan.runs[worker.run];
            let remaining = worker
                .latest
                .as_ref()
                .map_or(run.steps_left(), |progress| run.steps().saturating_sub(progress.agent_steps));
            let arm = run.config.arm.as_str();
            left.push((arm, remaining as f64));
            steps_left += remaining;
            // The first seconds of a process say little about its rate.
            let seconds = worker.started.elapsed().as_secs_f64();
            if seconds > 3.0 {
                rates.observe(arm, worker.own_steps() as f64, seconds);
            }
        }
        for &index in self.waiting.iter().chain(&self.elsewhere) {
            let run = &self.plan.runs[index];
            left.push((run.config.arm.as_str(), run.steps_left() as f64));
            steps_left += run.steps_left();
        }
        rates.add(&self.rates);
        let runs_left = self.waiting.len() + self.elsewhere.len() + self.workers.len();
        Overview {
            runs_ended: self.plan.runs.len() - runs_left,
            steps_left,
            time_left: rates.seconds(&left, self.plan.jobs).map(time),
            elapsed: self.started.elapsed(),
        }
    }
}

/// The unfinished runs, seed by seed, the longest of a seed first.
fn in_order(plan: &Plan, rates: &Rates) -> VecDeque<usize> {
    let seconds = |index: &usize| plan.runs[*index].seconds_left(rates);
    let mut order: Vec<usize> =
        (0..plan.runs.len()).filter(|&index| !plan.runs[index].is_finished()).collect();
    order.sort_by(|left, right| {
        let seed = |index: &usize| plan.runs[*index].config.seed;
        seed(left).cmp(&seed(right)).then(seconds(right).total_cmp(&seconds(left)))
    });
    order.into()
}
