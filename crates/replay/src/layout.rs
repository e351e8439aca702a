//! The sizes of a replay, and how it is sampled.

use crate::error::ReplayError;
use serde::{Deserialize, Serialize};

/// The sizes of a replay and the horizon of its transitions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Frames kept: the newest this many rows. At least `n_step + stack`.
    pub capacity: usize,
    /// Bytes a frame, all its channels.
    pub frame_len: usize,
    /// Frames a state: the newest this many of the episode, zeros where it has not had so many.
    pub stack: usize,
    /// Rows whose rewards are summed, which is also how far the next state lies ahead.
    pub n_step: usize,
    /// Discount of one row, gamma, between 0 and 1.
    pub discount: f64,
}

impl Layout {
    /// Discount of the value of the next state: gamma^n.
    pub fn bootstrap_discount(&self) -> f64 {
        self.discount.powf(self.n_step as f64)
    }

    /// Bytes that a full replay of this layout keeps in memory, at most; saturates where no machine has as many.
    pub fn bytes(&self) -> u64 {
        let frames = (self.capacity as u64).saturating_mul(self.frame_len as u64);
        frames.saturating_add(self.bytes_beside_frames())
    }

    /// Bytes of [`Layout::bytes`] that are not frames.
    pub fn bytes_beside_frames(&self) -> u64 {
        let leaves = (self.capacity as u64).checked_next_power_of_two().unwrap_or(u64::MAX);
        let rows = (self.capacity as u64).saturating_mul(BYTES_BESIDE_FRAME);
        rows.saturating_add(leaves.saturating_mul(16))
    }

    pub(crate) fn out_of_memory(&self) -> ReplayError {
        ReplayError::Memory { capacity: self.capacity, frame_len: self.frame_len, bytes: self.bytes() }
    }

    /// Whether a replay can have this layout.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Layout`] names the field and the rule that it breaks.
    pub fn validate(&self) -> Result<(), ReplayError> {
        let at_least_one = |field, given: usize| match given {
            0 => {
                Err(ReplayError::Layout { field, given: "0".into(), allowed: "it must be at least 1".into() })
            }
            _ => Ok(()),
        };
        at_least_one("frame_len", self.frame_len)?;
        at_least_one("stack", self.stack)?;
        at_least_one("n_step", self.n_step)?;
        if self.stack > usize::from(u16::MAX) {
            return Err(ReplayError::Layout {
                field: "stack",
                given: self.stack.to_string(),
                allowed: format!("it must be at most {}", u16::MAX),
            });
        }
        let least = self.n_step.saturating_add(self.stack);
        if self.capacity < least {
            return Err(ReplayError::Layout {
                field: "capacity",
                given: self.capacity.to_string(),
                allowed: format!(
                    "a transition of n_step {} with stack {} needs at least {least} frames",
                    self.n_step, self.stack
                ),
            });
        }
        if !(0.0..=1.0).contains(&self.discount) {
            return Err(ReplayError::Layout {
                field: "discount",
                given: self.discount.to_string(),
                allowed: "it must be between 0 and 1".into(),
            });
        }
        Ok(())
    }
}

/// A row's action, reward and end (8 bytes) and a transition's row number (8).
const BYTES_BESIDE_FRAME: u64 = 16;

/// How the frames lie in memory. What is sampled is the same bit for bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// As they are: [`Layout::bytes`] in all, reserved at once.
    #[default]
    Plain,
    /// Each an LZ4 block. A push and a sample take longer; the memory depends on the frames. Atari's, with large
    /// areas of one colour, take about a sixth; frames of noise take as much as plain ones.
    Compressed,
}

/// Which transitions a sample prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// None: every available transition is as likely as any other, each draw independent of the others.
    Uniform,
    /// Each in proportion to its priority.
    Prioritized(Draws),
}

/// How the draws of one batch are spread over the priorities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Draws {
    /// One draw from each of as many equal parts of the total priority as the batch has transitions
    /// (Schaul et al., arXiv 1511.05952, appendix B.2.1).
    #[default]
    Stratified,
    /// Each draw from the whole, independent of the others.
    Independent,
}
