//! Errors in experiments and runs.

use crate::names::{UnknownName, list};
use std::error::Error;
use std::io;
use std::path::PathBuf;

/// Error in a file, a setting or a value. Its message has the given value, the rule and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file's text does not have the form of its type.
    #[error("{}:{line}:{column}: {}{message}", path.display(), in_field(field))]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
        /// The field, as a path from the outermost, e.g. `profiles.quick.seeds` (empty at the top).
        field: String,
        /// The fault, and the allowed values.
        message: String,
    },
    /// A `run.ron` of another version of this program.
    #[error(
        "{} is a run of version {version}, and this program reads version {}, in which runs belong to no figure: finish it \
         with the program that began it, or begin anew in another directory (`--out DIR`)",
        path.display(), crate::RunVersion::NUMBER
    )]
    OldRun {
        /// The file.
        path: PathBuf,
        /// The file's version.
        version: u32,
    },
    /// A name that is none of the allowed ones.
    #[error(transparent)]
    UnknownName(#[from] UnknownName),
    /// A `key=value` that cannot be set.
    #[error("cannot set `{setting}`: {message}")]
    Setting {
        /// The setting as it was given.
        setting: String,
        /// The fault, and the allowed values.
        message: String,
    },
    /// A value that cannot be read.
    #[error("`{given}` is not a valid {what}: {message}")]
    Value {
        /// The expected kind, e.g. `body`.
        what: &'static str,
        /// The given text.
        given: String,
        /// The fault, and the allowed values.
        message: String,
    },
    /// Values of the right type that make no sense.
    #[error("{subject}: {}", problems.join("; "))]
    Invalid {
        /// The owner of the values, e.g. `run quick/flat/breakout/seed-0`.
        subject: String,
        /// One sentence for each value: its name, itself, the rule, the remedy.
        problems: Vec<String>,
    },
}

/// `error` and its causes, each after a colon. A cause that its error's own message ends with is not repeated.
///
/// ```
/// let error = softmoe_config::RunConfig::read("nowhere/run.ron".as_ref()).unwrap_err();
/// assert_eq!(error.to_string(), "cannot read nowhere/run.ron");
/// assert!(softmoe_config::error::with_causes(&error).starts_with("cannot read nowhere/run.ron: "));
/// ```
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |&error| error.source()).map(ToString::to_string) {
        if !text.ends_with(&cause) {
            text += ": ";
            text += &cause;
        }
    }
    text
}

fn in_field(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!("in `{field}`: ") }
}

/// `problems` as an error of `subject`, if there are any.
pub(crate) fn none_of(subject: impl Into<String>, problems: Vec<String>) -> Result<(), ConfigError> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(ConfigError::Invalid { subject: subject.into(), problems })
}

/// The message for a name among `expected`, as the readers of files and settings give it.
pub(crate) fn unknown(what: &str, found: &str, expected: &[&str]) -> String {
    let hint = match crate::names::nearest(found, expected.iter().copied()) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => ".".into(),
    };
    format!("there is no {what} `{found}`{hint} Allowed: {}", list(expected))
}
