//! Scores on a scale that is itself estimated: 0 is one method's mean on each task, 1 another's.
//!
//! A scale from a few runs is as uncertain as any mean. Intervals here contain that uncertainty: a bootstrap resamples the
//! runs of the scale as well, and a contrast counts them as samples of its own (the delta method).

use crate::{Bootstrap, Contrast, Scores, ScoresError, Summary, Uncertainty, average};
use rand::Rng;

/// One method of a list and its scale: the positions of the method, and of those whose means are 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Normalised {
    /// The method.
    pub method: usize,
    /// The method whose mean score on each task is 0, e.g. a random policy.
    pub zero: usize,
    /// The method whose mean score on each task is 1, e.g. a baseline.
    pub one: usize,
}

impl Normalised {
    /// The normalised scores, `(score - zero) / (one - zero)` on each task.
    ///
    /// # Errors
    ///
    /// The methods have different numbers of tasks, or on some task the mean that should be 1 is not above the mean that
    /// should be 0.
    ///
    /// # Panics
    ///
    /// If a position is not in the list.
    pub fn scores(&self, methods: &[Scores]) -> Result<Scores, ScoresError> {
        let [method, zero, one] = [self.method, self.zero, self.one].map(|position| &methods[position]);
        for other in [zero, one] {
            let (left, right) = (method.tasks().len(), other.tasks().len());
            if left != right {
                return Err(ScoresError::DifferentTasks { left, right });
            }
        }
        let scales: Vec<(f64, f64)> =
            zero.tasks().zip(one.tasks()).map(|(zero, one)| (average(zero), average(one))).collect();
        if let Some(task) = scales.iter().position(|(zero, one)| !is_above(*zero, *one)) {
            return Err(ScoresError::NoScale { task });
        }
        method.map(|task, score| (score - scales[task].0) / (scales[task].1 - scales[task].0))
    }
}

/// Whether `one` exceeds `zero` by more than rounding.
fn is_above(zero: f64, one: f64) -> bool {
    one - zero > 1e-9 * zero.abs().max(one.abs()).max(1.0)
}

impl Contrast {
    /// `sum_k weight_k mean(normalised scores_k)`, with the uncertainty of the scales. A method may occur in several terms and
    /// be part of a scale as well: the difference of a method and the one that is its 1 is uncertain through both, and the
    /// score of that one itself is exactly 1.
    ///
    /// # Errors
    ///
    /// As [`Normalised::scores`].
    pub fn of_normalised(methods: &[Scores], terms: &[(f64, Normalised)]) -> Result<Self, ScoresError> {
        let mut value = 0.0;
        let mut steepest: f64 = 0.0;
        // The derivative of the value by the mean of each method on each task.
        let mut derivatives: Vec<Vec<f64>> =
            methods.iter().map(|scores| vec![0.0; scores.tasks().len()]).collect();
        for &(weight, term) in terms {
            let normalised = term.scores(methods)?;
            let share = weight / normalised.tasks().len() as f64;
            let scale = methods[term.zero].tasks().zip(methods[term.one].tasks());
            for (task, (runs, (zero, one))) in normalised.tasks().zip(scale).enumerate() {
                let mean = average(runs);
                value += share * mean;
                let slope = share / (average(one) - average(zero));
                steepest = steepest.max(slope.abs());
                derivatives[term.method][task] += slope;
                derivatives[term.one][task] -= slope * mean;
                derivatives[term.zero][task] -= slope * (1.0 - mean);
            }
        }
        // What cancels but for rounding has no weight.
        let samples = derivatives.iter().zip(methods).flat_map(|(slopes, scores)| {
            let slopes = slopes.iter().map(|slope| if slope.abs() > 1e-12 * steepest { *slope } else { 0.0 });
            slopes.zip(scores.tasks())
        });
        Ok(Contrast { value, uncertainty: Uncertainty::of(samples) })
    }
}

impl Bootstrap {
    /// The aggregates of normalised scores. Each resample draws the runs of the scale too. Where they would leave a task without
    /// a scale, the resample has the scale of the scores themselves.
    ///
    /// # Errors
    ///
    /// As [`Normalised::scores`].
    pub fn normalised_summary(
        &self,
        methods: &[Scores],
        of: Normalised,
        generator: &mut impl Rng,
    ) -> Result<Summary, ScoresError> {
        of.scores(methods)?;
        // Only what is needed is resampled, each method once.
        let mut positions = vec![of.method, of.zero, of.one];
        positions.sort_unstable();
        positions.dedup();
        let at = |position: usize| positions.iter().position(|&known| known == position).unwrap_or_default();
        let local = Normalised { method: at(of.method), zero: at(of.zero), one: at(of.one) };
        let used: Vec<&Scores> = positions.iter().map(|&position| &methods[position]).collect();
        let fallback: Vec<Scores> = used.iter().map(|&scores| scores.clone()).collect();
        let normalised = |drawn: &[Scores]| {
            local.scores(drawn).or_else(|_| {
                let mut partly = fallback.clone();
                partly[local.method] = drawn[local.method].clone();
                local.scores(&partly)
            })
        };
        Ok(self.summary_of(
            used,
            |drawn| normalised(drawn).unwrap_or_else(|_| fallback[local.method].clone()),
            generator,
        ))
    }
}
