//! Errors of the emulator.

use std::path::PathBuf;

/// An error of the emulator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AleError {
    /// The ROM cannot be played.
    #[error("cannot play the ROM {}: {reason}", path.display())]
    Rom {
        /// The ROM.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An option is out of range.
    #[error("the option `{option}` is {value} but must be {rule}")]
    Option {
        /// Name of the option.
        option: &'static str,
        /// Its value.
        value: String,
        /// The values that are allowed.
        rule: &'static str,
    },
    /// The emulator rejects a saved state.
    #[error("the emulator does not take this state: {reason}")]
    State {
        /// What is wrong with it.
        reason: String,
    },
    /// The emulator threw an exception.
    #[error("the emulator failed in `{call}`: {reason}")]
    Exception {
        /// The call.
        call: &'static str,
        /// The exception's message.
        reason: String,
    },
}
