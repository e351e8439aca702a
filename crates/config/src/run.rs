//! A single run: its configuration (`run.ron`), its result (`done.ron`) and where its files lie.

use crate::{AgentConfig, AgentSteps, ConfigError, EnvironmentConfig, KernelsSpec, NetworkSpec, file};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// `run.ron`: everything that decides what a run computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// The figure that the run belongs to, e.g. `fig3`.
    pub figure: String,
    /// The profile, e.g. `quick`.
    pub profile: String,
    /// The arm, e.g. `softmoe-4`.
    pub arm: String,
    /// The run's seed, from which the generators of environment, agent, replay and initial weights are split.
    pub seed: u64,
    /// The game.
    pub environment: EnvironmentConfig,
    /// The agent.
    pub agent: AgentConfig,
    /// The network that the agent trains (unused by a random agent).
    pub network: NetworkSpec,
    /// Budget, evaluation and checkpoints.
    pub training: TrainingConfig,
    /// The processor's instructions that the CPU engine uses.
    #[serde(default)]
    pub kernels: KernelsSpec,
}

impl RunConfig {
    /// Reads a `run.ron` and checks it.
    ///
    /// # Errors
    ///
    /// As [`file::read`] and [`RunConfig::validate`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let config: RunConfig = file::read(path)?;
        config.validate()?;
        Ok(config)
    }

    /// Whether `other` computes the same: how the replay's frames lie in memory changes no result.
    pub fn computes_as(&self, other: &RunConfig) -> bool {
        self.stored_plainly() == other.stored_plainly()
    }

    fn stored_plainly(&self) -> RunConfig {
        let mut config = self.clone();
        match &mut config.agent {
            AgentConfig::Random => {}
            AgentConfig::Dqn(agent) => agent.replay_compressed = false,
            AgentConfig::Rainbow(agent) => agent.replay_compressed = false,
        }
        config
    }
}

/// Budget, evaluation and checkpoints of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// The run's length.
    pub agent_steps: AgentSteps,
    /// Agent steps between two evaluations, each a row of `metrics.csv`.
    pub evaluation_period: AgentSteps,
    /// Episodes of an evaluation.
    pub evaluation_episodes: usize,
    /// Episodes of the evaluation at the end, whose mean return is the run's score.
    pub final_evaluation_episodes: usize,
    /// Agent steps between two checkpoints.
    pub checkpoint_period: AgentSteps,
}

/// `done.ron`: the result, written last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// Mean return of the final evaluation's episodes.
    pub score: f64,
    /// The return of each of them.
    pub returns: Vec<f64>,
    /// Agent steps trained.
    pub agent_steps: AgentSteps,
    /// Parameters of the network (0 for a random agent).
    pub parameters: usize,
    /// Seconds of wall time, over all resumptions.
    pub wall_seconds: f64,
    /// Version of the worker.
    pub version: String,
    /// Device that the run trained on, e.g. `cpu`.
    pub device: String,
    /// The file of weights that the run began from, if it did not begin anew.
    #[serde(default)]
    pub initial_weights: Option<String>,
}

/// Extension of a checkpoint's file name.
pub const CHECKPOINT_EXTENSION: &str = "ckpt";

/// The directory of a run: names and places of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDirectory(PathBuf);

impl RunDirectory {
    /// The run directory at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        RunDirectory(path.into())
    }

    /// The directory of `config`'s run: `root/<figure>/<profile>/<arm>/<game>/seed-<k>`.
    pub fn of(root: &Path, config: &RunConfig) -> Self {
        let directory = root
            .join(&config.figure)
            .join(&config.profile)
            .join(&config.arm)
            .join(config.environment.game.name());
        RunDirectory(directory.join(format!("seed-{}", config.seed)))
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The resolved configuration, written first ([`RunConfig`]).
    pub fn run_ron(&self) -> PathBuf {
        self.0.join("run.ron")
    }

    /// One row an evaluation, appended and flushed.
    pub fn metrics_csv(&self) -> PathBuf {
        self.0.join("metrics.csv")
    }

    /// More numbers of every evaluation, one a row.
    pub fn diagnostics_csv(&self) -> PathBuf {
        self.0.join("diagnostics.csv")
    }

    /// The numbers of both files for TensorBoard, which knows its files by `tfevents` in their names.
    pub fn events(&self) -> PathBuf {
        self.0.join("events.out.tfevents")
    }

    /// The directory of the last two checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoint")
    }

    /// The checkpoint of a step, in the directory of checkpoints. Names are of one length, so that they sort by step.
    pub fn checkpoint(&self, AgentSteps(steps): AgentSteps) -> PathBuf {
        self.checkpoints().join(format!("step-{steps:012}.{CHECKPOINT_EXTENSION}"))
    }

    /// The step of the checkpoint at `path`; none if no checkpoint has such a name.
    pub fn step_of_checkpoint(path: &Path) -> Option<AgentSteps> {
        let name = path.file_name()?.to_str()?.strip_prefix("step-")?;
        let steps = name.strip_suffix(CHECKPOINT_EXTENSION)?.strip_suffix('.')?;
        steps.parse().ok().map(AgentSteps)
    }

    /// The file that a worker holds locked while it trains the run.
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// The trained weights, written when the run ends.
    pub fn weights(&self) -> PathBuf {
        self.0.join("weights.safetensors")
    }

    /// What the worker said on standard error, appended over all resumptions.
    pub fn stderr_log(&self) -> PathBuf {
        self.0.join("stderr.log")
    }

    /// The result, written last ([`Done`]).
    pub fn done_ron(&self) -> PathBuf {
        self.0.join("done.ron")
    }
}
