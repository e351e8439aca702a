//! The statistics against those of rliable 1.2.0 (`statistics.json`, `comparisons.json`).

mod fixture;

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Deserialize;
use softmoe_statistics::{
    Bootstrap, Estimate, Interval, Runs, Scores, Tasks, average_score_profile, performance_profile,
};
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct File {
    matrices: Vec<Matrix>,
    comparisons: Vec<Comparison>,
}

#[derive(Deserialize)]
struct Matrix {
    scores: Vec<Vec<f64>>,
    point: BTreeMap<String, f64>,
    profile: Profile,
    bootstrap: Option<MatrixBootstrap>,
}

#[derive(Deserialize)]
struct Profile {
    tau: Vec<f64>,
    run_score: Vec<f64>,
    average_score: Vec<f64>,
}

#[derive(Deserialize)]
struct MatrixBootstrap {
    reps: usize,
    confidence: f64,
    interval: BTreeMap<String, [f64; 2]>,
    spread_over_5_seeds: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Comparison {
    x: Vec<Vec<f64>>,
    y: Vec<Vec<f64>>,
    probability_of_improvement: f64,
    bootstrap: ComparisonBootstrap,
}

#[derive(Deserialize)]
struct ComparisonBootstrap {
    reps: usize,
    interval: [f64; 2],
    spread_over_5_seeds: f64,
}

#[derive(Deserialize)]
struct BandsFile {
    bands: Vec<Bands>,
}

#[derive(Deserialize)]
struct Bands {
    reps: usize,
    scores: Vec<Vec<f64>>,
    tau: Vec<f64>,
    run_score: Estimates,
    average_score: Estimates,
    task_bootstrap: Estimates,
    profile_task_bootstrap: Estimates,
    steps: Vec<Vec<Vec<f64>>>,
    sample_efficiency: Estimates,
}

/// Several numbers, their intervals, and how far these move from seed to seed.
#[derive(Deserialize)]
struct Estimates {
    point: Vec<f64>,
    interval: Vec<[f64; 2]>,
    spread: Vec<f64>,
}

impl Estimates {
    fn assert_equal(&self, name: &str, found: &[Estimate]) {
        assert_eq!(found.len(), self.point.len(), "{name}");
        for (index, found) in found.iter().enumerate() {
            let name = format!("{name} {index}");
            assert_close(&name, found.point, self.point[index]);
            assert_interval(&name, found.interval, self.interval[index], self.spread[index]);
        }
    }
}

fn file() -> File {
    fixture::read("statistics.json")
}

fn scores(by_run: &[Vec<f64>]) -> Scores {
    Scores::by_run(Runs(by_run.iter().cloned().map(Tasks).collect())).expect("a rectangular matrix")
}

/// More resamples than the reference: where few values are possible, a percentile can hop between two.
fn bootstrap(reps: usize, confidence: f64) -> Bootstrap {
    Bootstrap { resamples: 20 * reps, confidence, tasks: false }
}

fn assert_close(name: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{name}: {found}, not {expected}");
}

/// Within three times what the reference's own interval moves from seed to seed, or 2% of its width.
fn assert_interval(name: &str, found: Option<Interval>, expected: [f64; 2], spread: f64) {
    let found = found.unwrap_or_else(|| panic!("{name}: no interval"));
    let tolerance = (3.0 * spread).max(0.02 * (expected[1] - expected[0])).max(1e-9);
    for (found, expected) in [(found.low, expected[0]), (found.high, expected[1])] {
        assert!((found - expected).abs() <= tolerance, "{name}: {found}, not {expected} +- {tolerance}");
    }
}

fn named(scores: &Scores, bootstrap: Bootstrap) -> [(&'static str, Estimate); 4] {
    let summary = bootstrap.summary(scores, &mut Xoshiro256PlusPlus::seed_from_u64(1));
    [
        ("iqm", summary.interquartile_mean),
        ("mean", summary.mean),
        ("median", summary.median),
        ("optimality_gap", summary.optimality_gap),
    ]
}

#[test]
fn parity_of_point_estimates() {
    for (index, matrix) in file().matrices.iter().enumerate() {
        for (name, estimate) in
            named(&scores(&matrix.scores), Bootstrap { resamples: 1, confidence: 0.95, tasks: false })
        {
            assert_close(&format!("matrix {index}, {name}"), estimate.point, matrix.point[name]);
        }
    }
}

#[test]
fn parity_of_profiles() {
    for (index, matrix) in file().matrices.iter().enumerate() {
        let (scores, profile) = (scores(&matrix.scores), &matrix.profile);
        let run_score = performance_profile(&scores, &profile.tau);
        let average_score = average_score_profile(&scores, &profile.tau);
        for (k, tau) in profile.tau.iter().enumerate() {
            assert_close(&format!("matrix {index}, runs above {tau}"), run_score[k], profile.run_score[k]);
            assert_close(
                &format!("matrix {index}, tasks above {tau}"),
                average_score[k],
                profile.average_score[k],
            );
        }
    }
}

#[test]
fn parity_of_intervals() {
    for (index, matrix) in file().matrices.iter().enumerate() {
        let scores = scores(&matrix.scores);
        let Some(expected) = &matrix.bootstrap else {
            assert!(
                named(&scores, Bootstrap::default()).iter().all(|(_, estimate)| estimate.interval.is_none())
            );
            continue;
        };
        for (name, estimate) in named(&scores, bootstrap(expected.reps, expected.confidence)) {
            let (interval, spread) = (expected.interval[name], expected.spread_over_5_seeds[name]);
            assert_interval(&format!("matrix {index}, {name}"), estimate.interval, interval, spread);
        }
    }
}

#[test]
fn parity_of_probabilities_of_improvement() {
    for (index, comparison) in file().comparisons.iter().enumerate() {
        let name = format!("comparison {index}");
        let (x, y, expected) = (scores(&comparison.x), scores(&comparison.y), &comparison.bootstrap);
        let mut generator = Xoshiro256PlusPlus::seed_from_u64(2);
        let estimate =
            bootstrap(expected.reps, 0.95).improvement(&x, &y, &mut generator).expect("same tasks");
        assert_close(&name, estimate.point, comparison.probability_of_improvement);
        assert_interval(&name, estimate.interval, expected.interval, expected.spread_over_5_seeds);
    }
}

#[test]
fn parity_of_bands_of_profiles() {
    for (index, bands) in fixture::read::<BandsFile>("comparisons.json").bands.iter().enumerate() {
        let (scores, bootstrap) = (scores(&bands.scores), bootstrap(bands.reps, 0.95));
        let generator = || Xoshiro256PlusPlus::seed_from_u64(3);
        let run_score = bootstrap.performance_profile(&scores, &bands.tau, &mut generator());
        bands.run_score.assert_equal(&format!("{index}, runs above"), &run_score);
        let average_score = bootstrap.average_score_profile(&scores, &bands.tau, &mut generator());
        bands.average_score.assert_equal(&format!("{index}, tasks above"), &average_score);
        let tasks = Bootstrap { tasks: true, ..bootstrap };
        let resampled = tasks.performance_profile(&scores, &bands.tau, &mut generator());
        bands.profile_task_bootstrap.assert_equal(&format!("{index}, runs of any tasks above"), &resampled);
    }
}

#[test]
fn parity_of_the_task_bootstrap() {
    for (index, bands) in fixture::read::<BandsFile>("comparisons.json").bands.iter().enumerate() {
        let bootstrap = Bootstrap { tasks: true, ..bootstrap(bands.reps, 0.95) };
        let found = named(&scores(&bands.scores), bootstrap).map(|(_, estimate)| estimate);
        bands.task_bootstrap.assert_equal(&format!("{index}, aggregate"), &found);
    }
}

#[test]
fn parity_of_sample_efficiency() {
    for (index, bands) in fixture::read::<BandsFile>("comparisons.json").bands.iter().enumerate() {
        let steps: Vec<Scores> = bands.steps.iter().map(|step| scores(step)).collect();
        let mut generator = Xoshiro256PlusPlus::seed_from_u64(4);
        let found = bootstrap(bands.reps, 0.95).sample_efficiency(&steps, &mut generator);
        bands.sample_efficiency.assert_equal(&format!("{index}, step"), &found);
    }
}
