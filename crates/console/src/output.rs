//! Lines for a reader who may have gone: `softmoe-run describe run.ron | head -3`.
//!
//! `println!` and `eprintln!` panic where a line cannot be written: into a closed pipe, on a full disk. Output that nobody reads is no
//! reason to stop a run.

use std::error::Error;
use std::fmt::{Arguments, Write as _};
use std::io::{self, Write};

/// Prints a line on standard output, if it can be written.
pub fn line(text: Arguments<'_>) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

/// Prints a line on standard error, if it can be written.
pub fn error_line(text: Arguments<'_>) {
    let _ = write_error_line(text);
}

/// Prints a line on standard error.
///
/// # Errors
///
/// The system's, where the line must find another way to its reader.
pub fn write_error_line(text: Arguments<'_>) -> io::Result<()> {
    // In one piece, so that the lines of several processes do not mix.
    io::stderr().lock().write_all(format!("{text}\n").as_bytes())
}

/// The message of an error with its causes. A cause that the message quotes already is not repeated.
///
/// ```
/// use std::error::Error;
/// use softmoe_console::output::message;
///
/// let missing = std::io::Error::other("no such file");
/// assert_eq!(message(&missing), "no such file");
///
/// #[derive(Debug)]
/// struct Quoting(std::io::Error);
/// impl std::fmt::Display for Quoting {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         write!(f, "cannot read run.ron: {}", self.0)
///     }
/// }
/// impl Error for Quoting {
///     fn source(&self) -> Option<&(dyn Error + 'static)> {
///         Some(&self.0)
///     }
/// }
/// assert_eq!(message(&Quoting(missing)), "cannot read run.ron: no such file");
/// ```
pub fn message(error: &(dyn Error + 'static)) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            let _ = write!(message, ": {text}");
        }
        cause = error.source();
    }
    message
}
