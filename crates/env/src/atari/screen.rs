//! From emulator frames to an observation: greyscale, max-pooling over two frames, resize to 84 by 84 pixels.

use super::SIZE;
use super::resize::AreaResize;

/// The two frames of an observation, and the observation.
///
/// Screens change little from step to step, so only changed rows are computed.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    width: usize,
    /// Grey level of each index of the palette.
    grey: [u8; 256],
    /// The two frames, as palette indices. (2, height, width)
    frames: [Vec<u8>; 2],
    /// Whether there is a second frame. There is none until the first step of an episode reaches it.
    has_second: bool,
    /// Rows of `pooled` that are out of date with `frames`.
    changed: Vec<bool>,
    /// The greyscale maximum over the frames. (height, width)
    pooled: Vec<u8>,
    resize: AreaResize,
    /// ([`SIZE`], [`SIZE`])
    observation: Vec<u8>,
}

impl Screen {
    /// A screen of this size with a black observation.
    pub(super) fn new(height: usize, width: usize, grey: [u8; 256]) -> Self {
        let black = vec![0; height * width];
        Screen {
            width,
            grey,
            frames: [black.clone(), black.clone()],
            has_second: false,
            changed: vec![true; height],
            pooled: black,
            resize: AreaResize::new(height, width),
            observation: vec![0; SIZE * SIZE],
        }
    }

    /// Begins an episode. The observation shows only `frame`.
    pub(super) fn begin(&mut self, frame: &[u8]) {
        self.has_second = false;
        self.changed.fill(true);
        self.look(0, frame);
        self.show();
    }

    /// Stores a frame in slot 0 (first) or 1 (second).
    pub(super) fn look(&mut self, slot: usize, frame: &[u8]) {
        if slot == 1 && !self.has_second {
            self.has_second = true;
            self.changed.fill(true);
        }
        let rows = self.frames[slot].chunks_exact_mut(self.width).zip(frame.chunks_exact(self.width));
        for ((kept, row), changed) in rows.zip(&mut self.changed) {
            if kept != row {
                kept.copy_from_slice(row);
                *changed = true;
            }
        }
    }

    /// Updates the observation to the maximum over both frames.
    pub(super) fn show(&mut self) {
        let Screen { width, grey, frames: [first, second], .. } = self;
        let width = *width;
        for row in (0..self.changed.len()).filter(|row| self.changed[*row]) {
            let at = row * width..(row + 1) * width;
            let (before, rest) = self.pooled.split_at_mut(at.start);
            let pooled = &mut rest[..width];
            let (one, two) = (&first[at.clone()], &second[at.clone()]);
            let above = at.start.wrapping_sub(width)..at.start;
            let is_as_above = row > 0
                && one == &first[above.clone()]
                && (!self.has_second || two == &second[above.clone()]);
            if is_as_above {
                pooled.copy_from_slice(&before[above]);
            } else if !self.has_second || one == two {
                for (grey_level, &index) in pooled.iter_mut().zip(one) {
                    *grey_level = grey[usize::from(index)];
                }
            } else {
                for ((grey_level, &one), &two) in pooled.iter_mut().zip(one).zip(two) {
                    *grey_level = grey[usize::from(one)].max(grey[usize::from(two)]);
                }
            }
        }
        self.resize.update(&self.pooled, &self.changed, &mut self.observation);
        self.changed.fill(false);
    }

    /// Updates the observation to the maximum of the current pooled image and the first frame, as gymnasium does in a step that ends in its
    /// last frame.
    pub(super) fn show_first_over_last(&mut self) {
        for (grey_level, &index) in self.pooled.iter_mut().zip(&self.frames[0]) {
            *grey_level = self.grey[usize::from(index)].max(*grey_level);
        }
        self.resize.resize(&self.pooled, &mut self.observation);
        // `pooled` is no longer the maximum over the two frames.
        self.changed.fill(true);
    }

    /// The observation. ([`SIZE`], [`SIZE`])
    pub(super) fn observation(&self) -> &[u8] {
        &self.observation
    }

    /// The greyscale maximum over both frames. (height, width)
    pub(super) fn pooled(&self) -> &[u8] {
        &self.pooled
    }

    /// The state to save: the second frame, if there is one, and the maximum.
    pub(super) fn save(&self) -> (Option<Vec<u8>>, Vec<u8>) {
        (self.has_second.then(|| self.frames[1].clone()), self.pooled.clone())
    }

    /// Restores a saved state. Both images must have the screen's length.
    pub(super) fn restore(&mut self, second: Option<&[u8]>, pooled: &[u8]) {
        self.has_second = second.is_some();
        if let Some(second) = second {
            self.frames[1].copy_from_slice(second);
        }
        self.pooled.copy_from_slice(pooled);
        self.resize.resize(&self.pooled, &mut self.observation);
        // The first frame is not saved: the next step overwrites it before it is read.
        self.changed.fill(true);
    }
}
