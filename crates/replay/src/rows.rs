//! The ring of rows: one frame, and what the agent did and got, a row.

use crate::error::ReplayError;
use crate::layout::Layout;
use serde::{Deserialize, Serialize};

/// Whether an episode ended with a row, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EpisodeEnd {
    /// It goes on with the next row.
    Continues,
    /// Nothing of value comes after this row: the game is over, or a life is lost where that counts as the end.
    Terminal,
    /// It was cut off, by a time limit or a reset: more would have come, but was not seen.
    Truncated,
}

/// What a row has beside its frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) reward: f32,
    pub(crate) action: u8,
    pub(crate) end: EpisodeEnd,
    /// Rows of the same episode before this one, at most `stack - 1`.
    pub(crate) preceding: u16,
}

/// The newest `capacity` rows. Rows are numbered from 0 in the order in which they were pushed.
pub(crate) struct Rows {
    capacity: usize,
    frame_len: usize,
    /// `[rows, frame_len]`, grown to its full length by the first pushes, never reallocated.
    frames: Vec<u8>,
    rows: Vec<Row>,
    /// Number of the row at position 0, when the ring is filled for the first time.
    origin: u64,
    /// Number of the next row.
    next: u64,
}

impl Rows {
    /// An empty ring whose first row will have the number `origin`.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Memory`] if there is no room for the frames.
    pub(crate) fn new(layout: &Layout, origin: u64) -> Result<Self, ReplayError> {
        let (mut frames, mut rows) = (Vec::new(), Vec::new());
        let bytes = layout.capacity.checked_mul(layout.frame_len);
        // Reserved memory is not resident before it is written.
        let reserved = bytes.is_some_and(|bytes| frames.try_reserve_exact(bytes).is_ok())
            && rows.try_reserve_exact(layout.capacity).is_ok();
        if !reserved {
            return Err(layout.out_of_memory());
        }
        Ok(Self {
            capacity: layout.capacity,
            frame_len: layout.frame_len,
            frames,
            rows,
            origin,
            next: origin,
        })
    }

    /// Number of the next row, which is also how many were ever pushed.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Number of the oldest row kept.
    pub(crate) fn oldest(&self) -> u64 {
        self.next - self.rows.len() as u64
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows.len() == self.capacity
    }

    /// Adds a row, over the oldest if the ring is full.
    pub(crate) fn push(&mut self, frame: &[u8], row: Row) {
        if self.is_full() {
            let position = self.position(self.next);
            self.rows[position] = row;
            self.frames[position * self.frame_len..][..self.frame_len].copy_from_slice(frame);
        } else {
            self.rows.push(row);
            self.frames.extend_from_slice(frame);
        }
        self.next += 1;
    }

    /// A row that is kept.
    pub(crate) fn row(&self, number: u64) -> Row {
        self.rows[self.position(number)]
    }

    /// The frame of a row that is kept.
    pub(crate) fn frame(&self, number: u64) -> &[u8] {
        &self.frames[self.position(number) * self.frame_len..][..self.frame_len]
    }

    /// Writes the stack that ends at a row: oldest frame first, zeros for those before the episode's start.
    ///
    /// # Shapes
    ///
    /// `stack`: `[stack, frame_len]`.
    pub(crate) fn copy_stack(&self, number: u64, stack: &mut [u8]) {
        let held = usize::from(self.row(number).preceding) + 1;
        let (missing, present) = stack.split_at_mut(stack.len() - held * self.frame_len);
        missing.fill(0);
        let first = number + 1 - held as u64;
        for (number, frame) in (first..).zip(present.chunks_exact_mut(self.frame_len)) {
            frame.copy_from_slice(self.frame(number));
        }
    }

    fn position(&self, number: u64) -> usize {
        debug_assert!((self.oldest()..=self.next).contains(&number));
        ((number - self.origin) % self.capacity as u64) as usize
    }
}
