//! The choice of the reference implementation of the preprocessing.

use serde::{Deserialize, Serialize};

/// The reference implementation whose preprocessing is reproduced. The two agree except in steps that end early, with the game or with a
/// life, and in the no-ops before an episode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preprocessing {
    /// Dopamine 4.1.2, on which the paper's code is built. Reads the screen before the check for the end of the game. An episode starts
    /// with `0..noop_max` no-op agent steps (`DataEfficientAtariRunner`).
    #[default]
    Dopamine,
    /// gymnasium 1.4.0, `AtariPreprocessing`. Does not read the frame in which the game ends. An episode starts with `1..=noop_max` no-op
    /// frames.
    Gymnasium,
}
