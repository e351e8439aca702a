//! The seam between an agent and what it learns with.

#[cfg(feature = "burn")]
mod actions;
pub(crate) mod cpu;
#[cfg(feature = "burn")]
pub(crate) mod device;
mod divergence;
mod input;
pub(crate) mod state;

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
    /// The settings of `learning` in an environment whose frames are of `element`.
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
    /// `state`: (height, width, stack x channels), as in a [`Batch`].
    ///
    /// # Panics
    /// May panic if `state` has not the length of the network's input.
    fn act(&mut self, state: &[u8], mode: Mode) -> usize;

    /// Takes one gradient step on a batch. The discount of a transition's next state is the batch's, `batch.discounts`.
    ///
    /// # Errors
    /// [`AgentError::Input`] if the batch is not one of this learner's: of another size, or with an action that the
    /// network does not have. [`AgentError::Diverged`] if the loss is not a finite number, and the weights are then as before; or if a weight or the
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

    /// Whether [`intervene`](Learner::intervene) can follow `intervention`. An agent is not made with a learner that cannot
    /// follow the one configured. Provided: no intervention alone.
    fn follows(&self, intervention: InterventionSpec) -> bool {
        intervention == InterventionSpec::None
    }

    /// Changes the online weights as `intervention` says: neurons are judged by `batch`, weights drawn from `rng`.
    ///
    /// The agent of a device does this on a copy of the learner on the CPU engine, from state to state.
    ///
    /// # Errors
    /// [`AgentError::Setting`] if the learner does not [follow](Learner::follows) it. Provided: nothing is done, and only
    /// [`InterventionSpec::None`] is no error.
    fn intervene(
        &mut self,
        intervention: InterventionSpec,
        batch: &Batch,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Result<(), AgentError> {
        let _ = (batch, rng);
        if self.follows(intervention) { Ok(()) } else { Err(unfollowed(intervention)) }
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

/// The error of a learner that does not follow an intervention.
pub(crate) fn unfollowed(intervention: InterventionSpec) -> AgentError {
    AgentError::Setting {
        setting: "agent.intervention",
        given: intervention.to_string(),
        allowed: "`none` for this learner; the learners of the CPU engine follow all".into(),
    }
}

/// Whether a learner of `actions` actions, with `input_len` bytes a state, can take a batch of `size` transitions.
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
