#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod bootstrap;
mod contrast;
mod metrics;
mod normalised;
mod power;
mod scores;
mod streams;

pub use bootstrap::{Bootstrap, Estimate, Interval, Summary};
pub use contrast::{Contrast, Uncertainty, holm};
pub use metrics::{
    average, average_score_profile, interquartile_mean, mean, median, optimality_gap, performance_profile,
    probability_of_improvement,
};
pub use normalised::Normalised;
pub use power::power_in_words;
pub use scores::{Runs, Scores, ScoresError, Tasks};
pub use streams::Streams;
