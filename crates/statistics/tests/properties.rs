//! What holds of the statistics for any scores.

use proptest::prelude::*;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_statistics::{
    Bootstrap, Runs, Scores, ScoresError, Tasks, interquartile_mean, mean, median, optimality_gap,
    performance_profile, probability_of_improvement,
};

fn generator(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

fn scores(by_task: &[Vec<f64>]) -> Scores {
    Scores::by_task(Tasks(by_task.iter().cloned().map(Runs).collect())).expect("tasks with finite scores")
}

/// Between one and six tasks of between two and six runs each.
fn ragged() -> impl Strategy<Value = Vec<Vec<f64>>> {
    prop::collection::vec(prop::collection::vec(-5.0..5.0, 2..6), 1..6)
}

const FEW: Bootstrap = Bootstrap { resamples: 300, confidence: 0.95, tasks: false };

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn aggregates_lie_within_the_scores(rows in ragged()) {
        let scores = scores(&rows);
        let pooled = scores.pooled();
        let low = pooled.iter().copied().fold(f64::INFINITY, f64::min) - 1e-12;
        let high = pooled.iter().copied().fold(f64::NEG_INFINITY, f64::max) + 1e-12;
        for value in [interquartile_mean(&scores), mean(&scores), median(&scores)] {
            prop_assert!((low..=high).contains(&value));
        }
        prop_assert!(optimality_gap(&scores) >= (1.0 - high).max(0.0) - 1e-12);
    }

    #[test]
    fn the_interquartile_mean_shrugs_off_one_wild_score(rows in ragged(), wild in 10.0..1e9) {
        prop_assume!(rows.concat().len() >= 4);
        let mut changed = rows.clone();
        changed[0][0] = wild;
        // What is left after a quarter is dropped at each end contains no score beyond the honest ones.
        prop_assert!(interquartile_mean(&scores(&changed)) <= 5.0);
    }

    #[test]
    fn order_of_runs_and_of_tasks_does_not_matter(rows in ragged()) {
        let mut turned = rows.clone();
        turned.reverse();
        turned.iter_mut().for_each(|runs| runs.reverse());
        let (scores, turned) = (scores(&rows), scores(&turned));
        for aggregate in [interquartile_mean, mean, median, optimality_gap] {
            prop_assert!((aggregate(&scores) - aggregate(&turned)).abs() < 1e-9);
        }
    }

    #[test]
    fn aggregates_follow_shift_and_scale(rows in ragged(), shift in -3.0..3.0, factor in 0.1..3.0_f64) {
        let changed: Vec<Vec<f64>> =
            rows.iter().map(|runs| runs.iter().map(|score| factor * score + shift).collect()).collect();
        let (scores, changed) = (scores(&rows), scores(&changed));
        for aggregate in [interquartile_mean, mean, median] {
            let expected: f64 = factor * aggregate(&scores) + shift;
            prop_assert!((expected - aggregate(&changed)).abs() < 1e-9);
        }
    }

    #[test]
    fn an_interval_is_ordered_and_reaches_no_further_than_the_scores(rows in ragged(), seed: u64) {
        let scores = scores(&rows);
        let pooled = scores.pooled();
        let interval = FEW.summary(&scores, &mut generator(seed)).interquartile_mean.interval.expect("two runs");
        prop_assert!(interval.low <= interval.high);
        prop_assert!(interval.low >= pooled.iter().copied().fold(f64::INFINITY, f64::min) - 1e-12);
        prop_assert!(interval.high <= pooled.iter().copied().fold(f64::NEG_INFINITY, f64::max) + 1e-12);
    }

    #[test]
    fn the_mean_lies_in_its_interval(rows in prop::collection::vec(prop::collection::vec(-5.0..5.0, 5), 4..6)) {
        let estimate = FEW.summary(&scores(&rows), &mut generator(1)).mean;
        let interval = estimate.interval.expect("five runs");
        prop_assert!(interval.low <= estimate.point && estimate.point <= interval.high);
    }

    #[test]
    fn improvement_of_each_over_the_other_sums_to_one(rows in ragged()) {
        let other: Vec<Vec<f64>> = rows.iter().map(|runs| runs.iter().map(|s| s.round()).collect()).collect();
        let (x, y) = (scores(&rows), scores(&other));
        let forth = probability_of_improvement(&x, &y).expect("same tasks");
        let back = probability_of_improvement(&y, &x).expect("same tasks");
        prop_assert!((forth + back - 1.0).abs() < 1e-12);
        prop_assert_eq!(probability_of_improvement(&x, &x).expect("same tasks"), 0.5);
    }

    #[test]
    fn a_profile_falls_from_one_to_zero(rows in ragged()) {
        let thresholds: Vec<f64> = (-12..=12).map(|k| f64::from(k) / 2.0).collect();
        let profile = performance_profile(&scores(&rows), &thresholds);
        prop_assert_eq!((profile[0], profile[24]), (1.0, 0.0));
        prop_assert!(profile.windows(2).all(|pair| pair[0] >= pair[1]));
    }
}

#[test]
fn intervals_do_not_depend_on_the_number_of_threads() {
    let rows: Vec<Vec<f64>> =
        (0..4).map(|t| (0..5).map(|r| f64::from(t * 7 + r * r) % 5.0).collect()).collect();
    let scores = scores(&rows);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            Bootstrap { resamples: 1234, confidence: 0.9, tasks: false }.summary(&scores, &mut generator(7))
        })
    };
    assert_eq!(with(1), with(2));
    assert_eq!(with(1), with(5));
}

#[test]
fn the_interval_of_two_runs_of_one_task_is_their_range() {
    // Resampled means are 0, 1/2 and 1 with probabilities 1/4, 1/2, 1/4.
    let estimate = Bootstrap::default().summary(&scores(&[vec![0.0, 1.0]]), &mut generator(0)).mean;
    let interval = estimate.interval.expect("two runs");
    assert_eq!((estimate.point, interval.low, interval.high), (0.5, 0.0, 1.0));
}

#[test]
fn the_interval_of_many_runs_is_the_normal_one() {
    // Mean of 400 values of variance 1/12: the 95% interval is +-1.96 sqrt(1 / 12 / 400).
    let runs: Vec<f64> = (0..400).map(|k| (f64::from(k) + 0.5) / 400.0).collect();
    let interval = Bootstrap { resamples: 40_000, confidence: 0.95, tasks: false }
        .summary(&scores(&[runs]), &mut generator(0))
        .mean
        .interval
        .expect("400 runs");
    let half = 1.96 * (1.0_f64 / 12.0 / 400.0).sqrt();
    assert!((interval.low - (0.5 - half)).abs() < 0.02 * half, "{interval:.4}");
    assert!((interval.high - (0.5 + half)).abs() < 0.02 * half, "{interval:.4}");
}

#[test]
fn a_task_with_one_run_has_no_interval() {
    let summary = Bootstrap::default().summary(&scores(&[vec![0.1, 0.3], vec![0.3]]), &mut generator(0));
    assert_eq!(summary.interquartile_mean.interval, None);
    assert_eq!(format!("{}", summary.mean), "0.25");
}

#[test]
fn bad_scores_say_what_is_wrong() {
    let by_task = |rows: Vec<Vec<f64>>| Scores::by_task(Tasks(rows.into_iter().map(Runs).collect()));
    let by_run = |rows: Vec<Vec<f64>>| Scores::by_run(Runs(rows.into_iter().map(Tasks).collect()));
    assert_eq!(by_task(vec![]), Err(ScoresError::NoTasks));
    assert_eq!(by_task(vec![vec![1.0], vec![]]), Err(ScoresError::NoRuns { task: 1 }));
    assert_eq!(by_task(vec![vec![1.0, f64::NAN]]), Err(ScoresError::NotFinite { task: 0, run: 1 }));
    let ragged = ScoresError::Ragged { run: 1, expected: 2, found: 1 };
    assert_eq!(by_run(vec![vec![1.0, 2.0], vec![3.0]]), Err(ragged));
    let (one, two) = (scores(&[vec![1.0]]), scores(&[vec![1.0], vec![2.0]]));
    assert_eq!(
        probability_of_improvement(&one, &two),
        Err(ScoresError::DifferentTasks { left: 1, right: 2 })
    );
}

#[test]
fn by_run_and_by_task_are_transposes() {
    let by_run =
        Scores::by_run(Runs(vec![Tasks(vec![1.0, 2.0]), Tasks(vec![3.0, 4.0])])).expect("rectangular");
    assert_eq!(by_run, scores(&[vec![1.0, 3.0], vec![2.0, 4.0]]));
}
