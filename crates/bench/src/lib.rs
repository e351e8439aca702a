//! Statistics (IQM, bootstrap intervals, probability of improvement), figures and verdicts, and the worker that trains a run.
//!
//! - [`statistics`]: aggregate scores from few runs, with their uncertainty;
//! - [`collect`]: the finished runs of an experiment, read from their directories;
//! - [`normalise`]: normalised scores, which can be averaged over games;
//! - [`report`]: table, verdict and files; [`plot`]: the figures;
//! - [`description`]: the layers of a network.
//!
//! Interquartile mean of three runs on two games, with its 95% interval:
//!
//! ```
//! use rand::SeedableRng;
//! use softmoe_bench::statistics::{Bootstrap, Runs, Scores, Tasks};
//!
//! let breakout = Runs(vec![0.8, 1.1, 0.9]);
//! let seaquest = Runs(vec![0.4, 0.7, 0.5]);
//! let scores = Scores::by_task(Tasks(vec![breakout, seaquest]))?;
//!
//! let mut generator = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(0);
//! let summary = Bootstrap::default().summary(&scores, &mut generator);
//! assert_eq!(format!("{:.2}", summary.interquartile_mean.point), "0.72");
//! println!("IQM {}", summary.interquartile_mean); // IQM 0.72 [0.62, 0.85]
//! # assert_eq!(summary.interquartile_mean.to_string(), "0.72 [0.62, 0.85]");
//! # Ok::<(), softmoe_bench::statistics::ScoresError>(())
//! ```
#![deny(missing_docs)]

pub mod collect;
pub mod description;
pub mod memory;
pub mod normalise;
pub mod plot;
pub mod report;
mod settings;
pub mod statistics;
pub mod text;
