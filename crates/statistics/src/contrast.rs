//! Comparisons whose error rates hold with few runs: t intervals of weighted sums of means.
//!
//! A percentile bootstrap of three runs is too narrow: two equal methods differ "significantly" in 10% of comparisons
//! instead of 5%. A [`Contrast`] uses the t distribution instead, with the degrees of freedom that the samples have.

use crate::{Estimate, Interval, Scores, ScoresError};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The uncertainty of a weighted sum of means of independent samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uncertainty {
    /// Standard error of the sum.
    pub standard_error: f64,
    /// Degrees of freedom of the standard error; infinite if it is known exactly.
    pub degrees_of_freedom: f64,
}

impl Uncertainty {
    /// The uncertainty of `sum_k weight_k mean(runs_k)`; `None` if a sample whose weight is not 0 has fewer than two runs.
    ///
    /// Samples may have different variances. With `v_k = weight_k^2 s_k^2 / n_k`, the squared standard error is
    /// `V = sum_k v_k`, and the degrees of freedom are Welch's (1947), `V^2 / sum_k (v_k^2 / (n_k + 1)) - 2`. The simpler
    /// formula of Satterthwaite, `V^2 / sum_k (v_k^2 / (n_k - 1))`, rejects too rarely where each sample has three runs.
    pub fn of<'a>(samples: impl IntoIterator<Item = (f64, &'a [f64])>) -> Option<Self> {
        let (mut total, mut squares) = (0.0, 0.0);
        for (weight, runs) in samples.into_iter().filter(|(weight, _)| *weight != 0.0) {
            let n = runs.len() as f64;
            let part = weight * weight * variance(runs)? / n;
            total += part;
            squares += part * part / (n + 1.0);
        }
        let degrees_of_freedom = if total > 0.0 { total * total / squares - 2.0 } else { f64::INFINITY };
        Some(Uncertainty { standard_error: total.sqrt(), degrees_of_freedom })
    }

    /// The uncertainty to expect of a sum of means with these `weights`, each a mean over `tasks` tasks of `runs` runs whose
    /// standard deviation on a task is `spread`; `None` with fewer than two runs.
    pub fn planned(weights: &[f64], tasks: usize, runs: usize, spread: f64) -> Option<Self> {
        let samples = (tasks * runs) as f64;
        let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
        let fourths: f64 = weights.iter().map(|weight| weight.powi(4)).sum();
        (runs > 1 && tasks > 0 && squares > 0.0).then(|| Uncertainty {
            standard_error: spread * (squares / samples).sqrt(),
            degrees_of_freedom: squares * squares / fourths * (samples - tasks as f64),
        })
    }

    /// Half the width of the two-sided interval at the level `confidence`.
    pub fn half_width(&self, confidence: f64) -> f64 {
        match self.distribution() {
            Some(t) => t.inverse_cdf(0.5 + confidence / 2.0) * self.standard_error,
            None => 0.0,
        }
    }

    /// Probability that an estimate of 0 comes out at `distance` or lower.
    fn below(&self, distance: f64) -> f64 {
        match self.distribution() {
            Some(t) => t.cdf(distance / self.standard_error),
            None => f64::from(u8::from(distance >= 0.0)),
        }
    }

    /// Student's t distribution; `None` without any spread.
    fn distribution(&self) -> Option<StudentsT> {
        let is_exact = self.standard_error == 0.0;
        StudentsT::new(0.0, 1.0, self.degrees_of_freedom).ok().filter(|_| !is_exact)
    }
}

/// A difference of methods, or any other weighted sum of means, and its uncertainty.
///
/// ```
/// use softmoe_statistics::{Contrast, Runs, Scores, ScoresError, Tasks};
///
/// let scores = |a, b| Scores::by_task(Tasks(vec![Runs(a), Runs(b)]));
/// let soft = scores(vec![1.2, 1.3, 1.1], vec![0.9, 1.2, 1.2])?;
/// let flat = scores(vec![0.9, 1.1, 1.0], vec![0.8, 1.0, 0.9])?;
/// let difference = Contrast::of([(1.0, &soft), (-1.0, &flat)])?;
/// assert_eq!(difference.estimate(0.95).to_string(), "0.20 [0.04, 0.36]");
/// # Ok::<(), ScoresError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    /// The estimate.
    pub value: f64,
    /// Its uncertainty; `None` if a task has a single run.
    pub uncertainty: Option<Uncertainty>,
}

impl Contrast {
    /// `sum_k weight_k mean(scores_k)`, with means over runs and then over tasks. Weights 1 and -1 are a difference. A method
    /// that occurs in two differences must be given once, with the sum of its weights.
    ///
    /// # Errors
    ///
    /// The methods have different numbers of tasks.
    pub fn of<'a>(terms: impl IntoIterator<Item = (f64, &'a Scores)>) -> Result<Self, ScoresError> {
        let mut value = 0.0;
        let mut samples = Vec::new();
        let mut tasks = None;
        for (weight, scores) in terms {
            let (left, right) = (*tasks.get_or_insert(scores.tasks().len()), scores.tasks().len());
            if left != right {
                return Err(ScoresError::DifferentTasks { left, right });
            }
            let weight = weight / right as f64;
            for runs in scores.tasks() {
                value += weight * crate::average(runs);
                samples.push((weight, runs));
            }
        }
        Ok(Contrast { value, uncertainty: Uncertainty::of(samples) })
    }

    /// `sum_k weight_k interquartile mean(scores_k)`, with runs and tasks pooled as in
    /// [`interquartile_mean`](crate::interquartile_mean). For scores whose tasks differ by orders of magnitude: a mean over such tasks
    /// is the score of a few of them. A method that occurs in two terms must be given once, with the sum of its weights.
    ///
    /// The standard error is that of a trimmed mean (Tukey and McLaughlin 1963; Yuen 1974): of the mean of the scores with the lowest
    /// and the highest quarter moved to the ends of the middle half, divided by the share of the middle half. Tasks are samples of
    /// their own, so that only the spread of a task's runs counts, not that between tasks.
    ///
    /// # Errors
    ///
    /// The methods have different numbers of tasks.
    pub fn of_interquartile_means<'a>(
        terms: impl IntoIterator<Item = (f64, &'a Scores)>,
    ) -> Result<Self, ScoresError> {
        let mut value = 0.0;
        let mut samples: Vec<(f64, Vec<f64>)> = Vec::new();
        let mut tasks = None;
        for (weight, scores) in terms {
            let (left, right) = (*tasks.get_or_insert(scores.tasks().len()), scores.tasks().len());
            if left != right {
                return Err(ScoresError::DifferentTasks { left, right });
            }
            value += weight * crate::interquartile_mean(scores);
            let mut pooled = scores.pooled();
            pooled.sort_unstable_by(f64::total_cmp);
            let dropped = pooled.len() / 4;
            let (low, high) = (pooled[dropped], pooled[pooled.len() - 1 - dropped]);
            let (all, middle) = (pooled.len() as f64, (pooled.len() - 2 * dropped) as f64);
            // Yuen's degrees of freedom of the variance: those of the middle half. A single score has no variance at all.
            let yuen = ((all - 1.0) * middle / (all * (middle - 1.0).max(1.0))).sqrt();
            samples.extend(scores.tasks().map(|runs| {
                let moved = runs.iter().map(|run| run.clamp(low, high)).collect();
                (weight * yuen * runs.len() as f64 / middle, moved)
            }));
        }
        let samples = samples.iter().map(|(weight, runs)| (*weight, runs.as_slice()));
        Ok(Contrast { value, uncertainty: Uncertainty::of(samples) })
    }

    /// The value with its two-sided t interval at the level `confidence`.
    pub fn estimate(&self, confidence: f64) -> Estimate {
        let interval = self.uncertainty.map(|uncertainty| {
            let half = uncertainty.half_width(confidence);
            Interval { low: self.value - half, high: self.value + half }
        });
        Estimate { point: self.value, interval }
    }

    /// Whether the interval at the level `confidence` lies strictly within `range`, whose ends may be infinite. With two finite
    /// ends and a level of 90%, these are two one-sided tests at 5% (TOST, Schuirmann 1987).
    pub fn lies_within(&self, range: (f64, f64), confidence: f64) -> bool {
        let interval = self.estimate(confidence).interval;
        interval.is_some_and(|interval| range.0 < interval.low && interval.high < range.1)
    }

    /// Two-sided p-value of the hypothesis that the true value lies within `range`, whose ends may be infinite: small
    /// where the estimate lies far outside. It is at most 0.05 where the 95% interval lies outside; `None` without uncertainty.
    pub fn p_within(&self, range: (f64, f64)) -> Option<f64> {
        let uncertainty = self.uncertainty?;
        let one_sided =
            [self.value - range.0, range.1 - self.value].map(|distance| uncertainty.below(distance));
        Some((2.0 * one_sided[0].min(one_sided[1])).min(1.0))
    }
}

/// The p-values of a family of hypotheses, adjusted by Holm (1979): rejecting those of at most 0.05 rejects any
/// true hypothesis with a probability of at most 5%.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, &index) in order.iter().enumerate() {
        largest = largest.max(p_values[index] * (p_values.len() - rank) as f64).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

/// Unbiased variance of `runs`; `None` with fewer than two.
fn variance(runs: &[f64]) -> Option<f64> {
    let mean = crate::average(runs);
    let squares: f64 = runs.iter().map(|run| (run - mean).powi(2)).sum();
    (runs.len() > 1).then(|| squares / (runs.len() - 1) as f64)
}
