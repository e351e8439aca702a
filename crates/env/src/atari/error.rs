//! Why a game cannot be played.

use ale_sys::AleError;
use softmoe_atari::NotSetUp;

/// Why a game cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AtariError {
    /// The emulator's files are not there.
    #[error(transparent)]
    NotSetUp(#[from] NotSetUp),
    /// The emulator refused the ROM, or failed.
    #[error("{0}; `{command}` checks the files and mends them", command = softmoe_atari::SETUP)]
    Emulator(#[from] AleError),
    /// A setting is out of range.
    #[error("the setting `{setting}` is {value} but must be {rule}")]
    Setting {
        /// Name of the setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// The values that are allowed.
        rule: &'static str,
    },
}
