//! The replay of an agent, from its configuration and its environment.

use crate::AgentError;
use softmoe_config::{AgentConfig, LearningConfig};
use softmoe_env::EnvironmentSpec;
use softmoe_replay::{Layout, Replay, ReplayError, Sampling, Storage};

/// Layout, sampling and storage of an agent's replay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplayConfig {
    /// Sizes and returns.
    pub layout: Layout,
    /// Uniform if the priority exponent is 0, prioritized otherwise.
    pub sampling: Sampling,
    /// Plain or compressed.
    pub storage: Storage,
}

impl ReplayConfig {
    /// The replay of the agent of `config` in an environment.
    ///
    /// # Errors
    /// If `config` is the random policy, which has no replay.
    pub fn new(config: &AgentConfig, spec: &EnvironmentSpec) -> Result<Self, AgentError> {
        let learning = learning_of(config)?;
        Ok(Self::of(&learning, spec))
    }

    pub(crate) fn of(learning: &LearningConfig, spec: &EnvironmentSpec) -> Self {
        let [_, _, channels] = spec.frame;
        ReplayConfig {
            layout: Layout {
                capacity: learning.replay_capacity,
                frame_len: spec.frame_bytes(),
                channels: channels * spec.element.size(),
                stack: spec.stack,
                n_step: learning.n_step,
                discount: learning.discount,
            },
            sampling: match learning.priority_exponent {
                0.0 => Sampling::Uniform,
                _ => Sampling::Prioritized,
            },
            storage: if learning.replay_compressed { Storage::Compressed } else { Storage::Plain },
        }
    }

    /// An empty replay.
    ///
    /// # Errors
    /// As [`Replay::with_storage`].
    pub fn make(&self) -> Result<Replay, ReplayError> {
        Replay::with_storage(self.layout, self.sampling, self.storage)
    }
}

/// The settings of an agent that learns.
pub(crate) fn learning_of(config: &AgentConfig) -> Result<LearningConfig, AgentError> {
    let (given, allowed) = ("`random`".to_owned(), "an agent that learns".to_owned());
    config.learning().ok_or(AgentError::Setting { setting: "agent", given, allowed })
}
