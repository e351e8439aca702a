#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod bootstrap;
mod metrics;
mod scores;

pub use bootstrap::{Bootstrap, Estimate, Interval, Summary};
pub use metrics::{
    average, average_score_profile, interquartile_mean, mean, median, optimality_gap, performance_profile,
    probability_of_improvement,
};
pub use scores::{Runs, Scores, ScoresError, Tasks};
