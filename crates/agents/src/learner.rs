//! The interface between an agent and its network: learners.

#[cfg(feature = "burn")]
mod actions;
pub(crate) mod cpu;
#[cfg(feature = "burn")]
pub(crate) mod device;
mod divergence;
mod input;
pub(crate) mod state;

pub(crate) use input::read_states;

pub use cpu::{CpuLearner, Objective, UpdateSettings};
#[cfg(feature = "burn")]
pub use device::{DeviceLearner, DeviceObjective};

use crate::AgentError;
use crate::diagnostics::Diagnostic;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_config::{InterventionSpec, LearningConfig};
use softmoe_env::Element;
use softmoe_nets::AdamSettings;
use softmoe_nets::kernels::InstructionSet;
use softmoe_nets::weights::WeightsFile;
use softmoe_replay::Batch;
use std::borrow::Cow;

impl UpdateSettings {
    /// The settings of `learning` for an environment with frames of `element`.
    pub fn new(learning: &LearningConfig, element: Element) -> Self {
        UpdateSettings {
            batch_size: learning.batch_size,
            double: learning.double,
            priority_exponent: learning.priority_exponent,
            importance_exponent: learning.importance_exponent,
            optimizer: AdamSettings::new(learning.learning_rate, learning.adam_epsilon),
            element,
        }
    }
}

/// The purpose of an action: training or evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Training: noisy layers draw their noise.
    Train,
    /// Evaluation: the noise is off.
    Evaluate,
}

/// The result of an update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update<'a> {
    /// Mean of the weighted losses.
    pub loss: f32,
    /// New priority of each transition of the batch, (batch).
    pub priorities: &'a [f32],
}

/// Weights by name, shape and values.
pub type NamedWeights<'a> = Vec<(&'a str, &'a [usize], Cow<'a, [f32]>)>;

/// The trainable part of an agent: it holds the network weights, chooses greedy actions and learns from batches.
///
/// Agents use a learner through this trait alone, so that it may compute on any device and with any library.
pub trait Learner: Send {
    /// The greedy action; of equal values, the lowest action.
    ///
    /// # Shapes
    /// `state`: (height, width, stack x channels), as in a [`Batch`].
    ///
    /// # Panics
    /// May panic if `state` does not have the length of the network's input.
    fn act(&mut self, state: &[u8], mode: Mode) -> usize;

    /// Takes one gradient step on a batch. `batch.discounts` has the discount of each next state's value.
    ///
    /// # Errors
    /// [`AgentError::Input`] if the batch has another size, or an action that the network does not have.
    /// [`AgentError::Diverged`] if the loss is not finite; the weights are then unchanged. The same error if a weight
    /// or the square of a gradient is not finite; the learner can then only be [restored](Learner::restore).
    fn update(&mut self, batch: &Batch) -> Result<Update<'_>, AgentError>;

    /// Starts an [`update`](Learner::update), and need not wait for it. `None` means that the update is under way.
    ///
    /// [`finish_update`](Learner::finish_update) then returns its result. Until that call the agent only asks for
    /// actions, which follow the weights after the update. The provided method makes the whole update.
    ///
    /// # Errors
    /// As [`update`](Learner::update).
    fn start_update(&mut self, batch: &Batch) -> Result<Option<Update<'_>>, AgentError> {
        self.update(batch).map(Some)
    }

    /// Waits for the update that is under way. `None` without such an update, which is the provided result.
    ///
    /// # Errors
    /// As [`update`](Learner::update).
    fn finish_update(&mut self) -> Result<Option<Update<'_>>, AgentError> {
        Ok(None)
    }

    /// Whether the learner supports `intervention`. Creating an agent fails if its learner does not support the
    /// configured intervention. The provided method accepts only [`InterventionSpec::None`].
    fn follows(&self, intervention: InterventionSpec) -> bool {
        intervention == InterventionSpec::None
    }

    /// Applies `intervention` to the online weights. Dormant scores are computed on `batch`, fresh weights drawn from
    /// `rng`.
    ///
    /// An agent on a device applies it to a CPU copy of the learner, and restores the learner from the copy's state.
    ///
    /// # Errors
    /// [`AgentError::Setting`] if the learner does not [follow](Learner::follows) it. The provided method only accepts
    /// [`InterventionSpec::None`], which changes nothing.
    fn intervene(
        &mut self,
        intervention: InterventionSpec,
        batch: &Batch,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Result<(), AgentError> {
        let _ = (batch, rng);
        if self.follows(intervention) { Ok(()) } else { Err(unfollowed(intervention)) }
    }

    /// Diagnostics from a batch, without learning from it and with the noise off. Empty if the learner has none, which
    /// is the provided result. The learner does not change.
    fn diagnose(&mut self, batch: &Batch) -> Vec<Diagnostic> {
        let _ = batch;
        Vec::new()
    }

    /// Uses the instruction set `set` from now on. The provided method does nothing, for learners without the CPU
    /// engine.
    fn use_instruction_set(&mut self, set: InstructionSet) {
        let _ = set;
    }

    /// Copies the online weights into the target network.
    fn sync_target(&mut self);

    /// Number of trained parameters of the online network.
    fn parameters(&self) -> usize;

    /// The online weights by name, shape and values, in the order of the network's parameter list.
    fn weights(&self) -> NamedWeights<'_>;

    /// Loads the weights of a file into the online and the target network.
    ///
    /// # Errors
    /// [`AgentError::Weights`] if they belong to another network; the learner is then unchanged.
    fn load_weights(&mut self, file: &WeightsFile) -> Result<(), AgentError>;

    /// The state from which [`restore`](Learner::restore) continues bit for bit. All engines share its form.
    fn state(&self) -> Vec<u8>;

    /// Continues from a saved state.
    ///
    /// # Errors
    /// [`AgentError::State`] if the bytes are not a state of such a learner, or belong to another network; the learner
    /// is then unchanged.
    fn restore(&mut self, state: &[u8]) -> Result<(), AgentError>;
}

/// The error for an intervention that the learner does not follow.
pub(crate) fn unfollowed(intervention: InterventionSpec) -> AgentError {
    AgentError::Setting {
        setting: "agent.intervention",
        given: intervention.to_string(),
        allowed: "`none` for this learner; the learners of the CPU engine follow all".into(),
    }
}

/// Checks a batch for a learner with `actions` actions, `input_len` bytes per state and `size` transitions per batch.
///
/// # Errors
/// [`AgentError::Input`] if not.
pub(crate) fn check_batch(
    batch: &Batch,
    size: usize,
    input_len: usize,
    actions: usize,
) -> Result<(), AgentError> {
    let lengths = [
        ("the number of actions of the batch", batch.actions.len(), size),
        ("the number of bytes of the batch's states", batch.states.len(), size * input_len),
        ("the number of bytes of the batch's next states", batch.next_states.len(), size * input_len),
        ("the number of rewards of the batch", batch.rewards.len(), size),
        ("the number of discounts of the batch", batch.discounts.len(), size),
        ("the number of probabilities of the batch", batch.probabilities.len(), size),
    ];
    for (what, given, expected) in lengths {
        if given != expected {
            return Err(AgentError::Input { what, given: given.to_string(), allowed: expected.to_string() });
        }
    }
    match batch.actions.iter().find(|&&action| usize::from(action) >= actions) {
        Some(action) => Err(AgentError::Input {
            what: "an action of the batch",
            given: action.to_string(),
            allowed: format!("below {actions}"),
        }),
        None => Ok(()),
    }
}
