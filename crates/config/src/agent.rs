//! Agents and their hyperparameters, with the published presets.

mod learning;
mod presets;

pub use learning::{LearningConfig, LossSpec};
pub use presets::{AgentPreset, Algorithm};

use crate::InterventionSpec;
use serde::{Deserialize, Serialize};

/// Agent of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentConfig {
    /// Uniformly random actions: the zero of normalised scores.
    Random,
    /// DQN, Rainbow or DER, which learn from a replay.
    Learning(LearningConfig),
}

impl AgentConfig {
    /// The hyperparameters; none for the random policy.
    pub const fn learning(&self) -> Option<LearningConfig> {
        match self {
            AgentConfig::Random => None,
            AgentConfig::Learning(config) => Some(*config),
        }
    }

    /// The same agent with another intervention. The random policy has no weights and does not change.
    #[must_use]
    pub fn with_intervention(self, intervention: InterventionSpec) -> Self {
        match self {
            AgentConfig::Random => AgentConfig::Random,
            AgentConfig::Learning(config) => LearningConfig { intervention, ..config }.into(),
        }
    }
}

impl From<LearningConfig> for AgentConfig {
    fn from(config: LearningConfig) -> Self {
        AgentConfig::Learning(config)
    }
}
