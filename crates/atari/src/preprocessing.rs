//! The software whose preprocessing is followed.

use serde::{Deserialize, Serialize};

/// The software whose order of preprocessing is followed. Both agree except in steps that the end of a game or of a life cuts short, and in
/// what they do before an episode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preprocessing {
    /// Dopamine 4.1.2, which the paper's code is built on: looks at a frame before it asks whether the game has ended. The no-ops of an
    /// episode's start are `0..noop_max` agent steps (`DataEfficientAtariRunner`).
    #[default]
    Dopamine,
    /// gymnasium 1.4.0, `AtariPreprocessing`: does not look at the frame in which the game ends. The no-ops are `1..=noop_max` frames.
    Gymnasium,
}
