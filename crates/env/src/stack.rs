//! The last frames of an episode as one state.

use crate::spec::EnvironmentSpec;

/// The last `stack` frames of an episode, side by side in the channels.
///
/// # Shapes
///
/// A state is (height, width, stack x channels), row-major. Within a pixel the oldest frame's channels come first and
/// the newest frame's last. Frames before the episode's start are zeros.
#[derive(Clone, Debug)]
pub struct FrameStack {
    /// Bytes of one pixel of one frame.
    pixel: usize,
    stack: usize,
    state: Vec<u8>,
}

impl FrameStack {
    /// A stack of zeros.
    ///
    /// # Panics
    ///
    /// If the specification has a stack or a frame of nothing.
    pub fn new(spec: &EnvironmentSpec) -> Self {
        let pixel = spec.frame[2] * spec.element.size();
        assert!(spec.stack > 0 && spec.frame_bytes() > 0, "a state has at least one value: {spec:?}");
        FrameStack { pixel, stack: spec.stack, state: vec![0; spec.state_bytes()] }
    }

    /// The state.
    pub fn state(&self) -> &[u8] {
        &self.state
    }

    /// Forgets all frames, as at the start of an episode.
    pub fn clear(&mut self) {
        self.state.fill(0);
    }

    /// Adds the newest frame and drops the oldest.
    ///
    /// # Shapes
    ///
    /// `frame`: (height, width, channels), in bytes.
    ///
    /// # Panics
    ///
    /// If `frame` has another length.
    pub fn push(&mut self, frame: &[u8]) {
        // Atari's shape: a pixel's four bytes are moved at once.
        if self.stack == 4 && self.pixel == 1 {
            let (pixels, _) = self.state.as_chunks_mut::<4>();
            assert_eq!(frame.len(), pixels.len(), "a frame has {} bytes", pixels.len());
            for (pixel, &newest) in pixels.iter_mut().zip(frame) {
                *pixel = (u32::from_le_bytes(*pixel) >> 8 | u32::from(newest) << 24).to_le_bytes();
            }
            return;
        }
        if self.stack > 1 {
            for pixel in self.state.chunks_exact_mut(self.stack * self.pixel) {
                pixel.copy_within(self.pixel.., 0);
            }
        }
        self.replace_newest(frame);
    }

    /// Overwrites the newest frame.
    pub(crate) fn replace_newest(&mut self, frame: &[u8]) {
        let len = self.state.len() / self.stack;
        assert_eq!(frame.len(), len, "a frame has {len} bytes");
        let newest = (self.stack - 1) * self.pixel;
        let pixels = self.state.chunks_exact_mut(self.stack * self.pixel);
        for (pixel, frame) in pixels.zip(frame.chunks_exact(self.pixel)) {
            pixel[newest..].copy_from_slice(frame);
        }
    }

    /// Overwrites the whole state.
    pub(crate) fn replace(&mut self, state: &[u8]) {
        self.state.copy_from_slice(state);
    }
}
