//! The hyperparameters of an agent that learns from a replay, each with its rule.

use crate::check::Check;
use crate::{AgentSteps, ConfigError, HeadSpec, InterventionSpec, file};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Hyperparameters of DQN, Rainbow and DER, which are one algorithm with different numbers. Schedules count agent steps.
///
/// A new hyperparameter is written in four places: here, with its meaning; in `LearningConfig::check`, with its rule; in the base of the presets, [`LearningConfig::dqn_atari`], with its source; and in `tests/presets.rs`. It is then
/// available in files and as `--set agent.<field>=..`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningConfig {
    /// Discount gamma of one agent step.
    pub discount: f64,
    /// Rewards summed before bootstrapping, n.
    pub n_step: usize,
    /// Agent steps before the first update.
    pub min_replay: u64,
    /// Agent steps between two updates.
    pub update_period: AgentSteps,
    /// Agent steps between two copies of the online network into the target network.
    pub target_period: AgentSteps,
    /// Transitions in an update.
    pub batch_size: usize,
    /// Frames in the replay.
    pub replay_capacity: usize,
    /// Whether frames are compressed. Compression saves memory, takes time and changes no result.
    pub replay_compressed: bool,
    /// Step size of Adam.
    pub learning_rate: f64,
    /// Epsilon of Adam, outside the root.
    pub adam_epsilon: f64,
    /// Loss of an update. It also decides the network's head.
    pub loss: LossSpec,
    /// Noisy dense layers (Fortunato et al. 2018) instead of plain ones with epsilon-greedy exploration.
    pub noisy: bool,
    /// Separate value and advantage streams (Wang et al. 2016).
    pub dueling: bool,
    /// The online network chooses the bootstrap action (van Hasselt et al. 2016).
    pub double: bool,
    /// Exponent alpha of the loss in a priority, loss^alpha. 0 samples uniformly.
    pub priority_exponent: f64,
    /// Exponent beta of the importance weights, which are all 1 where sampling is uniform.
    pub importance_exponent: f64,
    /// Final epsilon in training: probability of a random action after the decay (0 with noisy layers, which explore instead).
    pub epsilon_train: f64,
    /// Agent steps after `min_replay` in which this probability falls from 1. With noisy layers it does not fall.
    pub epsilon_decay_period: AgentSteps,
    /// Probability of a random action in evaluation.
    pub epsilon_evaluation: f64,
    /// Whether rewards are clipped to [-1, 1] before they are stored.
    pub clip_rewards: bool,
    /// Whether the loss of a life is stored as a terminal step. The episode continues.
    pub terminal_on_life_loss: bool,
    /// Reset or perturbation of weights during training.
    pub intervention: InterventionSpec,
}

/// Longest n-step return.
const LONGEST_RETURN: u64 = 1_000;
/// Largest batch: 128 times the usual one.
const LARGEST_BATCH: u64 = 4_096;
/// Most frames in a replay, 10 times Atari's: some 10 GB of MinAtar's frames.
const LARGEST_REPLAY: u64 = 10_000_000;
/// Most atoms of a return distribution: 20 times the usual number.
const MOST_ATOMS: u64 = 1_001;

impl LearningConfig {
    /// The head that the loss asks for.
    pub const fn head(&self) -> HeadSpec {
        let LearningConfig { dueling, noisy, .. } = *self;
        match self.loss {
            LossSpec::C51 { atoms, .. } => HeadSpec::Categorical { atoms, dueling, noisy },
            LossSpec::Mse | LossSpec::Huber => HeadSpec::Q { dueling, noisy },
        }
    }

    /// The rule of each hyperparameter, in the order of the fields.
    pub(crate) fn check(&self, check: &mut Check) {
        // Values that a message may suggest.
        let usual = match self.loss {
            LossSpec::C51 { .. } => LearningConfig::rainbow_minatar(),
            LossSpec::Mse | LossSpec::Huber => LearningConfig::dqn_minatar(),
        };
        check.probability("agent.discount", self.discount, usual.discount);
        check.count("agent.n_step", self.n_step as u64, LONGEST_RETURN, usual.n_step as u64);
        let capacity = self.replay_capacity as u64;
        check.that(
            self.min_replay <= capacity,
            "agent.min_replay",
            self.min_replay,
            &format!(
                "at most replay_capacity = {capacity}: the replay would drop frames before the first update"
            ),
            usual.min_replay.min(capacity),
        );
        check.at_least_one("agent.update_period", self.update_period.0, usual.update_period.0);
        check.at_least_one("agent.target_period", self.target_period.0, usual.target_period.0);
        check.count("agent.batch_size", self.batch_size as u64, LARGEST_BATCH, usual.batch_size as u64);
        let needed = self.batch_size.saturating_add(self.n_step);
        check.that(
            self.replay_capacity > needed && capacity <= LARGEST_REPLAY,
            "agent.replay_capacity",
            self.replay_capacity,
            &format!("above batch_size + n_step = {needed} and at most {LARGEST_REPLAY}"),
            usual.replay_capacity,
        );
        check.positive("agent.learning_rate", self.learning_rate, usual.learning_rate);
        check.positive("agent.adam_epsilon", self.adam_epsilon, usual.adam_epsilon);
        if let LossSpec::C51 { v_max, atoms } = self.loss {
            check.positive("agent.loss.v_max", v_max, 10.0);
            check.between("agent.loss.atoms", atoms as u64, 2..=MOST_ATOMS, 51);
        }
        check.exponent("agent.priority_exponent", self.priority_exponent, usual.priority_exponent);
        check.exponent("agent.importance_exponent", self.importance_exponent, usual.importance_exponent);
        check.probability("agent.epsilon_train", self.epsilon_train, usual.epsilon_train);
        check.that(
            self.noisy || self.epsilon_train != 0.0,
            "agent.epsilon_train",
            self.epsilon_train,
            "above 0 where `agent.noisy` is false, or nothing is explored",
            0.01,
        );
        check.at_least_one(
            "agent.epsilon_decay_period",
            self.epsilon_decay_period.0,
            usual.epsilon_decay_period.0,
        );
        check.probability("agent.epsilon_evaluation", self.epsilon_evaluation, usual.epsilon_evaluation);
    }
}

/// Loss of an update.
///
/// ```
/// use softmoe_config::LossSpec;
///
/// assert_eq!("huber".parse::<LossSpec>()?, LossSpec::Huber);
/// assert_eq!("c51(v_max: 10, atoms: 51)".parse::<LossSpec>()?, LossSpec::C51 { v_max: 10.0, atoms: 51 });
/// # Ok::<(), softmoe_config::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum LossSpec {
    /// Square of the temporal-difference error, e^2, without a factor 1/2.
    Mse,
    /// Huber loss of the temporal-difference error: e^2 / 2 up to |e| = 1, |e| - 1/2 beyond (Mnih et al. 2015).
    Huber,
    /// Cross-entropy to the projected distribution of returns (Bellemare et al. 2017, arXiv 1707.06887).
    C51 {
        /// Largest return of the support. The smallest is its negative.
        v_max: f64,
        /// Atoms of the distribution.
        atoms: usize,
    },
}

/// As in a file, in one line.
impl fmt::Display for LossSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        file::one_line(self, f)
    }
}

/// As in a file.
impl FromStr for LossSpec {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        file::value("loss", text)
    }
}
