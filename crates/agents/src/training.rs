//! A training run that is stepped from outside: no clock, no file, no thread.

use crate::agent::{Clock, Phases};
use crate::seeds::Seeds;
use crate::{Agent, AgentError};
use serde::{Deserialize, Serialize};
use softmoe_config::{AgentSteps, TrainingConfig};
use softmoe_env::{DynEnvironment, Player};
use std::time::Duration;

/// A training run: an agent, the environment that it plays, and the times of its evaluations.
///
/// The caller drives the run: [`poll`](Training::poll) returns what the run needs next, and the caller supplies it,
/// either an action (from [`choose`](Training::choose) or from elsewhere) or the returns of an evaluation. This allows
/// stepping several runs in lockstep, running frame by frame in a browser, or a simple loop:
///
/// ```
/// use softmoe_agents::seeds::{Role, Seeds};
/// use softmoe_agents::{Evaluation, Poll, Training};
/// # use softmoe_agents::{Agent, AgentError};
/// # use softmoe_env::DynEnvironment;
/// # fn example(agent: Agent, training: &softmoe_config::TrainingConfig, seeds: Seeds,
/// #     make: impl Fn(u64) -> Box<dyn DynEnvironment>) -> Result<(), AgentError> {
/// let mut run = Training::new(agent, make(seeds.seed(Role::Environment)), training, seeds);
/// loop {
///     match run.poll() {
///         Poll::Action(_state) => {
///             let action = run.choose();
///             run.step(action)?;
///         }
///         Poll::Evaluation { index, episodes } => {
///             let environment = make(seeds.seed(Role::Evaluation(index)));
///             let mut evaluation = Evaluation::new(environment, episodes, seeds, index);
///             run.finish_update()?;
///             while !evaluation.is_over() {
///                 let action = evaluation.choose(run.agent_mut());
///                 evaluation.step(action);
///             }
///             let evaluated = run.evaluated(evaluation.returns());
///             println!("{}: {}", evaluated.agent_steps, evaluated.evaluation_return);
///         }
///         Poll::Done => break,
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Training {
    agent: Agent,
    player: Player,
    seeds: Seeds,
    config: TrainingConfig,
    /// Returns of the training episodes that finished since the last evaluation.
    recent_returns: Vec<f64>,
    evaluations: u64,
    clock: Clock,
    /// Time in the environment, since it was last asked for.
    environment_time: Duration,
}

/// The input that a [`Training`] needs next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Poll<'a> {
    /// An action ([`Training::step`]) for this state of the environment, (height, width, stack x channels).
    Action(&'a [u8]),
    /// The returns of an evaluation ([`Training::evaluated`]).
    Evaluation {
        /// The evaluation's number, counted from 0. It decides the evaluation's random numbers.
        index: u64,
        /// Number of its episodes.
        episodes: usize,
    },
    /// Nothing: the last evaluation is over.
    Done,
}

/// The result of an evaluation, and of the training since the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluated {
    /// Agent steps trained.
    pub agent_steps: AgentSteps,
    /// Training episodes finished.
    pub episodes: u64,
    /// Mean return of the training episodes that finished since the last evaluation.
    pub training_return: Option<f64>,
    /// Mean return of the evaluation's episodes.
    pub evaluation_return: f64,
    /// Updates made.
    pub updates: u64,
    /// Mean loss of the updates since the last evaluation.
    pub loss: Option<f64>,
}

/// The state of a [`Training`], apart from its agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingState {
    /// The environment and its current episode ([`Player::save`]).
    pub player: Vec<u8>,
    /// Returns of the training episodes that finished since the last evaluation.
    pub recent_returns: Vec<f64>,
    /// Evaluations made.
    pub evaluations: u64,
}

impl Training {
    /// The run of `agent` in `environment`, which is at the start of an episode.
    ///
    /// # Panics
    /// If the environment's states or actions are not the agent's.
    pub fn new(
        agent: Agent,
        environment: Box<dyn DynEnvironment>,
        config: &TrainingConfig,
        seeds: Seeds,
    ) -> Self {
        let player = Player::new(environment).restart_stack_on_life_loss(agent.ends_with_a_life());
        assert_eq!(player.spec(), agent.spec(), "the agent's environment");
        Training {
            agent,
            player,
            seeds,
            config: config.clone(),
            recent_returns: Vec::new(),
            evaluations: 0,
            clock: || Duration::ZERO,
            environment_time: Duration::ZERO,
        }
    }

    /// Times what the run does by `clock` ([`take_phases`](Training::take_phases)).
    pub fn time_by(&mut self, clock: Clock) {
        self.clock = clock;
        self.agent.time_by(clock);
    }

    /// What the run waits for now.
    pub fn poll(&self) -> Poll<'_> {
        if self.agent.steps() < self.next_evaluation() {
            return Poll::Action(self.player.state());
        }
        if self.evaluations >= self.config.evaluations() {
            return Poll::Done;
        }
        let is_last = self.agent.steps() >= self.config.agent_steps;
        let episodes =
            if is_last { self.config.final_evaluation_episodes } else { self.config.evaluation_episodes };
        Poll::Evaluation { index: self.evaluations, episodes }
    }

    /// The step of the next evaluation: every period, and at the end.
    fn next_evaluation(&self) -> AgentSteps {
        let next = self.evaluations.saturating_add(1).saturating_mul(self.config.evaluation_period.0);
        AgentSteps(next.min(self.config.agent_steps.0))
    }

    /// The action that the agent chooses in training.
    pub fn choose(&mut self) -> usize {
        self.agent.act(self.player.state())
    }

    /// Takes an action, and learns from the outcome.
    ///
    /// # Errors
    /// As [`Agent::learn`].
    ///
    /// # Panics
    /// If the environment has no such action.
    pub fn step(&mut self, action: usize) -> Result<(), AgentError> {
        let started = (self.clock)();
        let played = self.player.step(action);
        self.environment_time += (self.clock)() - started;
        self.recent_returns.extend(played.finished);
        self.agent.learn(played.frame, action, played.step)
    }

    /// Waits for an update that is under way. Call it before you evaluate or look at the agent.
    ///
    /// # Errors
    /// As [`Agent::finish_update`].
    pub fn finish_update(&mut self) -> Result<(), AgentError> {
        self.agent.finish_update()
    }

    /// Takes the returns of the evaluation that the run waits for, and goes on.
    pub fn evaluated(&mut self, returns: &[f64]) -> Evaluated {
        self.evaluations += 1;
        let recent = std::mem::take(&mut self.recent_returns);
        Evaluated {
            agent_steps: self.agent.steps(),
            episodes: self.player.episodes(),
            training_return: (!recent.is_empty()).then(|| mean(&recent)),
            evaluation_return: mean(returns),
            updates: self.agent.updates(),
            loss: self.agent.take_mean_loss(),
        }
    }

    /// The agent.
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// The agent, to evaluate or to diagnose it.
    pub fn agent_mut(&mut self) -> &mut Agent {
        &mut self.agent
    }

    /// The environment being played, with its current episode.
    pub fn player(&self) -> &Player {
        &self.player
    }

    /// The seeds of the run.
    pub fn seeds(&self) -> Seeds {
        self.seeds
    }

    /// The time that training took since the last call.
    pub fn take_phases(&mut self) -> Phases {
        let environment = std::mem::take(&mut self.environment_time);
        Phases { environment, ..self.agent.take_phases() }
    }

    /// The state of the run, to be saved with that of its agent ([`Agent::state`]).
    pub fn state(&self) -> TrainingState {
        TrainingState {
            player: self.player.save(),
            recent_returns: self.recent_returns.clone(),
            evaluations: self.evaluations,
        }
    }

    /// Goes on from a saved state. The run's agent was [resumed](Agent::resume) before.
    ///
    /// # Errors
    /// [`AgentError::Environment`] if the environment cannot be in this state, [`AgentError::State`] if the run cannot:
    /// beyond its end, it would never come to it.
    pub fn restore(&mut self, state: TrainingState) -> Result<(), AgentError> {
        self.player.restore(&state.player)?;
        (self.recent_returns, self.evaluations) = (state.recent_returns, state.evaluations);
        let (steps, updates, evaluations) = (self.agent.steps(), self.agent.updates(), self.evaluations);
        let all = self.config.agent_steps;
        if steps > all || updates > steps.0 || evaluations > steps.0 {
            return Err(AgentError::State(format!(
                "it is at step {steps} of {all}, with {updates} updates and {evaluations} evaluations"
            )));
        }
        Ok(())
    }
}

/// The mean.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
