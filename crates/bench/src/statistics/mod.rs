//! Aggregate scores and their uncertainty, as Agarwal et al. 2021 (arXiv 2108.13264) recommend
//! for few runs: interquartile mean, stratified bootstrap intervals, probability of improvement,
//! performance profiles.

mod bootstrap;
mod metrics;
mod scores;

pub use bootstrap::{Bootstrap, Estimate, Interval, Summary};
pub(crate) use metrics::average;
pub use metrics::{
    average_score_profile, interquartile_mean, mean, median, optimality_gap, performance_profile,
    probability_of_improvement,
};
pub use scores::{Runs, Scores, ScoresError, Tasks};
