//! Lines for a reader who may have gone: `softmoe-run describe run.ron | head -3`.
//!
//! `println!` and `eprintln!` panic where a line cannot be written: into a closed pipe, on a full disk. Output that nobody reads is no
//! reason to stop a run.

use std::fmt::Arguments;
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
