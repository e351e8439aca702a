//! Agents and their hyperparameters, with the published presets.

use crate::HeadSpec;
use crate::units::AgentSteps;
use serde::{Deserialize, Serialize};

/// What chooses the actions of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentConfig {
    /// Uniformly random actions, nothing learned: the zero of normalised scores.
    Random,
    /// Rainbow (Hessel et al. 2018, arXiv 1710.02298).
    Rainbow(RainbowConfig),
}

/// Rainbow's hyperparameters. Schedules count agent steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RainbowConfig {
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
    /// Frames that the replay holds.
    pub replay_capacity: usize,
    /// Adam's step size.
    pub learning_rate: f64,
    /// Adam's epsilon, outside the root.
    pub adam_epsilon: f64,
    /// Largest return of the distribution's support; the smallest is its negative.
    pub v_max: f64,
    /// Atoms of the return distribution.
    pub atoms: usize,
    /// Noisy dense layers (Fortunato et al. 2018) instead of plain ones with epsilon-greedy exploration.
    pub noisy: bool,
    /// Separate value and advantage streams (Wang et al. 2016).
    pub dueling: bool,
    /// The online network chooses the bootstrap action (van Hasselt et al. 2016).
    pub double: bool,
    /// Exponent alpha of the loss in a priority (priorities are loss^alpha); 0 samples uniformly.
    pub priority_exponent: f64,
    /// Exponent beta of the importance weights.
    pub importance_exponent: f64,
    /// Probability of a random action in training (0 with noisy layers).
    pub epsilon_train: f64,
    /// Probability of a random action in evaluation.
    pub epsilon_evaluation: f64,
    /// Whether rewards are clipped to [-1, 1] before they are learned from.
    pub clip_rewards: bool,
}

/// Published hyperparameters, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentPreset {
    /// [`RainbowConfig::minatar`].
    RainbowMinatar,
    /// [`RainbowConfig::atari`].
    RainbowAtari,
}

impl AgentPreset {
    /// The hyperparameters of that name.
    pub const fn config(self) -> AgentConfig {
        match self {
            AgentPreset::RainbowMinatar => AgentConfig::Rainbow(RainbowConfig::minatar()),
            AgentPreset::RainbowAtari => AgentConfig::Rainbow(RainbowConfig::atari()),
        }
    }
}

impl RainbowConfig {
    /// The head that Rainbow reads.
    pub const fn head(&self) -> HeadSpec {
        HeadSpec::Categorical { atoms: self.atoms, dueling: self.dueling, noisy: self.noisy }
    }

    /// Full Rainbow on Atari: `full_rainbow.gin` of Dopamine's `labs/moes`
    /// (google/dopamine at 5873f549), which agrees with table 2 of arXiv 2402.08609.
    pub const fn atari() -> Self {
        RainbowConfig {
            discount: 0.99,
            n_step: 3,
            min_replay: 20_000,
            update_period: AgentSteps(4),
            target_period: AgentSteps(8_000),
            batch_size: 32,
            replay_capacity: 1_000_000,
            learning_rate: 6.25e-5,
            adam_epsilon: 1.5e-4,
            v_max: 10.0,
            atoms: 51,
            noisy: true,
            dueling: true,
            double: true,
            priority_exponent: 0.5,
            importance_exponent: 0.5,
            epsilon_train: 0.0,
            epsilon_evaluation: 0.001,
            clip_rewards: true,
        }
    }

    /// Full Rainbow on MinAtar: as on Atari, with replay, warm-up and target period a tenth of it or less, and
    /// the larger step size that Dopamine's MinAtar agents train with (2.5e-4), for games that are learnt
    /// in a hundredth of the frames.
    pub const fn minatar() -> Self {
        RainbowConfig {
            min_replay: 5_000,
            target_period: AgentSteps(1_000),
            replay_capacity: 100_000,
            learning_rate: 2.5e-4,
            ..Self::atari()
        }
    }
}
