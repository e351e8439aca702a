//! What sampling writes into.

use crate::error::ReplayError;
use crate::layout::Layout;
use serde::{Deserialize, Serialize};

/// A transition's number: how many became available before it.
///
/// It stays the transition's own: when the transition's frames have been overwritten the number is not given again, and
/// [`Replay::update_priorities`](crate::Replay::update_priorities) ignores it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransitionId(pub(crate) u64);

/// A batch of transitions, allocated once and written by every [`Replay::sample`](crate::Replay::sample).
///
/// # Shapes
///
/// B is the batch size, row-major throughout.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `[B, stack, frame_len]`: the states, oldest frame first, zeros for frames before the episode's start.
    pub states: Vec<u8>,
    /// `[B]`: the action taken in each state.
    pub actions: Vec<u8>,
    /// `[B]`: the discounted sum of the rewards of n rows, or up to the terminal row; summed in f64, then rounded.
    pub rewards: Vec<f32>,
    /// `[B, stack, frame_len]`: the states n rows later; zeros where the transition is terminal.
    pub next_states: Vec<u8>,
    /// `[B]`: whether the episode ended within the n rows, so that there is no next state to bootstrap from.
    pub terminals: Vec<bool>,
    /// `[B]`: what each transition is called in [`Replay::update_priorities`](crate::Replay::update_priorities).
    pub ids: Vec<TransitionId>,
    /// `[B]`: the probability with which one draw gives this transition.
    pub probabilities: Vec<f64>,
}

impl Batch {
    /// A batch of zeros of `batch_size` transitions.
    pub fn new(batch_size: usize, layout: &Layout) -> Self {
        let state = batch_size * layout.stack * layout.frame_len;
        Self {
            states: vec![0; state],
            actions: vec![0; batch_size],
            rewards: vec![0.0; batch_size],
            next_states: vec![0; state],
            terminals: vec![false; batch_size],
            ids: vec![TransitionId::default(); batch_size],
            probabilities: vec![0.0; batch_size],
        }
    }

    /// Number of transitions.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether it has room for no transition.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether a replay of this layout can write here.
    pub(crate) fn check(&self, layout: &Layout) -> Result<(), ReplayError> {
        let size = self.len();
        let state = size * layout.stack * layout.frame_len;
        let lengths = [
            ("states", self.states.len(), state),
            ("actions", self.actions.len(), size),
            ("rewards", self.rewards.len(), size),
            ("next_states", self.next_states.len(), state),
            ("terminals", self.terminals.len(), size),
            ("probabilities", self.probabilities.len(), size),
        ];
        match lengths.into_iter().find(|(_, given, expected)| given != expected) {
            Some((field, given, expected)) => Err(ReplayError::Batch { field, given, expected }),
            None => Ok(()),
        }
    }
}
