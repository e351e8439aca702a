//! Stratified bootstrap: the uncertainty of an aggregate from a finite number of runs.
//!
//! A resample draws runs with replacement within each task, independently for each method, and computes every statistic on
//! the same draw; with [`Bootstrap::tasks`], it draws the tasks first. The interval lies between two percentiles of the
//! resampled values.

use crate::{Scores, ScoresError, metrics};
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use std::fmt;

/// Resamples that share one generator: the unit of parallel work, so that results do not depend on the
/// number of threads.
const CHUNK: usize = 250;

/// A confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl fmt::Display for Interval {
    /// `[0.69, 0.94]`; a precision applies to both ends.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = f.precision().unwrap_or(2);
        write!(f, "[{}, {}]", fixed(self.low, precision), fixed(self.high, precision))
    }
}

/// A point estimate and, if every task has at least two runs, its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The value on the scores themselves.
    pub point: f64,
    /// The bootstrap interval.
    pub interval: Option<Interval>,
}

impl fmt::Display for Estimate {
    /// `0.81 [0.69, 0.94]`, or `0.81` without an interval; a precision applies to every number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = f.precision().unwrap_or(2);
        f.write_str(&fixed(self.point, precision))?;
        match self.interval {
            Some(interval) => write!(f, " {interval:.precision$}"),
            None => Ok(()),
        }
    }
}

/// `value` with `precision` decimals, without a sign if it rounds to zero.
fn fixed(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$}");
    let rounds_to_zero = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    if rounds_to_zero { text.trim_start_matches('-').to_owned() } else { text }
}

/// The four aggregates of one method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Interquartile mean.
    pub interquartile_mean: Estimate,
    /// Mean.
    pub mean: Estimate,
    /// Median over tasks.
    pub median: Estimate,
    /// Optimality gap, lower is better.
    pub optimality_gap: Estimate,
}

/// Interquartile mean, mean, median and optimality gap.
fn aggregates(scores: &Scores) -> [f64; 4] {
    [
        metrics::interquartile_mean(scores),
        metrics::mean(scores),
        metrics::median(scores),
        metrics::optimality_gap(scores),
    ]
}

impl From<[Estimate; 4]> for Summary {
    /// In the order of the fields.
    fn from([interquartile_mean, mean, median, optimality_gap]: [Estimate; 4]) -> Self {
        Summary { interquartile_mean, mean, median, optimality_gap }
    }
}

/// Settings of the bootstrap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// Number of resamples.
    pub resamples: usize,
    /// Confidence level: the share of resampled values within the interval, in (0, 1).
    pub confidence: f64,
    /// Whether tasks are resampled too (rliable's `task_bootstrap`). The interval then speaks of a larger set of tasks, from which
    /// the given ones are a random sample, instead of these tasks alone. Methods of one statistic get the same tasks.
    pub tasks: bool,
}

impl Default for Bootstrap {
    /// 10,000 resamples of runs, 95%.
    fn default() -> Self {
        Bootstrap { resamples: 10_000, confidence: 0.95, tasks: false }
    }
}

impl Bootstrap {
    /// The aggregates of `scores`, with intervals from one joint resampling.
    pub fn summary(&self, scores: &Scores, generator: &mut impl Rng) -> Summary {
        let estimates = self.estimates([scores], |drawn| aggregates(&drawn[0]), generator);
        Summary::from(estimates)
    }

    /// The aggregates of the scores that `derive` makes from those of several methods.
    pub(crate) fn summary_of<'a>(
        &self,
        methods: impl IntoIterator<Item = &'a Scores>,
        derive: impl Fn(&[Scores]) -> Scores + Sync,
        generator: &mut impl Rng,
    ) -> Summary {
        let estimates = self.estimates(methods, |drawn| aggregates(&derive(drawn)), generator);
        Summary::from(estimates)
    }

    /// The probability that a run of `x` scores higher than one of `y`.
    ///
    /// # Errors
    ///
    /// `x` and `y` have different numbers of tasks.
    pub fn improvement(
        &self,
        x: &Scores,
        y: &Scores,
        generator: &mut impl Rng,
    ) -> Result<Estimate, ScoresError> {
        metrics::probability_of_improvement(x, y)?; // the same tasks
        let improvement = |pair: &[Scores]| [metrics::mean_win_rate(&pair[0], &pair[1])];
        let [estimate] = self.estimates([x, y], improvement, generator);
        Ok(estimate)
    }

    /// The share of runs whose score lies above each threshold ([`performance_profile`](crate::performance_profile)), with a
    /// band.
    ///
    /// # Shapes
    ///
    /// `thresholds [K] -> [K]`
    pub fn performance_profile(
        &self,
        scores: &Scores,
        thresholds: &[f64],
        generator: &mut impl Rng,
    ) -> Vec<Estimate> {
        let profile = |scores: &[Scores]| metrics::performance_profile(&scores[0], thresholds);
        self.estimate_all([scores], profile, generator)
    }

    /// The share of tasks whose mean score lies above each threshold
    /// ([`average_score_profile`](crate::average_score_profile)), with a band.
    ///
    /// # Shapes
    ///
    /// `thresholds [K] -> [K]`
    pub fn average_score_profile(
        &self,
        scores: &Scores,
        thresholds: &[f64],
        generator: &mut impl Rng,
    ) -> Vec<Estimate> {
        let profile = |scores: &[Scores]| metrics::average_score_profile(&scores[0], thresholds);
        self.estimate_all([scores], profile, generator)
    }

    /// Sample efficiency: the interquartile mean at each of several steps of training, with a band. A resample draws the
    /// same runs at every step where the steps have the same numbers of tasks and runs.
    ///
    /// # Shapes
    ///
    /// `steps [K] -> [K]`
    pub fn sample_efficiency(&self, steps: &[Scores], generator: &mut impl Rng) -> Vec<Estimate> {
        let seed: u64 = generator.random();
        let of_step = |scores| {
            let iqm = |scores: &[Scores]| [metrics::interquartile_mean(&scores[0])];
            let [estimate] = self.estimates([scores], iqm, &mut Xoshiro256PlusPlus::seed_from_u64(seed));
            estimate
        };
        steps.iter().map(of_step).collect()
    }

    /// Any statistics of any number of methods, with intervals from one joint resampling; without intervals if a task
    /// has a single run.
    ///
    /// # Shapes
    ///
    /// `methods [K]`, `statistics: [K] -> [N]`, result `[N]`
    pub fn estimates<'a, const N: usize>(
        &self,
        methods: impl IntoIterator<Item = &'a Scores>,
        statistics: impl Fn(&[Scores]) -> [f64; N] + Sync,
        generator: &mut impl Rng,
    ) -> [Estimate; N] {
        let all = self.estimate_all(methods, statistics, generator);
        std::array::from_fn(|n| all[n])
    }

    /// As [`estimates`](Self::estimates), for a number of statistics that is known at run time.
    fn estimate_all<'a, R: AsRef<[f64]> + Send>(
        &self,
        methods: impl IntoIterator<Item = &'a Scores>,
        statistics: impl Fn(&[Scores]) -> R + Sync,
        generator: &mut impl Rng,
    ) -> Vec<Estimate> {
        let methods: Vec<Scores> = methods.into_iter().cloned().collect();
        let points = statistics(&methods);
        let resampled = (methods.iter().all(|scores| scores.fewest_runs() > 1) && self.resamples > 0)
            .then(|| self.resample(&methods, &statistics, generator));
        let estimate = |(n, &point): (usize, &f64)| {
            let interval =
                resampled.as_ref().map(|rows| self.interval(rows.iter().map(|row| row.as_ref()[n])));
            Estimate { point, interval }
        };
        points.as_ref().iter().enumerate().map(estimate).collect()
    }

    /// The statistics of each resample, `[resamples][N]`.
    fn resample<R: Send>(
        &self,
        methods: &[Scores],
        statistics: &(impl Fn(&[Scores]) -> R + Sync),
        generator: &mut impl Rng,
    ) -> Vec<R> {
        let seeds: Vec<u64> = (0..self.resamples.div_ceil(CHUNK)).map(|_| generator.random()).collect();
        let most_tasks = methods.iter().map(|scores| scores.tasks().len()).max().unwrap_or(0);
        let chunk = |seed: u64| {
            let mut generator = Xoshiro256PlusPlus::seed_from_u64(seed);
            let mut drawn = methods.to_vec();
            let mut tasks: Vec<usize> = (0..most_tasks).collect();
            let rows = (0..CHUNK).map(move |_| {
                if self.tasks {
                    tasks.fill_with(|| generator.random_range(0..most_tasks));
                }
                for (drawn, from) in drawn.iter_mut().zip(methods) {
                    drawn.redraw(from, &tasks, |runs| runs[generator.random_range(0..runs.len())]);
                }
                statistics(&drawn)
            });
            rows.collect::<Vec<_>>()
        };
        let mut rows: Vec<R> = seeds.into_par_iter().flat_map_iter(chunk).collect();
        rows.truncate(self.resamples);
        rows
    }

    /// The central interval of `values`.
    fn interval(&self, values: impl Iterator<Item = f64>) -> Interval {
        let mut sorted: Vec<f64> = values.collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.confidence) / 2.0;
        Interval { low: quantile(&sorted, tail), high: quantile(&sorted, 1.0 - tail) }
    }
}

/// The `share` quantile of `sorted` values, linear between neighbours.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}
