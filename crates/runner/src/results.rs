//! The results of a finished run: its weights and `done.ron`.

use crate::RunError;
use softmoe_agents::{Learner, networks};
use softmoe_config::{Architecture, ConfigError, Done, RunDirectory, file};
use softmoe_nets::weights::{self, WeightsError};

/// Writes the weights by name, with the architecture of their network.
pub(crate) fn save_weights(
    directory: &RunDirectory,
    architecture: &Architecture,
    learner: &dyn Learner,
) -> Result<(), RunError> {
    let encode = |error: WeightsError| RunError::Encode { what: "the weights", source: error.into() };
    let permutations = networks::permutations(architecture);
    let weights = learner.weights();
    let weights = weights.iter().map(|(name, shape, values)| (*name, *shape, &**values));
    let bytes = weights::write(&architecture.to_string(), weights, &permutations).map_err(encode)?;
    let path = directory.weights();
    file::write_atomically(&path, &bytes).map_err(|source| RunError::cannot_write(&path, source))
}

/// Writes `done.ron` and `done.json`.
pub(crate) fn save_done(directory: &RunDirectory, done: Done) -> Result<Done, RunError> {
    file::write_with_json(&directory.done_ron(), &done).map_err(|error| match error {
        ConfigError::Write { path, source } => RunError::cannot_write(&path, source),
        other => RunError::Encode { what: "the result", source: other.into() },
    })?;
    Ok(done)
}
