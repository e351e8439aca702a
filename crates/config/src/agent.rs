//! Agents and their hyperparameters, with the published presets.

mod dqn;
mod rainbow;

pub use dqn::{DqnConfig, LossSpec};
pub use rainbow::RainbowConfig;

use crate::names::UnknownName;
use crate::units::AgentSteps;
use crate::{HeadSpec, InterventionSpec, names};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What chooses the actions of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentConfig {
    /// Uniformly random actions, nothing learned: the zero of normalised scores.
    Random,
    /// DQN (Mnih et al. 2015).
    Dqn(DqnConfig),
    /// Rainbow (Hessel et al. 2018, arXiv 1710.02298), and DER.
    Rainbow(RainbowConfig),
}

impl AgentConfig {
    /// What the agent has in common with the others that learn; none if it chooses by chance.
    pub const fn learning(&self) -> Option<LearningConfig> {
        match self {
            AgentConfig::Random => None,
            AgentConfig::Dqn(config) => Some(config.learning()),
            AgentConfig::Rainbow(config) => Some(config.learning()),
        }
    }

    /// The same agent with another intervention; the random policy, which has no weights, stays as it is.
    #[must_use]
    pub fn with_intervention(mut self, intervention: InterventionSpec) -> Self {
        match &mut self {
            AgentConfig::Random => {}
            AgentConfig::Dqn(config) => config.intervention = intervention,
            AgentConfig::Rainbow(config) => config.intervention = intervention,
        }
        self
    }
}

impl From<DqnConfig> for AgentConfig {
    fn from(config: DqnConfig) -> Self {
        AgentConfig::Dqn(config)
    }
}

impl From<RainbowConfig> for AgentConfig {
    fn from(config: RainbowConfig) -> Self {
        AgentConfig::Rainbow(config)
    }
}

/// What the agents that learn from a replay have in common; fields as in [`RainbowConfig`].
#[allow(missing_docs, reason = "the fields are those of the agents' configurations, and said there")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearningConfig {
    /// The head that the agent reads.
    pub head: HeadSpec,
    pub discount: f64,
    pub n_step: usize,
    pub min_replay: u64,
    pub update_period: AgentSteps,
    pub target_period: AgentSteps,
    pub batch_size: usize,
    pub replay_capacity: usize,
    pub replay_compressed: bool,
    pub learning_rate: f64,
    pub adam_epsilon: f64,
    pub double: bool,
    pub priority_exponent: f64,
    pub importance_exponent: f64,
    pub epsilon_train: f64,
    pub epsilon_decay_period: AgentSteps,
    pub epsilon_evaluation: f64,
    pub clip_rewards: bool,
    pub terminal_on_life_loss: bool,
    pub intervention: InterventionSpec,
}

/// Published hyperparameters, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentPreset {
    /// [`DqnConfig::minatar`].
    DqnMinatar,
    /// [`DqnConfig::atari`].
    DqnAtari,
    /// [`RainbowConfig::minatar`].
    RainbowMinatar,
    /// [`RainbowConfig::atari`].
    RainbowAtari,
    /// [`RainbowConfig::der_minatar`].
    DerMinatar,
    /// [`RainbowConfig::der_atari`].
    DerAtari,
}

impl AgentPreset {
    /// All of them.
    pub const ALL: [AgentPreset; 6] = [
        AgentPreset::DqnMinatar,
        AgentPreset::DqnAtari,
        AgentPreset::RainbowMinatar,
        AgentPreset::RainbowAtari,
        AgentPreset::DerMinatar,
        AgentPreset::DerAtari,
    ];

    /// The name in files and on the command line, e.g. `rainbow_minatar`.
    pub const fn name(self) -> &'static str {
        match self {
            AgentPreset::DqnMinatar => "dqn_minatar",
            AgentPreset::DqnAtari => "dqn_atari",
            AgentPreset::RainbowMinatar => "rainbow_minatar",
            AgentPreset::RainbowAtari => "rainbow_atari",
            AgentPreset::DerMinatar => "der_minatar",
            AgentPreset::DerAtari => "der_atari",
        }
    }

    /// The hyperparameters of that name.
    pub const fn config(self) -> AgentConfig {
        match self {
            AgentPreset::DqnMinatar => AgentConfig::Dqn(DqnConfig::minatar()),
            AgentPreset::DqnAtari => AgentConfig::Dqn(DqnConfig::atari()),
            AgentPreset::RainbowMinatar => AgentConfig::Rainbow(RainbowConfig::minatar()),
            AgentPreset::RainbowAtari => AgentConfig::Rainbow(RainbowConfig::atari()),
            AgentPreset::DerMinatar => AgentConfig::Rainbow(RainbowConfig::der_minatar()),
            AgentPreset::DerAtari => AgentConfig::Rainbow(RainbowConfig::der_atari()),
        }
    }
}

impl fmt::Display for AgentPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The preset of that name.
///
/// # Errors
///
/// [`UnknownName`] if there is none.
impl FromStr for AgentPreset {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        names::agent(name)
    }
}
