//! Errors of agents and training runs.

use softmoe_config::ConfigError;
use softmoe_env::RestoreError;
use softmoe_nets::weights::WeightsError;
use softmoe_replay::ReplayError;

/// An error in making or running an agent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// A body that has no gradients for the CPU engine.
    #[error("{0}")]
    DeviceOnly(String),
    /// A network whose sizes do not fit together.
    #[error(transparent)]
    Architecture(#[from] ConfigError),
    /// The weights belong to another network.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A setting that this build cannot follow.
    #[error("`{setting}` is {given} but must be {allowed}")]
    Setting {
        /// The setting's key.
        setting: &'static str,
        /// Its value.
        given: String,
        /// The rule.
        allowed: String,
    },
    /// An action, an observation or a batch that the agent or its learner cannot take.
    #[error("{what} is {given} but must be {allowed}")]
    Input {
        /// Its name.
        what: &'static str,
        /// Its value or length.
        given: String,
        /// The rule.
        allowed: String,
    },
    /// Divergence: the loss, a weight or a gradient became infinite or NaN.
    #[error(
        "training has diverged: update {update}, of loss {loss}, is not finite; {cause}. A smaller \
         `agent.learning_rate` may help"
    )]
    Diverged {
        /// Number of the update, counted from 1.
        update: u64,
        /// Its loss.
        loss: f32,
        /// The layer in which the divergence began, if known.
        cause: String,
    },
    /// The processor does not have the instruction set.
    #[error(
        "`instruction_set` cannot be used; leave out `--set instruction_set=..`, or choose one that is available"
    )]
    InstructionSet(#[from] softmoe_nets::kernels::Unavailable),
    /// The device is not there, was not built in, or failed.
    #[error("{0}")]
    Device(String),
    /// There is no memory for the replay.
    #[error(
        "the replay does not fit into memory; make `agent.replay_capacity` smaller, or set \
         `agent.replay_compressed=true` to compress the frames"
    )]
    Memory(#[source] ReplayError),
    /// The saved state of an environment does not fit.
    #[error("the saved environment cannot be restored")]
    Environment(#[from] RestoreError),
    /// A saved state does not fit.
    #[error("the saved state does not fit this agent: {0}")]
    State(String),
    /// An error of the replay.
    #[error(transparent)]
    Replay(ReplayError),
}

impl From<ReplayError> for AgentError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Memory { .. } => AgentError::Memory(error),
            other => AgentError::Replay(other),
        }
    }
}
