//! Signals, output, shell words and memory, as every program of the workspace handles them.
//!
//! - [`memory`]: what a process can have.
//! - [`signals`]: requests to stop or to save. One stop often arrives as several signals.
//! - [`output`]: lines for a reader who may have gone, and errors with their causes.
//! - `play` (feature `play`): the options of watching a run.
//! - [`words`]: arguments in a form that a shell reads as they were.
//!
//! ```
//! use softmoe_console::memory::Memory;
//! use softmoe_console::words::command_line;
//!
//! let Memory { total, available } = Memory::now();
//! assert!(available <= total);
//! assert_eq!(command_line(["softmoe-run", "my runs/run.ron"]), "softmoe-run 'my runs/run.ron'");
//! ```
#![deny(missing_docs)]

pub mod memory;
pub mod output;
#[cfg(feature = "play")]
pub mod play;
pub mod signals;
pub mod words;

/// The README's example, compiled and run with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
