//! Figures and verdicts from the scores of finished runs, and the worker that trains a run.
//!
//! - [`statistics`]: aggregate scores from few runs, with their uncertainty (the crate `softmoe-statistics`);
//! - [`collect`]: the finished runs of an experiment, read from their directories;
//! - [`provenance`]: whether they are of one build;
//! - [`normalise`]: normalised scores, which can be averaged over games;
//! - [`report`]: table, verdict and files; [`plot`]: the figures;
//! - [`page`]: all of it as one HTML page;
//! - [`description`]: the layers of a network; `fingerprint` (feature `minatar`): the numbers of this build;
//! - [`film`]: a playing agent as GIF, video, contact sheet and in a terminal.
//!
//! ```
//! use softmoe::description::Description;
//! use softmoe_config::Architecture;
//!
//! let architecture: Architecture = "(network: (encoder: minatar, body: flat(), hidden: 128), \
//!     head: categorical(atoms: 51, dueling: true, noisy: true), observation: (10, 10, 4), actions: 6)".parse()?;
//! println!("{}", Description::of(&architecture)?.table(100));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(missing_docs)]

pub mod collect;
pub mod description;
#[cfg(test)]
mod error_chains;
pub mod film;
#[cfg(feature = "minatar")]
pub mod fingerprint;
pub mod memory;
pub mod normalise;
pub mod page;
pub mod plot;
pub mod provenance;
pub mod report;
mod settings;
pub mod text;
mod times;

pub use softmoe_statistics as statistics;

/// The README's example, compiled and run with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
