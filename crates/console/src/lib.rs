//! Signals, output, shell words and memory, as every program of the workspace handles them.
//!
//! - [`memory`]: what a process can have.
//! - [`signals`]: requests to stop or to save. One stop often arrives as several signals.
//! - [`output`]: lines for a reader who may have gone, and errors with their causes.
//! - `play` (feature `play`): the options of watching a run.
//! - [`words`]: arguments in a form that a shell reads as they were.
#![deny(missing_docs)]

pub mod memory;
pub mod output;
#[cfg(feature = "play")]
pub mod play;
pub mod signals;
pub mod words;
