//! The state of a run, apart from its replay.

use crate::metrics::Positions;
use serde::{Deserialize, Serialize};
use softmoe_agents::{AgentState, TrainingState};
use softmoe_config::{RunConfig, Session};
use std::path::Path;

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

/// A state as it is written, with the configuration as text.
#[derive(Serialize)]
pub(super) struct WrittenTo<'a> {
    config: String,
    agent: &'a AgentState,
    training: &'a TrainingState,
    files: &'a FilesState,
}

impl<'a> From<&'a State> for WrittenTo<'a> {
    fn from(state: &'a State) -> Self {
        let State { config, agent, training, files } = state;
        WrittenTo { config: config.to_string(), agent, training, files }
    }
}

/// A state as it is read.
#[derive(Deserialize)]
pub(super) struct Written {
    config: String,
    agent: AgentState,
    training: TrainingState,
    files: FilesState,
}

impl Written {
    /// The state.
    ///
    /// # Errors
    /// The problem of a text that is no configuration.
    pub(super) fn into_state(self) -> Result<State, String> {
        let Written { config, agent, training, files } = self;
        let config = RunConfig::parse(Path::new("its configuration"), &config).map_err(|e| e.to_string())?;
        Ok(State { config, agent, training, files })
    }
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

#[cfg(test)]
mod tests {
    use softmoe_config::BodySpec;

    /// Format 9 has the configuration in postcard: its bytes are those of the version that wrote it.
    #[test]
    fn postcard_bytes_of_a_body_are_as_they_were() {
        // soft_moe, 4 experts, slots and tokens as if left out, scale 1.0, then eight settings as if left out.
        let mut bytes = vec![1, 4, 0, 0];
        bytes.extend(1.0_f64.to_le_bytes());
        bytes.extend([0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(postcard::to_stdvec(&BodySpec::soft_moe(4)).unwrap(), bytes);
        assert_eq!(postcard::from_bytes::<BodySpec>(&bytes).unwrap(), BodySpec::soft_moe(4));
    }
}
