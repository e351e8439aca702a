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
        // One move shifts the frames of every pixel. A pixel's last place gets the next pixel's oldest frame, until it is overwritten.
        if self.stack > 1 {
            self.state.copy_within(self.pixel.., 0);
        }
        self.replace_newest(frame);
    }

    /// Overwrites the newest frame.
    pub(crate) fn replace_newest(&mut self, frame: &[u8]) {
        let len = self.state.len() / self.stack;
        assert_eq!(frame.len(), len, "a frame has {len} bytes");
        if self.stack == 1 {
            return self.state.copy_from_slice(frame);
        }
        let newest = (self.stack - 1) * self.pixel;
        for byte in 0..self.pixel {
            let places = self.state[newest + byte..].iter_mut().step_by(self.stack * self.pixel);
            for (place, &value) in places.zip(frame[byte..].iter().step_by(self.pixel)) {
                *place = value;
            }
        }
    }

    /// Overwrites the whole state.
    pub(crate) fn replace(&mut self, state: &[u8]) {
        self.state.copy_from_slice(state);
    }
}
