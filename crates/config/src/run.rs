//! A single run: its configuration (`run.ron`) and its result (`done.ron`).

use crate::check::Check;
use crate::{
    AgentConfig, AgentSteps, Architecture, ConfigError, EnvironmentConfig, InstructionSet, LearningConfig,
    MetricsRow, NetworkSpec, Session, file,
};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::fs;
use std::path::Path;

/// Configuration of one run, `run.ron`: everything that decides what the run computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Version of the file's form.
    pub version: RunVersion,
    /// The profile, e.g. `quick`.
    pub profile: String,
    /// The arm, e.g. `softmoe-4`.
    pub arm: String,
    /// The run's seed, from which the generators of environment, agent, replay and initial weights are split.
    pub seed: u64,
    /// The environment.
    pub environment: EnvironmentConfig,
    /// The agent.
    pub agent: AgentConfig,
    /// The network that the agent trains (unused by a random agent).
    pub network: NetworkSpec,
    /// Budget, evaluation and checkpoints.
    pub training: TrainingConfig,
    /// The instruction set of the CPU engine.
    #[serde(default)]
    pub instruction_set: InstructionSet,
}

/// As in `run.ron`, in one line.
impl fmt::Display for RunConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        file::one_line(self, f)
    }
}

impl RunConfig {
    /// Reads a `run.ron` and checks it.
    ///
    /// # Errors
    ///
    /// As [`RunConfig::read_unchecked`] and [`RunConfig::validate`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let config = Self::read_unchecked(path)?;
        config.validate()?;
        Ok(config)
    }

    /// Reads a `run.ron` without checking its values.
    ///
    /// # Errors
    ///
    /// As [`file::read`]; [`ConfigError::OldRun`] for a file of another version.
    pub fn read_unchecked(path: &Path) -> Result<Self, ConfigError> {
        let text =
            fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    /// Reads a `run.ron` from `text`; `path` is where the text came from.
    ///
    /// # Errors
    ///
    /// As [`file::parse`]; [`ConfigError::OldRun`] for a text of another version.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        /// The version alone; 1 had no such field.
        #[derive(Deserialize)]
        struct Versioned {
            #[serde(default = "first")]
            version: u32,
        }
        fn first() -> u32 {
            1
        }
        file::parse(path, text).map_err(|error| match ron::from_str(text) {
            Ok(Versioned { version }) if version != RunVersion::NUMBER => {
                ConfigError::OldRun { path: path.to_owned(), version }
            }
            _ => error,
        })
    }

    /// Whether `other` computes the same. How the replay's frames lie in memory changes no result. The random policy has no network and
    /// plays the final evaluation alone.
    pub fn computes_as(&self, other: &RunConfig) -> bool {
        let mut config = self.clone();
        match (&self.agent, &other.agent) {
            (AgentConfig::Learning(mine), AgentConfig::Learning(theirs)) => {
                config.agent = LearningConfig { replay_compressed: theirs.replay_compressed, ..*mine }.into();
            }
            (AgentConfig::Random, AgentConfig::Random) => {
                let RunConfig { network, training, instruction_set, .. } = other.clone();
                let final_evaluation_episodes = self.training.final_evaluation_episodes;
                config.training = TrainingConfig { final_evaluation_episodes, ..training };
                (config.network, config.instruction_set) = (network, instruction_set);
            }
            _ => {}
        }
        config == *other
    }

    /// Checks that the values are consistent.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] with every invalid value: its name, value, rule and remedy.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut check = Check::default();
        self.environment.check(&mut check);
        self.environment.check_lives(&mut check, &self.agent);
        if let Some(learning) = self.agent.learning() {
            learning.check(&mut check);
            learning.intervention.check(&mut check, &self.network.body);
        }
        self.network.check(&mut check);
        let [height, width, _] = self.environment.spec().state();
        self.network.encoder.check_pixels(&mut check, [height, width]);
        self.training.check(&mut check);
        check.finish(format!("run {}", self.name()))
    }

    /// Frames in the replay at the end of the run: its capacity, or as many as the run has steps; `None` without a replay.
    pub fn replay_frames(&self) -> Option<usize> {
        let steps = usize::try_from(self.training.agent_steps.0).unwrap_or(usize::MAX);
        Some(self.agent.learning()?.replay_capacity.min(steps))
    }

    /// The run's name: `<profile>/<arm>/<game>/seed-<k>`.
    pub fn name(&self) -> String {
        let RunConfig { profile, arm, environment, seed, .. } = self;
        format!("{profile}/{arm}/{}/seed-{seed}", environment.game().name())
    }

    /// The network that the run trains, with the permutation of shuffled tokens drawn from `permutation_seed`; none
    /// if its agent has none.
    pub fn architecture(&self, permutation_seed: u64) -> Option<Architecture> {
        let head = self.agent.learning()?.head();
        let spec = self.environment.spec();
        let (observation, actions) = (spec.state(), spec.actions);
        Some(Architecture { network: self.network.clone(), head, observation, actions, permutation_seed })
    }
}

/// Version of a `run.ron`: a number in the file, which must be [`RunVersion::NUMBER`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunVersion;

impl RunVersion {
    /// 3 since runs belong to no figure: figures share the runs of a profile. 2 was the version in which agents shared one
    /// set of hyperparameters and environments were named by their suite.
    pub const NUMBER: u32 = 3;
}

impl Serialize for RunVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(Self::NUMBER)
    }
}

impl<'de> Deserialize<'de> for RunVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            Self::NUMBER => Ok(RunVersion),
            other => Err(D::Error::custom(format!("version {other} is not {}", Self::NUMBER))),
        }
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
    /// Episodes of the final evaluation. Their mean return is the run's score.
    pub final_evaluation_episodes: usize,
    /// Agent steps between two checkpoints.
    pub checkpoint_period: AgentSteps,
}

/// Most episodes of an evaluation.
const MOST_EPISODES: u64 = 1_000_000;

impl TrainingConfig {
    /// Number of evaluations in a run, including the final one.
    pub fn evaluations(&self) -> u64 {
        self.agent_steps.0.div_ceil(self.evaluation_period.0.max(1))
    }

    fn check(&self, check: &mut Check) {
        if self.agent_steps.0 == 0 {
            let steps = "the run has 0 agent steps but must have at least 1 (e.g. `--steps 40000`)";
            check.problem(steps.into());
        }
        check.at_least_one("training.evaluation_period", self.evaluation_period.0, 10_000);
        check.count("training.evaluation_episodes", self.evaluation_episodes as u64, MOST_EPISODES, 10);
        let last = self.final_evaluation_episodes as u64;
        check.count("training.final_evaluation_episodes", last, MOST_EPISODES, 30);
        check.at_least_one("training.checkpoint_period", self.checkpoint_period.0, 10_000);
    }
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
    /// The file of weights that the run began from, if any.
    #[serde(default)]
    pub initial_weights: Option<String>,
    /// The processes that trained the run, in order. A result of an older version names none.
    #[serde(default)]
    pub sessions: Vec<Session>,
}

impl Done {
    /// The result of a run on `device` that ends with the evaluation in `row`, whose episodes gave `returns`. The network, and the processes
    /// that trained it, are to be added.
    pub fn new(row: &MetricsRow, returns: Vec<f64>, device: impl Into<String>) -> Self {
        Done {
            score: row.evaluation_return,
            returns,
            agent_steps: row.agent_steps,
            parameters: 0,
            wall_seconds: row.wall_seconds,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            device: device.into(),
            initial_weights: None,
            sessions: Vec::new(),
        }
    }
}
