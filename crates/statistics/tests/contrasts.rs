//! Comparisons of means against scipy 1.17.1 (`comparisons.json`), and what holds of them for any scores.

mod fixture;

use proptest::prelude::*;
use serde::Deserialize;
use softmoe_statistics::{
    Bootstrap, Contrast, Normalised, Runs, Scores, ScoresError, Streams, Tasks, Uncertainty, holm,
};

#[derive(Deserialize)]
struct File {
    student: Vec<Student>,
    welch: Vec<Welch>,
    power: Vec<Power>,
}

#[derive(Deserialize)]
struct Student {
    x: Vec<f64>,
    at: f64,
    p: f64,
    interval: [f64; 2],
}

#[derive(Deserialize)]
struct Welch {
    x: Vec<f64>,
    y: Vec<f64>,
    degrees_of_freedom: f64,
    p: f64,
    half_widths: [f64; 2],
}

#[derive(Deserialize)]
struct Power {
    degrees_of_freedom: f64,
    shift: f64,
    power: f64,
}

fn scores(by_task: &[Vec<f64>]) -> Scores {
    Scores::by_task(Tasks(by_task.iter().cloned().map(Runs).collect())).expect("tasks with finite scores")
}

fn assert_close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found}, not {expected}");
}

#[test]
fn parity_of_students_test() {
    for case in fixture::read::<File>("comparisons.json").student {
        let contrast = Contrast::of([(1.0, &scores(&[case.x]))]).expect("one task");
        let interval = contrast.estimate(0.95).interval.expect("several runs");
        assert_close(interval.low, case.interval[0], 1e-9);
        assert_close(interval.high, case.interval[1], 1e-9);
        // The nearer end is the one that decides: a range of a single point.
        assert_close(contrast.p_within((case.at, case.at)).expect("several runs"), case.p, 1e-9);
    }
}

#[test]
fn parity_of_welchs_test() {
    for case in fixture::read::<File>("comparisons.json").welch {
        let contrast =
            Contrast::of([(1.0, &scores(&[case.x])), (-1.0, &scores(&[case.y]))]).expect("one task");
        let uncertainty = contrast.uncertainty.expect("several runs");
        assert_close(uncertainty.degrees_of_freedom, case.degrees_of_freedom, 1e-9);
        assert_close(uncertainty.half_width(0.9), case.half_widths[0], 1e-9);
        assert_close(uncertainty.half_width(0.95), case.half_widths[1], 1e-9);
        assert_close(contrast.p_within((0.0, 0.0)).expect("several runs"), case.p, 1e-9);
    }
}

#[test]
fn parity_of_power_with_the_noncentral_distribution() {
    for case in fixture::read::<File>("comparisons.json").power {
        let uncertainty = Uncertainty { standard_error: 0.1, degrees_of_freedom: case.degrees_of_freedom };
        let power = uncertainty.power((0.0, f64::INFINITY), 0.1 * case.shift, 0.95);
        assert_close(power, case.power, 1e-3);
    }
}

#[test]
fn the_planned_uncertainty_is_that_of_runs_with_that_spread() {
    // Two runs at a distance of d have the standard deviation d / sqrt(2).
    let (spread, runs) = (0.15, [1.0, 1.0 + 0.15 * 2_f64.sqrt()]);
    let arm = scores(&[runs.to_vec(), runs.to_vec()]);
    let found = Contrast::of([(1.0, &arm), (-1.0, &arm)]).expect("tasks").uncertainty.expect("two runs");
    let planned = Uncertainty::planned(&[1.0, -1.0], 2, 2, spread).expect("two runs");
    assert_close(found.standard_error, planned.standard_error, 1e-12);
    assert_eq!(planned.degrees_of_freedom, 4.0);
    assert_eq!(Uncertainty::planned(&[1.0, -1.0], 2, 1, spread), None);
}

#[test]
fn holms_correction() {
    // By hand: 3 x 0.01, 2 x 0.02, 0.03 (at least 0.04).
    assert_eq!(holm(&[0.02, 0.01, 0.03]), [0.04, 0.03, 0.04]);
    assert_eq!(holm(&[0.6, 0.7]), [1.0, 1.0]);
    assert_eq!(holm(&[]), [] as [f64; 0]);
}

#[test]
fn runs_without_spread_are_certain_and_single_runs_unknown() {
    let [high, low] = [2.0, 1.0].map(|score| scores(&[vec![score; 3]]));
    let certain = Contrast::of([(1.0, &high), (-1.0, &low)]).expect("one task");
    assert_eq!(certain.estimate(0.95).to_string(), "1.00 [1.00, 1.00]");
    assert!(certain.lies_within((0.0, f64::INFINITY), 0.95));
    assert_eq!(certain.p_within((f64::NEG_INFINITY, 0.0)), Some(0.0));
    let single = Contrast::of([(1.0, &high), (-1.0, &scores(&[vec![1.0]]))]).expect("one task");
    assert_eq!((single.uncertainty, single.p_within((0.0, 1.0))), (None, None));
    assert!(!single.lies_within((0.0, f64::INFINITY), 0.95));
    let other = scores(&[vec![1.0, 2.0], vec![1.0, 2.0]]);
    let error = ScoresError::DifferentTasks { left: 1, right: 2 };
    assert_eq!(Contrast::of([(1.0, &high), (-1.0, &other)]), Err(error));
}

const ONE: Normalised = Normalised { method: 1, zero: 0, one: 1 };
const ARM: Normalised = Normalised { method: 2, zero: 0, one: 1 };

fn random_reference_arm() -> Vec<Scores> {
    vec![
        scores(&[vec![0.4, 0.5, 0.6], vec![3.0, 3.2, 3.1]]),
        scores(&[vec![5.0, 5.6, 4.7], vec![24.0, 20.0, 28.0]]),
        scores(&[vec![6.0, 5.1, 6.3], vec![30.0, 25.0, 29.0]]),
    ]
}

#[test]
fn the_one_of_a_scale_is_exactly_one() {
    let methods = random_reference_arm();
    let one = Contrast::of_normalised(&methods, &[(1.0, ONE)]).expect("a scale");
    assert_close(one.value, 1.0, 1e-12);
    assert_eq!(one.uncertainty.expect("three runs").standard_error, 0.0);
    let summary = Bootstrap::default()
        .normalised_summary(&methods, ONE, &mut Streams::new(0).generator(&[]))
        .expect("a scale");
    let interval = summary.mean.interval.expect("three runs");
    assert!(interval.high - interval.low < 1e-12, "{interval:.4}");
}

/// The difference from the one is as uncertain on the scale as off it, to first order: the ratio of two means.
#[test]
fn a_scale_adds_its_own_uncertainty() {
    let methods = random_reference_arm();
    let found = Contrast::of_normalised(&methods, &[(1.0, ARM), (-1.0, ONE)]).expect("a scale");
    // By hand, for each game: (a - z) / (f - z), differentiated.
    let mean = |runs: &[f64]| runs.iter().sum::<f64>() / 3.0;
    let square = |runs: &[f64]| runs.iter().map(|x| (x - mean(runs)).powi(2)).sum::<f64>() / 2.0 / 3.0;
    let (mut value, mut variance) = (0.0, 0.0);
    for task in 0..2 {
        let [z, f, a] = [0, 1, 2].map(|k| methods[k].tasks().nth(task).expect("two tasks"));
        let scale = mean(f) - mean(z);
        let x = (mean(a) - mean(z)) / scale;
        value += (x - 1.0) / 2.0;
        variance += (square(a) + square(f) * x * x + square(z) * (x - 1.0).powi(2)) / (scale * scale) / 4.0;
    }
    assert_close(found.value, value, 1e-12);
    assert_close(found.uncertainty.expect("three runs").standard_error, variance.sqrt(), 1e-12);
    let fixed = Bootstrap::default();
    let on_fixed =
        fixed.summary(&ARM.scores(&methods).expect("a scale"), &mut Streams::new(0).generator(&[]));
    let on_drawn =
        fixed.normalised_summary(&methods, ARM, &mut Streams::new(0).generator(&[])).expect("a scale");
    let width = |estimate: softmoe_statistics::Estimate| estimate.interval.map_or(0.0, |at| at.high - at.low);
    assert_eq!(on_fixed.interquartile_mean.point, on_drawn.interquartile_mean.point);
    assert!(width(on_drawn.interquartile_mean) > 1.1 * width(on_fixed.interquartile_mean));
}

#[test]
fn a_scale_that_is_none_is_an_error() {
    let mut methods = random_reference_arm();
    methods.swap(0, 1);
    assert_eq!(ARM.scores(&methods), Err(ScoresError::NoScale { task: 0 }));
    assert!(Contrast::of_normalised(&methods, &[(1.0, ARM)]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The unit in which a game counts its points does not matter, nor where it begins.
    #[test]
    fn normalised_differences_do_not_depend_on_units(shift in -10.0..10.0, factor in 0.1..50.0_f64) {
        let methods = random_reference_arm();
        let changed: Vec<Scores> = methods.iter().map(|scores| scores.map(|_, x| factor * x + shift).expect("finite")).collect();
        let terms = [(1.0, ARM), (-1.0, ONE)];
        let [before, after] = [&methods, &changed].map(|methods| Contrast::of_normalised(methods, &terms).expect("a scale"));
        prop_assert!((before.value - after.value).abs() < 1e-9);
        let [before, after] = [before, after].map(|contrast| contrast.uncertainty.expect("three runs"));
        prop_assert!((before.standard_error - after.standard_error).abs() < 1e-9);
        prop_assert!((before.degrees_of_freedom - after.degrees_of_freedom).abs() < 1e-6);
    }

    /// A range is left significantly where the interval lies outside of it, and only there.
    #[test]
    fn p_values_agree_with_intervals(rows in prop::collection::vec(prop::collection::vec(-1.0..1.0, 3), 2), margin in 0.0..0.5_f64) {
        let contrast = Contrast::of([(1.0, &scores(&rows))]).expect("two tasks");
        let interval = contrast.estimate(0.95).interval.expect("three runs");
        let p = contrast.p_within((-margin, margin)).expect("three runs");
        prop_assume!((p - 0.05).abs() > 1e-6);
        prop_assert_eq!(p < 0.05, interval.low > margin || interval.high < -margin);
    }
}

/// The interquartile mean with its standard error by hand: two tasks of four runs, of whose eight scores two are dropped at either end.
#[test]
fn a_contrast_of_interquartile_means_is_that_of_trimmed_means() {
    let methods = scores(&[vec![0.0, 1.0, 2.0, 3.0], vec![4.0, 5.0, 9.0, 100.0]]);
    let found = Contrast::of_interquartile_means([(2.0, &methods)]).expect("two tasks");
    assert_close(found.value, 2.0 * 3.5, 1e-12);
    // The scores become 2, 2, 2, 3 and 4, 5, 5, 5, each of variance 1/4, and weigh 2 / 4 each. Yuen: 7 x 4 / (8 x 3).
    let squared = 2.0 * (2.0_f64 * 4.0 / 4.0).powi(2) * 0.25 / 4.0 * 28.0 / 24.0;
    let uncertainty = found.uncertainty.expect("several runs");
    assert_close(uncertainty.standard_error, squared.sqrt(), 1e-12);
    assert_close(uncertainty.degrees_of_freedom, 2.0 * 5.0 - 2.0, 1e-9);
    // Without anything to drop it is the mean.
    let few = scores(&[vec![1.0, 2.0, 4.0]]);
    let (iqm, mean) = (Contrast::of_interquartile_means([(1.0, &few)]), Contrast::of([(1.0, &few)]));
    assert_close(iqm.expect("a task").value, mean.expect("a task").value, 1e-12);
    let single = Contrast::of_interquartile_means([(1.0, &scores(&[vec![1.0], vec![2.0, 3.0]]))]);
    assert_eq!(single.expect("two tasks").uncertainty, None);
    let error = ScoresError::DifferentTasks { left: 1, right: 2 };
    assert_eq!(Contrast::of_interquartile_means([(1.0, &few), (-1.0, &methods)]), Err(error));
}
