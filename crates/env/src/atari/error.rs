//! Errors of Atari games.

use ale_sys::AleError;
use softmoe_atari::{NotSetUp, SettingError};

/// An error of an Atari game.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AtariError {
    /// The emulator's files are not set up.
    #[error(transparent)]
    NotSetUp(#[from] NotSetUp),
    /// The emulator rejected the ROM, or failed.
    #[error("{0}; `{command}` checks and repairs the files", command = softmoe_atari::SETUP)]
    Emulator(#[from] AleError),
    /// A setting is out of range.
    #[error(transparent)]
    Setting(#[from] SettingError),
}
