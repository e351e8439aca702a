//! The state of a learner, the same on every engine: a run that was saved on one goes on with the other.

use crate::AgentError;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use softmoe_nets::Adam;

/// Weights, optimizer and noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LearnerState {
    /// Online and target weights, in the order of the network's parameter list.
    pub(crate) online: Vec<f32>,
    pub(crate) target: Vec<f32>,
    pub(crate) optimizer: Adam,
    /// Where the noise comes from.
    pub(crate) rng: Xoshiro256PlusPlus,
}

impl LearnerState {
    /// The state as bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("postcard writes every sequence of a known length")
    }

    /// The state of a learner of that many parameters.
    ///
    /// # Errors
    /// [`AgentError::State`] if the bytes are not that.
    pub(crate) fn from_bytes(bytes: &[u8], parameters: usize) -> Result<Self, AgentError> {
        let state: LearnerState =
            postcard::from_bytes(bytes).map_err(|error| AgentError::State(error.to_string()))?;
        let (mu, nu) = state.optimizer.moments();
        let lengths = [
            ("weights", state.online.len()),
            ("target weights", state.target.len()),
            ("mu", mu.len()),
            ("nu", nu.len()),
        ];
        for (what, len) in lengths {
            if len != parameters {
                return Err(AgentError::State(format!(
                    "it has {len} {what}, the network {parameters} parameters"
                )));
            }
        }
        Ok(state)
    }
}
