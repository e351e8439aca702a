//! The ring of rows: frame, action, reward and end of each agent step.

use crate::compressed::Compressed;
use crate::error::ReplayError;
use crate::layout::{Layout, Storage};
use serde::{Deserialize, Serialize};

/// The end of an episode at a row, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EpisodeEnd {
    /// The episode continues with the next row.
    Continues,
    /// The value after this row is 0: the game is over, or a life is lost and counts as the end.
    Terminal,
    /// The episode was truncated by a time limit or a reset, and could have continued.
    Truncated,
}

/// The data of a row beside its frame.
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
    channels: usize,
    frames: Frames,
    rows: Vec<Row>,
    /// Number of the row at position 0 when the ring is filled for the first time.
    origin: u64,
    /// Number of the next row.
    next: u64,
}

/// The frames of the rows.
enum Frames {
    /// `[rows, frame_len]`, grown to its full length by the first pushes, never reallocated.
    Plain(Vec<u8>),
    Compressed(Box<Compressed>),
}

impl Rows {
    /// An empty ring whose first row will have the number `origin`.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Memory`] if there is no room for the frames.
    pub(crate) fn new(layout: &Layout, storage: Storage, origin: u64) -> Result<Self, ReplayError> {
        let mut rows = Vec::new();
        rows.try_reserve_exact(layout.capacity).map_err(|_| layout.out_of_memory())?;
        let frames = match storage {
            Storage::Plain => {
                let mut frames = Vec::new();
                // Reserved memory is not resident before it is written.
                let bytes =
                    layout.capacity.checked_mul(layout.frame_len).ok_or_else(|| layout.out_of_memory())?;
                frames.try_reserve_exact(bytes).map_err(|_| layout.out_of_memory())?;
                Frames::Plain(frames)
            }
            Storage::Compressed => Frames::Compressed(Box::new(Compressed::new(layout.frame_len, origin))),
        };
        Ok(Self {
            capacity: layout.capacity,
            frame_len: layout.frame_len,
            channels: layout.channels,
            frames,
            rows,
            origin,
            next: origin,
        })
    }

    /// The form of the frames in memory.
    pub(crate) fn storage(&self) -> Storage {
        match self.frames {
            Frames::Plain(_) => Storage::Plain,
            Frames::Compressed(_) => Storage::Compressed,
        }
    }

    /// Bytes of the kept frames.
    pub(crate) fn frame_bytes(&self) -> u64 {
        match &self.frames {
            Frames::Plain(frames) => frames.len() as u64,
            Frames::Compressed(frames) => frames.bytes(),
        }
    }

    /// Number of the next row, and count of rows ever pushed.
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

    /// Adds a row; if the ring is full, it replaces the oldest.
    pub(crate) fn push(&mut self, frame: &[u8], row: Row) {
        let position = self.position(self.next);
        let full = self.is_full();
        if full {
            self.rows[position] = row;
        } else {
            self.rows.push(row);
        }
        self.next += 1;
        let oldest = self.oldest();
        match &mut self.frames {
            Frames::Plain(frames) if full => {
                frames[position * self.frame_len..][..self.frame_len].copy_from_slice(frame);
            }
            Frames::Plain(frames) => frames.extend_from_slice(frame),
            Frames::Compressed(frames) => frames.push(frame, oldest),
        }
    }

    /// A kept row.
    pub(crate) fn row(&self, number: u64) -> Row {
        self.rows[self.position(number)]
    }

    /// Writes the frame of a kept row.
    ///
    /// # Shapes
    ///
    /// `frame`: `[frame_len]`.
    pub(crate) fn copy_frame(&self, number: u64, frame: &mut [u8]) {
        match &self.frames {
            Frames::Plain(frames) => {
                frame.copy_from_slice(&frames[self.position(number) * self.frame_len..][..self.frame_len]);
            }
            Frames::Compressed(frames) => frames.copy(number, frame),
        }
    }

    /// Writes the state whose newest frame is a row's, with zeros for frames before the episode's start.
    ///
    /// # Shapes
    ///
    /// `state`: `[pixels, stack, channels]`; `frames`, overwritten: `[stack, frame_len]`.
    pub(crate) fn copy_state(&self, number: u64, state: &mut [u8], frames: &mut [u8]) {
        if state.len() == self.frame_len {
            return self.copy_frame(number, state);
        }
        let held = usize::from(self.row(number).preceding) + 1;
        let (missing, present) = frames.split_at_mut(frames.len() - held * self.frame_len);
        missing.fill(0);
        let first = number + 1 - held as u64;
        for (number, frame) in (first..).zip(present.chunks_exact_mut(self.frame_len)) {
            self.copy_frame(number, frame);
        }
        interleave(state, frames, self.frame_len, self.channels);
    }

    fn position(&self, number: u64) -> usize {
        debug_assert!((self.oldest()..=self.next).contains(&number));
        ((number - self.origin) % self.capacity as u64) as usize
    }
}

/// Interleaves the channels of several frames.
///
/// # Shapes
///
/// `[stack, pixels, channels]` -> `[pixels, stack, channels]`.
fn interleave(state: &mut [u8], frames: &[u8], frame_len: usize, channels: usize) {
    let width = frames.len() / frame_len * channels;
    // Atari's four grey frames: one pass that the compiler vectorises.
    if (width, channels) == (4, 1) {
        let (older, newer) = frames.split_at(2 * frame_len);
        let (older, newer) = (older.split_at(frame_len), newer.split_at(frame_len));
        let pixels = state.as_chunks_mut::<4>().0.iter_mut();
        for ((((pixel, a), b), c), d) in pixels.zip(older.0).zip(older.1).zip(newer.0).zip(newer.1) {
            *pixel = [*a, *b, *c, *d];
        }
        return;
    }
    for (k, frame) in frames.chunks_exact(frame_len).enumerate() {
        for (pixel, values) in state.chunks_exact_mut(width).zip(frame.chunks_exact(channels)) {
            pixel[k * channels..][..channels].copy_from_slice(values);
        }
    }
}
