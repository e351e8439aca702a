//! Why a saved state is refused.

use serde::de::DeserializeOwned;

/// Why a saved state was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The bytes do not decode.
    #[error(
        "these bytes are not a saved state of this environment: {reason}; give the bytes that `save` returned for the \
         same environment"
    )]
    Undecodable {
        /// The decoder's message.
        reason: String,
    },
    /// The state decodes and breaks a rule of the environment.
    #[error(
        "this saved state of {environment} is impossible: {rule}; it was changed after `save` returned it"
    )]
    Impossible {
        /// The environment that refused it.
        environment: &'static str,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The state belongs to another environment.
    #[error("this is a saved state of {found}, but the environment is {expected}")]
    OtherEnvironment {
        /// The environment that the state belongs to.
        found: &'static str,
        /// The environment that was to be restored.
        expected: &'static str,
    },
    /// The state was saved by another version of the software that plays the game.
    #[error("this state was saved by version {found} of {software}, but this is version {expected}")]
    OtherVersion {
        /// The software.
        software: &'static str,
        /// The version that saved the state.
        found: String,
        /// The version that was to restore it.
        expected: &'static str,
    },
}

/// Decodes a state in the postcard format. Bytes after its end are an error.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RestoreError> {
    let undecodable = |reason: String| RestoreError::Undecodable { reason };
    let (state, rest) = postcard::take_from_bytes(bytes).map_err(|error| undecodable(error.to_string()))?;
    if !rest.is_empty() {
        return Err(undecodable(format!("{} bytes follow the end of the state", rest.len())));
    }
    Ok(state)
}
