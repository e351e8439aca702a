//! The sizes of a replay, and how it is sampled.

use crate::error::ReplayError;
use serde::{Deserialize, Serialize};

/// The sizes of a replay, and the number of steps and discount of its returns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Number of frames kept, the newest ones. At least `n_step + stack`.
    pub capacity: usize,
    /// Bytes of a frame: pixels times channels, the channel fastest.
    pub frame_len: usize,
    /// Channels of a frame, a divisor of `frame_len`.
    pub channels: usize,
    /// Frames of a state, the newest ones of the episode. Frames before the episode's start are zeros.
    pub stack: usize,
    /// Steps n of an n-step return. The next state is n rows later.
    pub n_step: usize,
    /// Discount of one row, gamma, between 0 and 1.
    pub discount: f64,
}

impl Layout {
    /// Bytes of a state.
    pub fn state_len(&self) -> usize {
        self.stack * self.frame_len
    }

    /// Largest number of bytes of a full replay of this layout in memory. The sum saturates.
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
    /// [`ReplayError::Layout`] with the field and the rule that it breaks.
    pub fn validate(&self) -> Result<(), ReplayError> {
        let at_least_one = |field, given: usize| match given {
            0 => {
                Err(ReplayError::Layout { field, given: "0".into(), allowed: "it must be at least 1".into() })
            }
            _ => Ok(()),
        };
        at_least_one("frame_len", self.frame_len)?;
        at_least_one("channels", self.channels)?;
        if !self.frame_len.is_multiple_of(self.channels) {
            return Err(ReplayError::Layout {
                field: "channels",
                given: self.channels.to_string(),
                allowed: format!("it must divide frame_len, which is {}", self.frame_len),
            });
        }
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

/// The form of frames in memory. Batches do not depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// Uncompressed. [`Layout::bytes`] are reserved at once.
    #[default]
    Plain,
    /// One LZ4 block per frame. Adding and sampling take longer, and the memory depends on the frames. Atari's frames, with
    /// large areas of one colour, take about a sixth; noise takes as much as plain frames.
    Compressed,
}

/// The distribution of sampled transitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// All available transitions are equally likely. Draws are independent.
    Uniform,
    /// A transition's probability is proportional to its priority. Draws are stratified: the total priority is divided into
    /// equal parts, one per transition of the batch (Schaul et al., arXiv 1511.05952, appendix B.2.1).
    Prioritized,
}
