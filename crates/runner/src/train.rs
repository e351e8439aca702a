//! Training one run, from its `run.ron` to its `done.ron`.
//!
//! A run writes everything to its directory, and resumes from its directory alone. A run that is killed at any instant and
//! started again ends with the same weights and metrics as an undisturbed one.

use crate::checkpoint::{self, Checkpoints, FilesState, State};
use crate::clock;
use crate::environment::Maker;
use crate::metrics::Metrics;
use crate::monitor::{Monitor, Outcome, Progress};
use crate::results::{save_done, save_weights};
use crate::start::{Options, Started, start};
use crate::timing::Timing;
use crate::{RunError, environment, random, session};
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_agents::{AgentError, Evaluated, Poll, Training, evaluate, instruction_set};
use softmoe_config::{
    AgentSteps, Architecture, Device, Done, EnvironmentConfig, MetricsRow, Phase, RunConfig, RunDirectory,
    Session,
};
use softmoe_env::SaveState;
use std::path::Path;
use std::time::Duration;

/// Agent steps between two reports of progress.
const REPORT_PERIOD: u64 = 50;

/// Trains a run with `config` in `directory`, resuming from its newest checkpoint if there is one.
///
/// # Errors
/// If the configuration cannot be followed, the device cannot be used, a file cannot be written or read, or training
/// diverges.
pub fn train(
    config: &RunConfig,
    directory: &RunDirectory,
    options: &Options<'_>,
    monitor: &mut dyn Monitor,
) -> Result<Outcome, RunError> {
    train_with(config, directory, options, &environment::make, monitor)
}

/// As [`train`], in an environment of your own: `config.environment` is [`EnvironmentConfig::Own`](softmoe_config::EnvironmentConfig::Own), and
/// `make` makes the environment with its random numbers drawn from a seed, once for training and once for each evaluation. Episodes are
/// truncated after the configuration's `max_episode_steps`.
///
/// The example `own_game` trains in a game of its own.
///
/// # Errors
/// As [`train`]. Also if `config` has an environment of a suite, or another shape or number of actions than the environment.
pub fn train_in<E: SaveState + Send + 'static>(
    make: impl Fn(u64) -> E,
    config: &RunConfig,
    directory: &RunDirectory,
    options: &Options<'_>,
    monitor: &mut dyn Monitor,
) -> Result<Outcome, RunError> {
    let make = |config: &EnvironmentConfig, seed| environment::make_own(config, &make, seed);
    train_with(config, directory, options, &make, monitor)
}

fn train_with(
    config: &RunConfig,
    directory: &RunDirectory,
    options: &Options<'_>,
    make: &Maker<'_>,
    monitor: &mut dyn Monitor,
) -> Result<Outcome, RunError> {
    // An error before anything is written, even for the random policy, which computes nothing.
    instruction_set(config.instruction_set)?;
    let permutation_seed = Seeds::new(config.seed).seed(Role::Permutation);
    match (config.architecture(permutation_seed), options.weights) {
        (Some(architecture), _) => Run::new(config, architecture, directory, options, make, monitor)?.train(),
        (None, None) => random::play(config, directory, make, monitor),
        (None, Some(path)) => {
            let reason = "the run's agent is the random policy, which has no network; leave out `--weights`";
            Err(RunError::InitialWeights { path: path.to_owned(), source: reason.into() })
        }
    }
}

/// A running training run.
struct Run<'a> {
    config: &'a RunConfig,
    directory: &'a RunDirectory,
    device: Device,
    make: &'a Maker<'a>,
    monitor: &'a mut dyn Monitor,
    architecture: Architecture,
    training: Training,
    metrics: Metrics,
    checkpoints: Checkpoints,
    /// With the sessions before this process.
    files: FilesState,
    /// This process.
    session: Session,
    /// The step of the newest checkpoint.
    saved: Option<AgentSteps>,
    evaluation_return: Option<f64>,
    /// Wall time before this process, and the start of this process.
    wall_before: f64,
    started: Duration,
    timing: Timing,
}

impl<'a> Run<'a> {
    fn new(
        config: &'a RunConfig,
        architecture: Architecture,
        directory: &'a RunDirectory,
        options: &Options<'_>,
        make: &'a Maker<'a>,
        monitor: &'a mut dyn Monitor,
    ) -> Result<Self, RunError> {
        let started = clock::now();
        let Started { mut training, architecture, checkpoints, files, resumed } =
            start(config, architecture, directory, options, make, monitor)?;
        training.time_by(clock::now);
        let instructions = instruction_set(config.instruction_set)?;
        let session = session::begin(options.device, Some(instructions), training.agent().steps());
        let timing = Timing::from(training.agent().updates());
        let metrics = Metrics::open(directory, files.positions)?;
        let mut run = Run {
            config,
            directory,
            device: options.device,
            make,
            monitor,
            architecture,
            training,
            metrics,
            checkpoints,
            wall_before: files.wall_seconds,
            files,
            session,
            saved: resumed,
            evaluation_return: None,
            started,
            timing,
        };
        if resumed.is_none() && run.files.initial_weights.is_some() {
            // A resumed run keeps these weights, whether or not the file is named again.
            run.save()?;
        }
        Ok(run)
    }

    fn train(mut self) -> Result<Outcome, RunError> {
        self.report(Phase::Train);
        loop {
            // EVALUATE
            if let Poll::Evaluation { index, episodes } = self.training.poll() {
                let Some(returns) = self.evaluate(index, episodes)? else {
                    return self.interrupt();
                };
                let row = self.append_evaluation(index, &returns)?;
                if self.training.poll() == Poll::Done {
                    return self.finish(&row, returns);
                }
                self.report(Phase::Train);
            }
            // SAVE
            let is_due = self.steps().0.is_multiple_of(self.config.training.checkpoint_period.0);
            if self.monitor.wants_checkpoint() || is_due {
                self.save()?;
            }
            // TRAIN
            if !self.monitor.keep_going() {
                return self.interrupt();
            }
            // DIAGNOSE, with nothing saved between this and the first update: it is done once, however often the run is resumed.
            self.append_initial_diagnostics()?;
            let started = clock::now();
            let action = self.training.choose();
            self.training.step(action).map_err(|error| self.stopped(error))?;
            self.timing.add_step(clock::now() - started);
            if self.steps().0.is_multiple_of(REPORT_PERIOD) {
                self.report(Phase::Train);
            }
        }
    }

    /// The returns of an evaluation, or `None` if it was interrupted.
    fn evaluate(&mut self, index: u64, episodes: usize) -> Result<Option<Vec<f64>>, RunError> {
        self.finish_update()?;
        self.report(Phase::Evaluate);
        let seeds = self.training.seeds();
        let environment = (self.make)(&self.config.environment, seeds.seed(Role::Evaluation(index)))?;
        let (agent, monitor) = (self.training.agent_mut(), &mut self.monitor);
        let returns = evaluate(Some(agent), environment, episodes, seeds, index, || monitor.keep_going());
        Ok((returns.len() == episodes).then_some(returns))
    }

    /// Appends the evaluation of that index, and the diagnostics of the agent, to the run's files.
    fn append_evaluation(&mut self, index: u64, returns: &[f64]) -> Result<MetricsRow, RunError> {
        let evaluated = self.training.evaluated(returns);
        let Evaluated { agent_steps, episodes, training_return, evaluation_return, updates, loss } =
            evaluated;
        self.evaluation_return = Some(evaluation_return);
        let agent_steps_per_second = self.timing.steps_per_second();
        let wall_seconds = self.wall_seconds();
        let row = MetricsRow {
            agent_steps,
            episodes,
            training_return,
            evaluation_return,
            updates,
            loss,
            agent_steps_per_second,
            wall_seconds,
        };
        let started = clock::now();
        let mut diagnostics = self.training.agent_mut().diagnose(index)?;
        let diagnosis = clock::now() - started;
        diagnostics.extend(self.timing.diagnostics(updates, self.training.take_phases(), diagnosis));
        self.timing = Timing::from(updates);
        self.metrics.append(&row, &diagnostics)?;
        Ok(row)
    }

    /// Appends the diagnostics of the initial weights to the run's files, right before the first update.
    fn append_initial_diagnostics(&mut self) -> Result<(), RunError> {
        let diagnostics = self.training.agent_mut().diagnose_initially()?;
        let steps = self.steps();
        diagnostics.map_or(Ok(()), |found| self.metrics.append_diagnostics(steps, &found))
    }

    /// Saves the run, unless this step is already saved.
    fn save(&mut self) -> Result<(), RunError> {
        self.finish_update()?;
        let steps = self.steps();
        let is_new = steps.0 == 0 && self.files.initial_weights.is_none();
        if is_new || self.saved == Some(steps) {
            return Ok(());
        }
        self.report(Phase::Checkpoint);
        self.files.positions = self.metrics.sync()?;
        self.files.wall_seconds = self.wall_seconds();
        session::end(&mut self.session);
        let mut files = self.files.clone();
        files.sessions.push(self.session.clone());
        let state = State {
            config: self.config.clone(),
            agent: self.training.agent().state(),
            training: self.training.state(),
            files,
        };
        self.checkpoints.save(&state, self.training.agent().replay(), steps)?;
        self.saved = Some(steps);
        Ok(())
    }

    fn interrupt(mut self) -> Result<Outcome, RunError> {
        self.save()?;
        Ok(Outcome::Interrupted(self.steps()))
    }

    /// Writes the results and removes the checkpoints.
    fn finish(mut self, row: &MetricsRow, returns: Vec<f64>) -> Result<Outcome, RunError> {
        self.report(Phase::Checkpoint);
        self.metrics.sync()?;
        let learner = self.training.agent().learner();
        save_weights(self.directory, &self.architecture, learner)?;
        let parameters = learner.parameters();
        session::end(&mut self.session);
        let mut sessions = std::mem::take(&mut self.files.sessions);
        sessions.push(self.session);
        let done = Done {
            parameters,
            initial_weights: self.files.initial_weights.take(),
            sessions,
            ..Done::new(row, returns, self.device.to_string())
        };
        let done = save_done(self.directory, done)?;
        checkpoint::remove_all(&self.directory.checkpoints());
        Ok(Outcome::Finished(done))
    }

    /// Waits for an update that is under way, before anybody looks at the agent.
    fn finish_update(&mut self) -> Result<(), RunError> {
        let started = clock::now();
        self.training.finish_update().map_err(|error| self.stopped(error))?;
        self.timing.add_wait(clock::now() - started);
        Ok(())
    }

    /// The error of a stopped run, with the step and the checkpoint from which it can be started again.
    fn stopped(&self, error: AgentError) -> RunError {
        match error {
            AgentError::Diverged { .. } => RunError::Diverged {
                step: self.steps(),
                source: error,
                checkpoint: self.checkpoints.newest().map(Path::to_owned),
            },
            other => other.into(),
        }
    }

    fn steps(&self) -> AgentSteps {
        self.training.agent().steps()
    }

    fn wall_seconds(&self) -> f64 {
        self.wall_before + (clock::now() - self.started).as_secs_f64()
    }

    fn report(&mut self, phase: Phase) {
        self.monitor.report(&Progress {
            phase,
            agent_steps: self.steps(),
            of: self.config.training.agent_steps,
            evaluation_return: self.evaluation_return,
        });
    }
}
