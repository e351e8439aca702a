//! Runs training from a `run.ron` file and writes checkpoints, metrics and results to the run's directory.
//!
//! [`train`] steps a [`Training`](softmoe_agents::Training) to its end in a [`RunDirectory`](softmoe_config::RunDirectory),
//! with [checkpoints](checkpoint), [metrics](Metrics) and a [`Monitor`] that receives progress and can stop the run. A run that
//! was stopped or killed resumes from its newest checkpoint and ends with bit-identical weights and metrics.
//! [`Trained`] loads the network of a run to watch it or to score it again, and changes nothing.
#![deny(missing_docs)]

mod appended;
mod atomic;
pub mod checkpoint;
mod checksum;
mod clock;
mod environment;
mod error;
#[cfg(feature = "gym")]
mod gym;
pub mod lock;
mod metrics;
mod monitor;
mod random;
mod results;
mod session;
mod start;
mod tensorboard;
mod timing;
mod train;
mod trained;

pub use appended::{Appended, Written};
pub use atomic::remove_leftovers;
pub use environment::{make, make_rendered};
pub use error::RunError;
pub use metrics::{Metrics, Positions};
pub use monitor::{Monitor, Outcome, Progress};
pub use start::Options;
pub use train::train;
pub use trained::{Source, Trained};
