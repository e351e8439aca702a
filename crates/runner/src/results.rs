//! The results of a finished run: its weights and `done.ron`.

use crate::RunError;
use softmoe_agents::{Learner, networks};
use softmoe_config::{Architecture, ConfigError, Device, Done, MetricsRow, RunDirectory, file};
use softmoe_nets::weights::{self, WeightsError};

/// Writes the weights by name, with the architecture of their network.
pub(crate) fn save_weights(
    directory: &RunDirectory,
    architecture: &Architecture,
    learner: &dyn Learner,
) -> Result<(), RunError> {
    let encode = |error: WeightsError| RunError::Encode { what: "the weights", reason: error.to_string() };
    let permutations = networks::permutations(architecture);
    let weights = learner.weights();
    let weights = weights.iter().map(|(name, shape, values)| (*name, *shape, &**values));
    let bytes = weights::write(&architecture.to_string(), weights, &permutations).map_err(encode)?;
    let path = directory.weights();
    file::write_atomically(&path, &bytes).map_err(|source| RunError::cannot_write(&path, source))
}

/// Writes `done.ron`: the returns of the last evaluation, whose row is `row`.
pub(crate) fn save_done(
    directory: &RunDirectory,
    row: &MetricsRow,
    returns: Vec<f64>,
    parameters: usize,
    device: Device,
    initial_weights: Option<String>,
) -> Result<Done, RunError> {
    let done = Done {
        score: row.evaluation_return,
        returns,
        agent_steps: row.agent_steps,
        parameters,
        wall_seconds: row.wall_seconds,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        device: device.to_string(),
        initial_weights,
    };
    file::write(&directory.done_ron(), &done).map_err(|error| match error {
        ConfigError::Write { path, source } => RunError::cannot_write(&path, source),
        other => RunError::Encode { what: "the result", reason: other.to_string() },
    })?;
    Ok(done)
}
