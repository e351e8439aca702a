//! One run, from its `run.ron` to its `done.ron`.
//!
//! Everything a run produces lies in its directory, and the directory is all there is to go on from: a run that
//! was killed at any instant is started again in the same way, and ends with the same weights and metrics as
//! one that was not.

use crate::checkpoint::{self, Checkpoints, Progress, State};
use crate::diagnostics::Diagnostic;
use crate::metrics::{Metrics, Positions, Row};
use crate::seeds::{Role, Seeds};
use crate::{Agent, AgentError, RunError, environments, evaluate, instruction_set, networks};
use softmoe_config::{AgentSteps, Architecture, ConfigError, Device, Done, RunConfig, RunDirectory, file};
use softmoe_env::DynEnvironment;
use softmoe_nets::weights::{self, WeightsError, WeightsFile};
use std::path::Path;
use std::time::{Duration, Instant};

/// Agent steps between two reports of progress.
const REPORT_PERIOD: u64 = 50;

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Playing and learning.
    Train,
    /// Playing with the weights held fixed.
    Evaluate,
    /// Writing a checkpoint.
    Checkpoint,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// What it is doing.
    pub phase: Phase,
    /// Agent steps so far.
    pub agent_steps: AgentSteps,
    /// Agent steps in all.
    pub of: AgentSteps,
    /// The last evaluation's mean return.
    pub evaluation_return: Option<f64>,
}

/// Who watches a run, and may stop it.
pub trait Monitor {
    /// How far the run is; called often.
    fn report(&mut self, report: &Report);
    /// Something that the user should know, e.g. a checkpoint that could not be read.
    fn warn(&mut self, message: &str);
    /// Whether the run goes on. If not, it stops at a checkpoint of where it is.
    fn keep_going(&mut self) -> bool;
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is finished: `done.ron` is written.
    Finished(Done),
    /// It was asked to stop, and goes on from here when it is started again.
    Interrupted(AgentSteps),
}

/// Trains the run of `config` in `directory` on the CPU engine, going on from its checkpoint if there is one; a run that
/// has none begins with the `weights` of a file, if one is given.
///
/// # Errors
/// If the configuration cannot be followed, a file cannot be written or read, or training diverges.
pub fn train(
    config: &RunConfig,
    directory: &RunDirectory,
    weights: Option<&Path>,
    monitor: &mut dyn Monitor,
) -> Result<Outcome, RunError> {
    train_on(Device::Cpu, config, directory, weights, monitor)
}

/// The same on any device, from a checkpoint of any device.
///
/// # Errors
/// As [`train`], or if the device is not in this build or not there.
pub fn train_on(
    device: Device,
    config: &RunConfig,
    directory: &RunDirectory,
    weights: Option<&Path>,
    monitor: &mut dyn Monitor,
) -> Result<Outcome, RunError> {
    // Refused before anything is written, even for the random policy, which computes nothing.
    instruction_set(config.instruction_set)?;
    let permutation_seed = Seeds::new(config.seed).seed(Role::Permutation);
    match (config.architecture(permutation_seed), weights) {
        (Some(architecture), weights) => {
            Run::start(device, config, architecture, directory, weights, monitor)?.train()
        }
        (None, None) => random(config, directory, monitor),
        (None, Some(path)) => {
            let reason = "the run's agent is the random policy, which has no network; leave out `--weights`";
            Err(RunError::InitialWeights { path: path.to_owned(), reason: reason.into() })
        }
    }
}

/// Plays a run's game by chance.
fn random(
    config: &RunConfig,
    directory: &RunDirectory,
    monitor: &mut dyn Monitor,
) -> Result<Outcome, RunError> {
    let started = Instant::now();
    let seeds = Seeds::new(config.seed);
    let mut environment = environments::make(&config.environment, seeds.seed(Role::Evaluation(0)))?;
    let mut metrics = Metrics::open(directory, Positions::default())?;
    let episodes = config.training.final_evaluation_episodes;
    let returns = evaluate(None, &mut *environment, episodes, seeds, 0, || monitor.keep_going());
    if returns.len() < episodes {
        return Ok(Outcome::Interrupted(AgentSteps(0)));
    }
    let row = Row {
        agent_steps: AgentSteps(0),
        episodes: 0,
        training_return: None,
        evaluation_return: mean(&returns),
        updates: 0,
        loss: None,
        agent_steps_per_second: 0.0,
        wall_seconds: started.elapsed().as_secs_f64(),
    };
    metrics.append(&row, &[])?;
    metrics.sync()?;
    finish(directory, row, returns, 0, Device::Cpu, None)
}

/// A run under way.
struct Run<'a> {
    device: Device,
    config: &'a RunConfig,
    directory: &'a RunDirectory,
    monitor: &'a mut dyn Monitor,
    seeds: Seeds,
    architecture: Architecture,
    environment: Box<dyn DynEnvironment>,
    agent: Agent,
    metrics: Metrics,
    progress: Progress,
    evaluation_return: Option<f64>,
    checkpoints: Checkpoints,
    /// The step of the newest checkpoint.
    saved: Option<AgentSteps>,
    /// Wall time before this process, and since when this process has run.
    wall_before: f64,
    started: Instant,
    window: Window,
}

/// What this process trained since the last row.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    steps: u64,
    updates: u64,
    /// Evaluations and checkpoints apart.
    time: Duration,
    /// Of it, in the environment.
    environment: Duration,
}

impl<'a> Run<'a> {
    /// Makes everything anew, or as the newest good checkpoint has it.
    fn start(
        device: Device,
        config: &'a RunConfig,
        mut architecture: Architecture,
        directory: &'a RunDirectory,
        weights: Option<&Path>,
        monitor: &'a mut dyn Monitor,
    ) -> Result<Self, RunError> {
        let seeds = Seeds::new(config.seed);
        let mut environment = environments::make(&config.environment, seeds.seed(Role::Environment))?;
        let instruction_set = instruction_set(config.instruction_set)?;
        let new_agent = |architecture: &Architecture| -> Result<Agent, AgentError> {
            let agent = Agent::new_on(device, &config.agent, architecture, seeds)?;
            Ok(agent.with_instruction_set(instruction_set))
        };
        let mut agent = new_agent(&architecture)?;
        let replay = agent.replay();
        let sizes = (*replay.layout(), replay.sampling(), replay.storage());
        checkpoint::remove_leftovers(directory.path());
        checkpoint::remove_leftovers(&directory.checkpoints());
        let mut checkpoints = Checkpoints::new(directory.checkpoints());
        let found = checkpoints.load(config, sizes, |message| monitor.warn(message))?;
        let mut progress =
            Progress { permutation_seed: architecture.permutation_seed, ..Progress::default() };
        let mut saved = None;
        match (found, weights) {
            (Some((state, replay)), _) => {
                progress = state.progress;
                if progress.permutation_seed != architecture.permutation_seed {
                    architecture.permutation_seed = progress.permutation_seed;
                    agent = new_agent(&architecture)?;
                }
                environment.restore(&state.environment)?;
                agent.restore(state.agent, replay)?;
                check_counts(&agent, &progress, config.training.agent_steps)?;
                saved = Some(agent.steps());
                if let Some(path) = weights.filter(|path| progress.initial_weights != Some(name_of(path))) {
                    monitor.warn(&format!(
                        "the run goes on from its checkpoint; the weights in {} are left aside, as only a run's \
                         beginning takes them",
                        path.display()
                    ));
                }
            }
            (None, Some(path)) => {
                let file = initial_weights(path, &mut architecture)?;
                agent = new_agent(&architecture)?;
                agent.load_weights(&file).map_err(|error| refused(path, error))?;
                progress.permutation_seed = architecture.permutation_seed;
                progress.initial_weights = Some(name_of(path));
            }
            (None, None) => {}
        }
        let metrics = Metrics::open(directory, progress.files)?;
        let begins_with_weights = saved.is_none() && progress.initial_weights.is_some();
        let mut run = Run {
            device,
            config,
            directory,
            monitor,
            seeds,
            architecture,
            environment,
            agent,
            metrics,
            wall_before: progress.wall_seconds,
            progress,
            evaluation_return: None,
            checkpoints,
            saved,
            started: Instant::now(),
            window: Window::default(),
        };
        if begins_with_weights {
            // Started again, the run goes on from them whether or not the file is named again.
            run.save()?;
        }
        Ok(run)
    }

    fn train(mut self) -> Result<Outcome, RunError> {
        let mut observation = vec![0; self.environment.spec().frame_bytes()];
        loop {
            // EVALUATE
            if self.agent.steps() == self.next_evaluation() {
                let index = self.progress.evaluations;
                let Some((row, returns)) = self.evaluate()? else {
                    return self.interrupt();
                };
                let diagnostics = self.diagnose(index)?;
                self.metrics.append(&row, &diagnostics)?;
                if self.agent.steps() >= self.config.training.agent_steps {
                    self.metrics.sync()?;
                    self.save_weights()?;
                    let parameters = self.agent.learner().parameters();
                    let initial_weights = self.progress.initial_weights.take();
                    let finished =
                        finish(self.directory, row, returns, parameters, self.device, initial_weights)?;
                    checkpoint::remove_all(&self.directory.checkpoints());
                    return Ok(finished);
                }
            }
            // SAVE
            if self.agent.steps().0.is_multiple_of(self.config.training.checkpoint_period.0) {
                self.save()?;
            }
            // TRAIN until one of them is due
            let window = Instant::now();
            let (start, updates) = (self.agent.steps(), self.agent.updates());
            let until =
                self.next_evaluation().0.min(next_multiple(start, self.config.training.checkpoint_period));
            while self.agent.steps().0 < until {
                if !self.monitor.keep_going() {
                    self.finish_update()?;
                    return self.interrupt();
                }
                self.step(&mut observation)?;
                if self.agent.steps().0.is_multiple_of(REPORT_PERIOD) {
                    self.report(Phase::Train);
                }
            }
            self.finish_update()?;
            self.window.steps += self.agent.steps().0 - start.0;
            self.window.updates += self.agent.updates() - updates;
            self.window.time += window.elapsed();
        }
    }

    /// One agent step.
    fn step(&mut self, observation: &mut [u8]) -> Result<(), RunError> {
        let started = Instant::now();
        self.environment.observe(observation);
        self.window.environment += started.elapsed();
        let action = self.agent.act(observation);
        let started = Instant::now();
        let step = self.environment.step(action);
        self.window.environment += started.elapsed();
        self.agent.learn(observation, action, step).map_err(|error| self.stopped(error))?;
        self.progress.episode_return += f64::from(step.reward);
        if step.terminal || step.truncated {
            self.environment.reset();
            self.progress.episodes += 1;
            self.progress.recent_returns.push(std::mem::take(&mut self.progress.episode_return));
        }
        Ok(())
    }

    /// Waits for an update that is under way, before anybody looks at the agent.
    fn finish_update(&mut self) -> Result<(), RunError> {
        self.agent.finish_update().map_err(|error| self.stopped(error))
    }

    /// What a run that cannot go on says: where it was, and from where it can be started again.
    fn stopped(&self, error: AgentError) -> RunError {
        match error {
            AgentError::Diverged { .. } => RunError::Diverged {
                step: self.agent.steps(),
                source: error,
                checkpoint: self.checkpoints.newest().map(Path::to_owned),
            },
            other => other.into(),
        }
    }

    /// The step of the next evaluation: every period, and at the end.
    fn next_evaluation(&self) -> AgentSteps {
        let training = &self.config.training;
        let next = (self.progress.evaluations + 1).saturating_mul(training.evaluation_period.0);
        AgentSteps(next.min(training.agent_steps.0))
    }

    /// A row of metrics and the returns of the evaluation in it, or `None` if it was broken off.
    fn evaluate(&mut self) -> Result<Option<(Row, Vec<f64>)>, RunError> {
        self.report(Phase::Evaluate);
        let training = &self.config.training;
        let last = self.agent.steps() >= training.agent_steps;
        let episodes = if last { training.final_evaluation_episodes } else { training.evaluation_episodes };
        let index = self.progress.evaluations;
        let seed = self.seeds.seed(Role::Evaluation(index));
        let mut environment = environments::make(&self.config.environment, seed)?;
        let monitor = &mut self.monitor;
        let returns = evaluate(Some(&mut self.agent), &mut *environment, episodes, self.seeds, index, || {
            monitor.keep_going()
        });
        if returns.len() < episodes {
            return Ok(None);
        }
        self.progress.evaluations += 1;
        self.evaluation_return = Some(mean(&returns));
        let recent = std::mem::take(&mut self.progress.recent_returns);
        let row = Row {
            agent_steps: self.agent.steps(),
            episodes: self.progress.episodes,
            training_return: (!recent.is_empty()).then(|| mean(&recent)),
            evaluation_return: mean(&returns),
            updates: self.agent.updates(),
            loss: self.agent.take_mean_loss(),
            agent_steps_per_second: per_second(self.window.steps, self.window.time),
            wall_seconds: self.wall_seconds(),
        };
        Ok(Some((row, returns)))
    }

    /// The diagnostics of the evaluation of that index, which is over: those of the agent, and where the time went since
    /// the one before.
    fn diagnose(&mut self, index: u64) -> Result<Vec<Diagnostic>, RunError> {
        let started = Instant::now();
        let mut diagnostics = self.agent.diagnose(index)?;
        let diagnosis = started.elapsed();
        let Window { steps, updates, time, environment } = std::mem::take(&mut self.window);
        let phases = self.agent.take_phases();
        diagnostics.push(Diagnostic::new("speed/agent_steps_per_second", per_second(steps, time)));
        diagnostics.push(Diagnostic::new("speed/updates_per_second", per_second(updates, time)));
        let times = [
            ("act", phases.act),
            ("env", environment),
            ("sample", phases.sample),
            ("update", phases.update),
            ("train", time),
            ("diagnose", diagnosis),
        ];
        let time =
            |(name, time): (&str, Duration)| Diagnostic::new(format!("time/{name}"), time.as_secs_f64());
        diagnostics.extend(times.map(time));
        Ok(diagnostics)
    }

    /// Saves where the run is, unless it is saved already.
    fn save(&mut self) -> Result<(), RunError> {
        let steps = self.agent.steps();
        let is_new = steps.0 == 0 && self.progress.initial_weights.is_none();
        if is_new || self.saved == Some(steps) {
            return Ok(());
        }
        self.report(Phase::Checkpoint);
        self.progress.files = self.metrics.sync()?;
        self.progress.wall_seconds = self.wall_seconds();
        let state = State {
            config: self.config.clone(),
            agent: self.agent.state(),
            environment: self.environment.save(),
            progress: self.progress.clone(),
        };
        self.checkpoints.save(&state, self.agent.replay(), steps)?;
        self.saved = Some(steps);
        Ok(())
    }

    fn interrupt(mut self) -> Result<Outcome, RunError> {
        self.save()?;
        Ok(Outcome::Interrupted(self.agent.steps()))
    }

    /// Writes the weights by their names, with the network that they are of.
    fn save_weights(&self) -> Result<(), RunError> {
        let encode =
            |error: WeightsError| RunError::Encode { what: "the weights", reason: error.to_string() };
        let permutations = networks::permutations(&self.architecture);
        let weights = self.agent.learner().weights();
        let weights = weights.iter().map(|(name, shape, values)| (*name, *shape, &**values));
        let bytes = weights::write(&self.architecture.to_string(), weights, &permutations).map_err(encode)?;
        let path = self.directory.weights();
        file::write_atomically(&path, &bytes).map_err(|source| RunError::cannot_write(&path, source))
    }

    fn wall_seconds(&self) -> f64 {
        self.wall_before + self.started.elapsed().as_secs_f64()
    }

    fn report(&mut self, phase: Phase) {
        self.monitor.report(&Report {
            phase,
            agent_steps: self.agent.steps(),
            of: self.config.training.agent_steps,
            evaluation_return: self.evaluation_return,
        });
    }
}

/// Whether a restored run is in the middle of one of so many steps: beyond the end it would never come to it.
fn check_counts(agent: &Agent, progress: &Progress, all: AgentSteps) -> Result<(), AgentError> {
    let (steps, updates, evaluations) = (agent.steps(), agent.updates(), progress.evaluations);
    if steps > all || updates > steps.0 || evaluations > steps.0 {
        return Err(AgentError::State(format!(
            "it is at step {steps} of {all}, with {updates} updates and {evaluations} evaluations"
        )));
    }
    Ok(())
}

/// The weights at `path`, which `architecture` takes, with the permutation of shuffled tokens that they were trained with.
fn initial_weights(path: &Path, architecture: &mut Architecture) -> Result<WeightsFile, RunError> {
    let bytes = std::fs::read(path).map_err(|source| {
        let hint = "name the weights.safetensors of a finished run";
        RunError::File { action: "read", path: path.to_owned(), hint, source }
    })?;
    let file = WeightsFile::read(&bytes).map_err(|error| refused(path, error))?;
    let of_file: Architecture = file.architecture().parse().map_err(|error| refused(path, error))?;
    architecture.permutation_seed = of_file.permutation_seed;
    if networks::permutations(architecture) != *file.permutations() {
        return Err(refused(path, "the permutation of its tokens is not the one that its seed draws"));
    }
    Ok(file)
}

fn refused(path: &Path, reason: impl ToString) -> RunError {
    RunError::InitialWeights { path: path.to_owned(), reason: reason.to_string() }
}

/// The path of a file as it is told.
fn name_of(path: &Path) -> String {
    path.display().to_string()
}

/// Writes `done.ron`.
fn finish(
    directory: &RunDirectory,
    row: Row,
    returns: Vec<f64>,
    parameters: usize,
    device: Device,
    initial_weights: Option<String>,
) -> Result<Outcome, RunError> {
    let done = Done {
        score: mean(&returns),
        returns,
        agent_steps: row.agent_steps,
        parameters,
        wall_seconds: row.wall_seconds,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        device: device.to_string(),
        initial_weights,
    };
    let path = directory.done_ron();
    file::write(&path, &done).map_err(|error| match error {
        ConfigError::Write { path, source } => RunError::cannot_write(&path, source),
        other => RunError::Encode { what: "the result", reason: other.to_string() },
    })?;
    Ok(Outcome::Finished(done))
}

fn next_multiple(steps: AgentSteps, period: AgentSteps) -> u64 {
    (steps.0 / period.0 + 1).saturating_mul(period.0)
}

fn per_second(count: u64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
