//! What can go wrong with an agent or a run.

use softmoe_config::{AgentSteps, ConfigError};
use softmoe_env::RestoreError;
use softmoe_nets::weights::WeightsError;
use softmoe_replay::ReplayError;
use std::io;
use std::path::{Path, PathBuf};

/// Why an agent cannot be made, or cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// No such combination of network parts was compiled in.
    #[error("there is no network `{given}` in this build; there are: {known}")]
    UnknownNetwork {
        /// What was asked for.
        given: String,
        /// What there is.
        known: String,
    },
    /// A body that has no gradients for the CPU engine.
    #[error("{0}")]
    DeviceOnly(String),
    /// A network whose sizes do not fit together.
    #[error(transparent)]
    Architecture(#[from] ConfigError),
    /// Weights of another network.
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
    /// The loss, a weight or a gradient became infinite or not a number.
    #[error(
        "training has diverged: update {update}, of loss {loss}, is not finite; {cause}. A smaller \
         `agent.learning_rate` may help"
    )]
    Diverged {
        /// Which update, counted from 1.
        update: u64,
        /// Its loss.
        loss: f32,
        /// The layer that it began in, as far as can be told.
        cause: String,
    },
    /// The processor does not have the instruction set.
    #[error("{0}; leave out `--set instruction_set=..`, or choose one that is available")]
    InstructionSet(#[from] softmoe_nets::kernels::Unavailable),
    /// The device is not there, was not built in, or failed.
    #[error("{0}")]
    Device(String),
    /// There is no memory for the replay.
    #[error(
        "{0}; `agent.replay_capacity` is what to make smaller, and `agent.replay_compressed` = true keeps its frames \
         compressed"
    )]
    Memory(#[source] ReplayError),
    /// A saved state does not fit.
    #[error("the saved state does not fit this agent: {0}")]
    State(String),
    /// The replay refused.
    #[error(transparent)]
    Replay(ReplayError),
}

/// Why a run cannot start, or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The agent cannot be made or cannot go on.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// Training diverged.
    #[error("at agent step {step} {source}. {}", goes_on_from(checkpoint.as_deref()))]
    Diverged {
        /// The step whose update it was.
        step: AgentSteps,
        /// Update and layer.
        source: AgentError,
        /// The newest checkpoint.
        checkpoint: Option<PathBuf>,
    },
    /// The configuration makes no sense.
    #[error(transparent)]
    Configuration(#[from] ConfigError),
    /// The environment's suite is not in this build.
    #[error("this build has no environments of {suite}; build it with `--features {feature}`")]
    Suite {
        /// The suite.
        suite: &'static str,
        /// The feature that it comes with.
        feature: &'static str,
    },
    /// The environment's saved state does not fit.
    #[error("the checkpoint's environment cannot be restored")]
    Environment(#[from] RestoreError),
    /// A file cannot be written or read.
    #[error("cannot {action} {}: {source}; {hint}", path.display())]
    File {
        /// What was tried, e.g. `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What to do about it.
        hint: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// The file of weights that a run should start from cannot be used.
    #[error("cannot start from {}: {reason}", path.display())]
    InitialWeights {
        /// The file.
        path: PathBuf,
        /// Why not, and what to do.
        reason: String,
    },
    /// No checkpoint of the run can be read.
    #[error(
        "none of the checkpoints in {} can be read; to start the run anew, move its directory away. {reasons}",
        directory.display()
    )]
    NoCheckpoint {
        /// Where they lie.
        directory: PathBuf,
        /// Why, each.
        reasons: String,
    },
    /// The run has been following another configuration.
    #[error(
        "{} is of another configuration than run.ron: {differences}; put run.ron back as it was, or move the run's \
         directory away to start anew", checkpoint.display()
    )]
    OtherConfiguration {
        /// The newest checkpoint that can be read.
        checkpoint: PathBuf,
        /// The values that differ.
        differences: String,
    },
    /// `metrics.csv`, or another file that the run appends to, is shorter than the checkpoint says.
    #[error(
        "{} has {found} bytes, {expected} when the checkpoint was written: lines are missing; restore the file, or \
         move the run's directory away to start anew", path.display()
    )]
    MetricsTooShort {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: u64,
        /// Its length at the checkpoint.
        expected: u64,
    },
    /// `metrics.csv` is not what it was at the checkpoint.
    #[error(
        "{} was changed: what the checkpoint knows of it has another checksum; restore the file, or move the run's \
         directory away to start anew", path.display()
    )]
    MetricsChanged {
        /// The file.
        path: PathBuf,
    },
    /// `metrics.csv` or the weights cannot be encoded.
    #[error("cannot encode {what}: {reason}")]
    Encode {
        /// What was to be encoded.
        what: &'static str,
        /// Why not.
        reason: String,
    },
}

impl From<ReplayError> for AgentError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Memory { .. } => AgentError::Memory(error),
            other => AgentError::Replay(other),
        }
    }
}

impl RunError {
    /// A file of a run cannot be written.
    pub(crate) fn cannot_write(path: &Path, source: io::Error) -> Self {
        let hint = match source.kind() {
            io::ErrorKind::NotFound => {
                "the run's directory was removed or moved while the run was going; put it back, or plan the run anew"
            }
            _ => {
                "free some space or choose a writable directory; started again, the run goes on from its last checkpoint"
            }
        };
        RunError::File { action: "write", path: path.to_owned(), source, hint }
    }
}

/// Where a run that has stopped begins when it is started again.
fn goes_on_from(checkpoint: Option<&Path>) -> String {
    match checkpoint {
        Some(path) => format!(
            "Started again the run goes on from {}, in the same way; for another setting move its directory away",
            path.display()
        ),
        None => "The run has no checkpoint yet: started again it begins anew, in the same way".into(),
    }
}
