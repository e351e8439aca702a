//! Errors of a run on disk.

use softmoe_agents::AgentError;
use softmoe_config::{AgentSteps, ConfigError, Game};
use softmoe_env::EnvironmentSpec;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

/// An error that keeps a run from starting, or stops it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The agent cannot be made, or has failed.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// Training diverged.
    #[error("stopped at agent step {step} ({})", goes_on_from(checkpoint.as_deref()))]
    Diverged {
        /// The step of the update.
        step: AgentSteps,
        /// Update and layer.
        source: AgentError,
        /// The newest checkpoint.
        checkpoint: Option<PathBuf>,
    },
    /// The configuration is invalid.
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
    /// The environment draws no pictures.
    #[error("{game} draws no pictures: only runs of MinAtar and of Atari can be watched")]
    NotDrawn {
        /// The game.
        game: Game,
    },
    /// The run has no weights that could be played.
    #[error("{} has no weights yet: the run has neither finished nor written a checkpoint", directory.display())]
    NoWeights {
        /// The run's directory.
        directory: PathBuf,
    },
    /// The weights of a run cannot be used.
    #[error("cannot use the weights in {}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The environment is the own one of the program that configured the run.
    #[error(
        "the run's environment, `own(..)`, is part of the program that configured it; run that program, which calls `train_in`"
    )]
    OwnEnvironment,
    /// The configuration has an environment of a suite, and the program trains in its own.
    #[error(
        "the run is configured for {game}, not for the program's own environment; set `environment` to `EnvironmentConfig::Own`"
    )]
    OfSuite {
        /// The game of the suite.
        game: Game,
    },
    /// The program's own environment differs from the configuration.
    #[error("the environment is {found:?}, but run.ron has {configured:?}; make them equal")]
    OtherEnvironment {
        /// The specification in the configuration.
        configured: EnvironmentSpec,
        /// That of the environment.
        found: EnvironmentSpec,
    },
    /// The game cannot be played here.
    #[error("cannot play {game}")]
    Environment {
        /// The game.
        game: Game,
        /// The reason, and the remedy.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A file cannot be written or read.
    #[error("cannot {action} {} ({hint})", path.display())]
    File {
        /// The attempted action, e.g. `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The remedy.
        hint: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// The run cannot start from the given file of weights.
    #[error("cannot start from {}", path.display())]
    InitialWeights {
        /// The file.
        path: PathBuf,
        /// The reason, and the remedy.
        source: Box<dyn Error + Send + Sync>,
    },
    /// No checkpoint of the run can be read.
    #[error(
        "none of the checkpoints in {} can be read; to start the run anew, move its directory away. {reasons}",
        directory.display()
    )]
    NoCheckpoint {
        /// Their directory.
        directory: PathBuf,
        /// The reason for each.
        reasons: String,
    },
    /// The run's checkpoint has another configuration.
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
    /// `metrics.csv`, or another file that the run appends to, has changed since the checkpoint.
    #[error(
        "{} was changed: what the checkpoint knows of it has another checksum; restore the file, or move the run's \
         directory away to start anew", path.display()
    )]
    MetricsChanged {
        /// The file.
        path: PathBuf,
    },
    /// `metrics.csv` or the weights cannot be encoded.
    #[error("cannot encode {what}")]
    Encode {
        /// The thing to encode.
        what: &'static str,
        /// The encoder's error.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl RunError {
    /// The error of a file that cannot be written.
    pub(crate) fn cannot_write(path: &Path, source: io::Error) -> Self {
        let hint = match source.kind() {
            io::ErrorKind::NotFound => {
                "the run's directory was removed or moved while the run was going; put it back, or plan the run anew"
            }
            io::ErrorKind::FileTooLarge => {
                "raise the limit of file sizes (`ulimit -f`); started again, the run goes on from its last checkpoint"
            }
            _ => {
                "free some space or choose a writable directory; started again, the run goes on from its last checkpoint"
            }
        };
        RunError::File { action: "write", path: path.to_owned(), source, hint }
    }
}

/// Describes the checkpoint from which a stopped run resumes.
fn goes_on_from(checkpoint: Option<&Path>) -> String {
    match checkpoint {
        Some(path) => format!(
            "started again, the run resumes from {} in the same way; to change a setting, move its directory away first",
            path.display()
        ),
        None => "the run has no checkpoint yet; started again, it begins anew in the same way".into(),
    }
}
