//! What an environment looks like from outside, as data.

use serde::{Deserialize, Serialize};

/// Largest number of actions of an environment: a replay stores an action in one byte.
pub const MOST_ACTIONS: usize = 256;

/// The shape of an environment's observations and the number of its actions.
///
/// It is plain data: a configuration provides it without creating an environment, and networks are built from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentSpec {
    /// Height, width and channels of one frame. A vector of n numbers is `[1, 1, n]`.
    pub frame: [usize; 3],
    /// Frames in a state, at least 1: the agent sees the newest frame and the `stack - 1` before it.
    pub stack: usize,
    /// Number of actions, between 1 and [`MOST_ACTIONS`]. An action is a number below it.
    pub actions: usize,
    /// Type of one value of a frame.
    pub element: Element,
}

/// The kind of one value of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Element {
    /// One byte.
    Byte {
        /// The pixel scale: a network reads `byte / scale`. 255 for images, 1 for zeros and ones.
        scale: u8,
    },
    /// A 32-bit float, which a network reads as it is. In bytes it is little-endian.
    Float,
}

impl Element {
    /// Bytes of one value.
    pub const fn size(self) -> usize {
        match self {
            Element::Byte { .. } => 1,
            Element::Float => 4,
        }
    }
}

impl EnvironmentSpec {
    /// Height, width and channels of a state: the frames of the stack lie side by side in the channels.
    ///
    /// ```
    /// use softmoe_env::{Element, EnvironmentSpec};
    ///
    /// let element = Element::Byte { scale: 255 };
    /// let atari = EnvironmentSpec { frame: [84, 84, 1], stack: 4, actions: 18, element };
    /// assert_eq!(atari.state(), [84, 84, 4]);
    /// assert_eq!(atari.frame_bytes(), 7_056);
    /// assert_eq!(atari.state_bytes(), 28_224);
    /// ```
    pub const fn state(&self) -> [usize; 3] {
        let [height, width, channels] = self.frame;
        [height, width, self.stack * channels]
    }

    /// Values of one frame.
    pub const fn frame_len(&self) -> usize {
        let [height, width, channels] = self.frame;
        height * width * channels
    }

    /// Bytes of one frame.
    pub const fn frame_bytes(&self) -> usize {
        self.frame_len() * self.element.size()
    }

    /// Bytes of one state, `stack` frames.
    pub const fn state_bytes(&self) -> usize {
        self.frame_bytes() * self.stack
    }
}
