//! The seam between an agent and what it learns with.

#[cfg(feature = "burn")]
mod actions;
pub(crate) mod cpu;
#[cfg(feature = "burn")]
pub(crate) mod device;
mod divergence;
pub(crate) mod state;

pub use cpu::{CpuLearner, Objective, ReadObservations, UpdateSettings};
#[cfg(feature = "burn")]
pub use device::{DeviceLearner, DeviceObjective};

use crate::AgentError;
use crate::diagnostics::Diagnostic;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_config::{InterventionSpec, LearningConfig};
use softmoe_nets::AdamSettings;
use softmoe_nets::kernels::InstructionSet;
use softmoe_nets::weights::WeightsFile;
use softmoe_replay::Batch;
use std::borrow::Cow;

/// Those of a learner that reads a byte as the number it is.
impl From<&LearningConfig> for UpdateSettings {
    fn from(learning: &LearningConfig) -> Self {
        UpdateSettings {
            batch_size: learning.batch_size,
            bootstrap_discount: learning.discount.powf(learning.n_step as f64),
            double: learning.double,
            priority_exponent: learning.priority_exponent,
            importance_exponent: learning.importance_exponent,
            optimizer: AdamSettings::new(learning.learning_rate, learning.adam_epsilon),
            pixel_scale: 1,
        }
    }
}

/// Whether an action is chosen to learn from, or to be judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Explore: noisy layers draw their noise.
    Train,
    /// The noise is off.
    Evaluate,
}

/// What an update found out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update<'a> {
    /// Mean of the weighted losses.
    pub loss: f32,
    /// New priority of each transition of the batch, (batch).
    pub priorities: &'a [f32],
}

/// Weights by name, shape and values.
pub type NamedWeights<'a> = Vec<(&'a str, &'a [usize], Cow<'a, [f32]>)>;

/// Something that learns action values: the weights, and everything that is done with them.
///
/// Agents know a learner by this trait alone, so that it may compute on any device and with any library.
pub trait Learner: Send {
    /// The greedy action; of equals, the lowest.
    ///
    /// # Shapes
    /// `observation`: the stacked frames, (stack, height, width, channels), oldest first.
    fn act(&mut self, observation: &[u8], mode: Mode) -> usize;

    /// Takes one gradient step on a batch.
    ///
    /// # Errors
    /// [`AgentError::Diverged`] if the loss is not a finite number, and the weights are then as before; or if a weight or the
    /// square of a gradient is not, and the learner is then good for nothing but to be [restored](Learner::restore).
    fn update(&mut self, batch: &Batch) -> Result<Update<'_>, AgentError>;

    /// Begins what [`update`](Learner::update) does, and need not wait for it: `None` says that the update is under way.
    ///
    /// Then [`finish_update`](Learner::finish_update) tells what it found out. Until that is asked, the agent asks for nothing
    /// but actions, which are those of the weights after the update. Provided: the whole update.
    ///
    /// # Errors
    /// As [`update`](Learner::update).
    fn start_update(&mut self, batch: &Batch) -> Result<Option<Update<'_>>, AgentError> {
        self.update(batch).map(Some)
    }

    /// Waits for the update that is under way; `None` if there is none, as is provided.
    ///
    /// # Errors
    /// As [`update`](Learner::update).
    fn finish_update(&mut self) -> Result<Option<Update<'_>>, AgentError> {
        Ok(None)
    }

    /// Changes the online weights as `intervention` says: neurons are judged by `batch`, weights drawn from `rng`.
    ///
    /// An agent whose learner computes elsewhere lets the CPU engine's do this, from state to state.
    ///
    /// # Errors
    /// [`AgentError::Device`] if the learner cannot, which is what is provided.
    fn intervene(
        &mut self,
        intervention: InterventionSpec,
        batch: &Batch,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Result<(), AgentError> {
        let _ = (batch, rng);
        Err(AgentError::Device(format!(
            "this learner cannot follow `agent.intervention` = {intervention}; on the CPU engine there are those that can"
        )))
    }

    /// Numbers that tell how the learning goes, from a batch that is not learned from, with the noise off. None if the
    /// learner has none to tell, as is provided. The learner is as before.
    fn diagnose(&mut self, batch: &Batch) -> Vec<Diagnostic> {
        let _ = batch;
        Vec::new()
    }

    /// Computes with `set` from now on. Provided: no effect, for a learner that does not compute on the CPU engine.
    fn use_instruction_set(&mut self, set: InstructionSet) {
        let _ = set;
    }

    /// Copies the online weights into the target network.
    fn sync_target(&mut self);

    /// Number of trained parameters of the online network.
    fn parameters(&self) -> usize;

    /// The online weights by name, shape and values, in the order of the network's parameter list.
    fn weights(&self) -> NamedWeights<'_>;

    /// Takes the weights of a file, online and target alike.
    ///
    /// # Errors
    /// [`AgentError::Weights`] if they are of another network; the learner is then as before.
    fn load_weights(&mut self, file: &WeightsFile) -> Result<(), AgentError>;

    /// Everything that [`restore`](Learner::restore) needs to go on bit for bit, in a form that the agent's learners
    /// share, whatever they compute with.
    fn state(&self) -> Vec<u8>;

    /// Goes on from a saved state.
    ///
    /// # Errors
    /// [`AgentError::State`] if the bytes are not a state of such a learner, or of another network; the learner is
    /// then as before.
    fn restore(&mut self, state: &[u8]) -> Result<(), AgentError>;
}
