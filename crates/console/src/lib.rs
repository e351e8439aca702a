//! Signals, output, shell words and memory, as every program of the workspace handles them.
//!
//! - [`memory`]: what a process can have.
//! - [`signals`]: requests to stop or to save. One stop often arrives as several signals.
//! - [`output`]: lines for a reader who may have gone, and errors with their causes.
//! - [`words`]: arguments in a form that a shell reads as they were.
#![deny(missing_docs)]

pub mod memory;
pub mod output;
pub mod signals;
pub mod words;
