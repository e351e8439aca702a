//! The state of a learner, the same on every engine: a run that was saved on one engine resumes on the other.

use crate::AgentError;
use rand::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use softmoe_nets::{Adam, AdamSettings, ParameterList};

/// The weights of a learner, the moments of its optimizer and its source of noise. Learning rate and epsilon are
/// settings, not state: a restored learner keeps its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LearnerState {
    /// Online and target weights, in the order of the network's parameter list.
    pub(crate) online: Vec<f32>,
    pub(crate) target: Vec<f32>,
    /// Updates made.
    steps: u64,
    /// Adam's first and second moments.
    mu: Vec<f32>,
    nu: Vec<f32>,
    /// The source of the noise.
    pub(crate) rng: Xoshiro256PlusPlus,
}

impl LearnerState {
    /// The state of a learner with these weights.
    pub(crate) fn new(
        online: Vec<f32>,
        target: Vec<f32>,
        optimizer: &Adam,
        rng: &Xoshiro256PlusPlus,
    ) -> Self {
        let (mu, nu) = optimizer.moments();
        let (mu, nu) = (mu.to_vec(), nu.to_vec());
        LearnerState { online, target, steps: optimizer.steps(), mu, nu, rng: rng.clone() }
    }

    /// The optimizer of a network's parameters, with the settings of the restored learner.
    pub(crate) fn optimizer(&self, settings: AdamSettings, list: &ParameterList) -> Adam {
        let mut adam = Adam::for_parameters(settings, list);
        adam.restore(self.steps, &self.mu, &self.nu);
        adam
    }

    /// The state as bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("postcard writes every sequence of a known length")
    }

    /// The state of a learner with that many parameters.
    ///
    /// # Errors
    /// [`AgentError::State`] if the bytes are not such a state.
    pub(crate) fn from_bytes(bytes: &[u8], parameters: usize) -> Result<Self, AgentError> {
        let (state, rest) = postcard::take_from_bytes::<LearnerState>(bytes)
            .map_err(|error| AgentError::State(error.to_string()))?;
        if !rest.is_empty() {
            return Err(AgentError::State(format!("{} bytes follow its end", rest.len())));
        }
        let lengths = [
            ("weights", state.online.len()),
            ("target weights", state.target.len()),
            ("mu", state.mu.len()),
            ("nu", state.nu.len()),
        ];
        for (what, len) in lengths {
            if len != parameters {
                return Err(AgentError::State(format!(
                    "it has {len} {what}, the network {parameters} parameters"
                )));
            }
        }
        if state.steps > MOST_STEPS {
            return Err(AgentError::State(format!("its optimizer claims {} steps", state.steps)));
        }
        if !has_left_zero(&state.rng) {
            return Err(AgentError::State("its generator of noise cannot be in this state".into()));
        }
        Ok(state)
    }
}

/// More steps than any optimizer makes.
const MOST_STEPS: u64 = u64::MAX / 2;

/// Whether a generator's state is reachable from a seed. The state of zeros is not: it never changes.
fn has_left_zero(rng: &Xoshiro256PlusPlus) -> bool {
    let mut ahead = rng.clone();
    (0..4).any(|_| ahead.next_u64() != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn state(steps: u64) -> LearnerState {
        LearnerState {
            online: vec![1.0, 2.0],
            target: vec![3.0, 4.0],
            steps,
            mu: vec![0.5; 2],
            nu: vec![0.25; 2],
            rng: Xoshiro256PlusPlus::seed_from_u64(1),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(LearnerState::from_bytes(&state(7).to_bytes(), 2).unwrap(), state(7));
    }

    #[test]
    fn what_no_learner_can_be_in_is_refused() {
        let refused = |bytes: &[u8], reason: &str| {
            let error = LearnerState::from_bytes(bytes, 2).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        };
        refused(&state(u64::MAX).to_bytes(), "18446744073709551615 steps");
        // The generator comes last: four numbers, where a zero takes one byte.
        let good = state(7).to_bytes();
        let rng = postcard::to_stdvec(&state(7).rng).unwrap();
        let zeros = [&good[..good.len() - rng.len()], &[0; 4]].concat();
        refused(&zeros, "generator of noise");
        refused(&[good.clone(), vec![0]].concat(), "1 bytes follow its end");
        let longer = LearnerState { online: vec![1.0; 3], ..state(7) };
        refused(&longer.to_bytes(), "3 weights, the network 2 parameters");
    }
}
