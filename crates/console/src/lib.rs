//! Signals, output and shell words, as every program of the workspace handles them.
//!
//! - [`signals`]: requests to stop or to save. One stop often arrives as several signals.
//! - [`output`]: lines for a reader who may have gone, and errors with their causes.
//! - [`words`]: arguments in a form that a shell reads as they were.
#![deny(missing_docs)]

pub mod output;
pub mod signals;
pub mod words;
