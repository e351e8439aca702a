//! The state of a run, apart from its replay.

use crate::metrics::Positions;
use serde::{Deserialize, Serialize};
use softmoe_agents::{AgentState, TrainingState};
use softmoe_config::{RunConfig, Session};

/// The state that a checkpoint holds beside the replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The configuration that the run follows.
    pub config: RunConfig,
    /// The agent.
    pub agent: AgentState,
    /// The environment, its current episode, and the evaluations made.
    pub training: TrainingState,
    /// The run's files and time.
    pub files: FilesState,
}

/// The state of a run's files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FilesState {
    /// Length and checksum of the files that the run appends to.
    pub positions: Positions,
    /// Seconds of wall time.
    pub wall_seconds: f64,
    /// The file of weights that the run began from, if any.
    pub initial_weights: Option<String>,
    /// The seed of the permutation of shuffled tokens.
    pub permutation_seed: u64,
    /// The processes that trained the run up to the checkpoint.
    pub sessions: Vec<Session>,
}
