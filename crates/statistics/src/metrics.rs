//! Point estimates.

use crate::{Scores, ScoresError};

/// Interquartile mean: the mean of the middle half of all scores, with runs and tasks pooled. `floor(n / 4)` of the `n`
/// scores are dropped at each end (Agarwal et al. 2021, section 4.3).
pub fn interquartile_mean(scores: &Scores) -> f64 {
    let mut pooled = scores.pooled();
    pooled.sort_unstable_by(f64::total_cmp);
    let dropped = pooled.len() / 4;
    average(&pooled[dropped..pooled.len() - dropped])
}

/// Mean over tasks of the mean over runs.
pub fn mean(scores: &Scores) -> f64 {
    average(&task_means(scores))
}

/// Median over tasks of the mean over runs.
pub fn median(scores: &Scores) -> f64 {
    let mut means = task_means(scores);
    means.sort_unstable_by(f64::total_cmp);
    let middle = means.len() / 2;
    if means.len() % 2 == 1 { means[middle] } else { (means[middle - 1] + means[middle]) / 2.0 }
}

/// Optimality gap: 1 - mean over tasks and runs of min(score, 1). Lower is better.
pub fn optimality_gap(scores: &Scores) -> f64 {
    let capped = |runs: &[f64]| runs.iter().map(|score| score.min(1.0)).sum::<f64>() / runs.len() as f64;
    1.0 - average(&scores.tasks().map(capped).collect::<Vec<_>>())
}

/// Run-score distribution: the share of runs whose score lies strictly above each threshold, averaged over tasks
/// (Agarwal et al. 2021, section 4.2).
///
/// # Shapes
///
/// `thresholds [K] -> [K]`
pub fn performance_profile(scores: &Scores, thresholds: &[f64]) -> Vec<f64> {
    let share = |threshold: f64| {
        let of_task =
            |runs: &[f64]| runs.iter().filter(|score| **score > threshold).count() as f64 / runs.len() as f64;
        average(&scores.tasks().map(of_task).collect::<Vec<_>>())
    };
    thresholds.iter().map(|&threshold| share(threshold)).collect()
}

/// Share of tasks whose mean score lies strictly above each threshold.
///
/// # Shapes
///
/// `thresholds [K] -> [K]`
pub fn average_score_profile(scores: &Scores, thresholds: &[f64]) -> Vec<f64> {
    let means = task_means(scores);
    let share =
        |threshold: f64| means.iter().filter(|mean| **mean > threshold).count() as f64 / means.len() as f64;
    thresholds.iter().map(|&threshold| share(threshold)).collect()
}

/// Probability that a run of `x` scores higher than a run of `y` on the same task, averaged over tasks; ties
/// count one half (the Mann-Whitney statistic over the number of pairs).
///
/// # Errors
///
/// `x` and `y` have different numbers of tasks.
pub fn probability_of_improvement(x: &Scores, y: &Scores) -> Result<f64, ScoresError> {
    let (left, right) = (x.tasks().len(), y.tasks().len());
    if left != right {
        return Err(ScoresError::DifferentTasks { left, right });
    }
    Ok(mean_win_rate(x, y))
}

/// The win rate of `x` over `y`, averaged over tasks; both list the tasks in the same order.
pub(crate) fn mean_win_rate(x: &Scores, y: &Scores) -> f64 {
    average(&x.tasks().zip(y.tasks()).map(|(x, y)| win_rate(x, y)).collect::<Vec<_>>())
}

/// Share of the pairs (a of `x`, b of `y`) with a > b; ties count one half.
fn win_rate(x: &[f64], y: &[f64]) -> f64 {
    let points = |x: f64, y: f64| if x == y { 0.5 } else { f64::from(u8::from(x > y)) };
    let total: f64 = x.iter().flat_map(|&x| y.iter().map(move |&y| points(x, y))).sum();
    total / (x.len() * y.len()) as f64
}

fn task_means(scores: &Scores) -> Vec<f64> {
    scores.tasks().map(average).collect()
}

/// The mean of `values`, or NaN without values.
pub fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
