//! Batches of transitions.

use crate::error::ReplayError;
use crate::layout::Layout;
use serde::{Deserialize, Serialize};

/// The number of a transition: the count of transitions that became available before it.
///
/// Numbers are unique. Once the transition's frames are overwritten,
/// [`Replay::update_priorities`](crate::Replay::update_priorities) ignores its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransitionId(pub(crate) u64);

/// A batch of transitions, allocated once and written by every [`Replay::sample`](crate::Replay::sample).
///
/// # Shapes
///
/// B is the batch size, `pixels` is `frame_len / channels`; all arrays are row-major. The frames of a state lie side by
/// side in its channels, oldest frame first, as a convolution reads an image of `stack * channels` channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `[B, pixels, stack, channels]`: the states, with zeros for frames before the episode's start.
    pub states: Vec<u8>,
    /// `[B]`: the action taken in each state.
    pub actions: Vec<u8>,
    /// `[B]`: the discounted sum of n rewards, or of the rewards up to the terminal row. Summed in f64, then rounded.
    pub rewards: Vec<f32>,
    /// `[B, pixels, stack, channels]`: the states n rows later, zeros after a terminal.
    pub next_states: Vec<u8>,
    /// `[B]`: the discount `discount_t` of the next state's value: gamma^n, or 0 where the episode ended within the n
    /// rows. The target of a value is `rewards + discounts * v(next_states)`.
    pub discounts: Vec<f32>,
    /// `[B]`: the numbers for [`Replay::update_priorities`](crate::Replay::update_priorities).
    pub ids: Vec<TransitionId>,
    /// `[B]`: the probability of this transition in one draw.
    pub probabilities: Vec<f64>,
    /// `[stack, frame_len]`: the frames of the state that is being assembled.
    pub(crate) frames: Vec<u8>,
}

impl Batch {
    /// A batch of zeros of `batch_size` transitions.
    pub fn new(batch_size: usize, layout: &Layout) -> Self {
        let state = batch_size * layout.state_len();
        Self {
            states: vec![0; state],
            actions: vec![0; batch_size],
            rewards: vec![0.0; batch_size],
            next_states: vec![0; state],
            discounts: vec![0.0; batch_size],
            ids: vec![TransitionId::default(); batch_size],
            probabilities: vec![0.0; batch_size],
            frames: vec![0; layout.state_len()],
        }
    }

    /// Number of transitions.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether the batch size is 0.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether a replay of this layout can write this batch.
    pub(crate) fn check(&self, layout: &Layout) -> Result<(), ReplayError> {
        let size = self.len();
        let state = size * layout.state_len();
        let lengths = [
            ("states", self.states.len(), state),
            ("actions", self.actions.len(), size),
            ("rewards", self.rewards.len(), size),
            ("next_states", self.next_states.len(), state),
            ("discounts", self.discounts.len(), size),
            ("probabilities", self.probabilities.len(), size),
            ("a state", self.frames.len(), layout.state_len()),
        ];
        match lengths.into_iter().find(|(_, given, expected)| given != expected) {
            Some((field, given, expected)) => Err(ReplayError::Batch { field, given, expected }),
            None => Ok(()),
        }
    }
}
