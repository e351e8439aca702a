//! How often comparisons of interquartile means are wrong, by simulation: games whose scores differ by orders of magnitude.
//!
//! `cargo test -p softmoe-statistics --test error_rates_atari -- --nocapture` prints the table of docs/statistics.md.

use rand::RngExt;
use rand_distr::{StandardNormal, StudentT};
use rayon::prelude::*;
use softmoe_statistics::{Contrast, Runs, Scores, Streams, Tasks, Uncertainty, interquartile_mean, mean};

/// Human-normalised scores after 200 million frames of Dopamine's Rainbow with the Impala encoder, mean and standard deviation over
/// five seeds: the paper's games with a human score, from google/dopamine at 5873f54, `baselines/atari/data`.
const GAMES: [(f64, f64); 19] = [
    (13.273, 3.349), // Asterix
    (0.069, 0.008),  // Asteroids
    (0.102, 0.058),  // Bowling
    (5.705, 0.866),  // Breakout
    (28.827, 4.357), // DemonAttack
    (1.139, 0.001),  // Freeway
    (1.034, 0.144),  // Gravitar
    (5.349, 0.462),  // Jamesbond
    (0.329, 0.234),  // MontezumaRevenge
    (0.703, 0.017),  // MsPacman
    (1.153, 0.013),  // Pong
    (0.220, 0.173),  // PrivateEye
    (1.456, 0.153),  // Qbert
    (7.255, 0.896),  // Seaquest
    (12.794, 2.151), // SpaceInvaders
    (1.357, 0.036),  // Venture
    (2.048, 0.283),  // WizardOfWor
    (1.405, 0.026),  // YarsRevenge
    (1.454, 0.042),  // Zaxxon
];

/// The spread between seeds that plans assume, in units of the reference's score.
const SPREAD: f64 = 0.18;

const SEEDS: [usize; 3] = [3, 5, 10];

#[derive(Clone, Copy, Debug)]
enum Kind {
    Normal,
    HeavyTailed,
}

/// The scores of a method `factor` times as high as the published ones.
fn method(factor: f64, seeds: usize, kind: Kind, key: &str) -> Scores {
    let mut generator = Streams::new(1).generator(&[key]);
    let mut draw = || match kind {
        Kind::Normal => generator.sample::<f64, _>(StandardNormal),
        Kind::HeavyTailed => {
            let t: f64 = generator.sample(StudentT::new(3.0).expect("three degrees of freedom"));
            t / 3.0_f64.sqrt()
        }
    };
    let tasks = GAMES
        .iter()
        .map(|(mean, spread)| Runs((0..seeds).map(|_| factor * (mean + spread * draw())).collect()));
    Scores::by_task(Tasks(tasks.collect())).expect("finite scores")
}

/// The share in percent of `figures` in which `holds` of scores of these factors.
fn percent<const N: usize>(
    factors: [f64; N],
    seeds: usize,
    kind: Kind,
    figures: usize,
    holds: impl Fn(&[Scores; N]) -> bool + Sync,
) -> f64 {
    let is_so = |figure: usize| {
        let key = |arm: usize| format!("{seeds} {kind:?} {figure} {arm}");
        let methods: [Scores; N] = std::array::from_fn(|arm| method(factors[arm], seeds, kind, &key(arm)));
        holds(&methods)
    };
    let number = (0..figures).into_par_iter().filter(|&figure| is_so(figure)).count();
    100.0 * number as f64 / figures as f64
}

/// `sum_k weight_k interquartile mean_k`.
fn contrast<const N: usize>(weights: [f64; N], methods: &[Scores; N]) -> Contrast {
    Contrast::of_interquartile_means(weights.into_iter().zip(methods)).expect("equal tasks")
}

/// The reason for the interquartile mean: two games of 19 are half of the mean.
#[test]
fn a_mean_is_the_score_of_a_few_games() {
    let published =
        Scores::by_task(Tasks(GAMES.iter().map(|(mean, _)| Runs(vec![*mean])).collect())).expect("scores");
    let highest = GAMES.iter().map(|game| game.0).filter(|score| *score > 13.0).sum::<f64>();
    assert!(highest / (19.0 * mean(&published)) > 0.48);
    assert!((interquartile_mean(&published) - 1.9).abs() < 0.2 && mean(&published) > 4.0);
}

#[test]
fn interquartile_means_of_equal_arms_differ_in_five_percent_of_comparisons() {
    println!(
        "\n| games x seeds | scores | two arms | margin reached by chance | gain of 20% found (planned) |\n|---|---|---|---|---|"
    );
    for seeds in SEEDS {
        for kind in [Kind::Normal, Kind::HeavyTailed] {
            let differ = percent([1.0, 1.0], seeds, kind, 8_000, |methods| {
                contrast([1.0, -1.0], methods).p_within((0.0, 0.0)).expect("several runs") <= 0.05
            });
            // An arm that lies below another by exactly the margin, a tenth of flat's score: "not lower" is false.
            let reached = percent([0.9, 1.0, 1.0], seeds, kind, 8_000, |methods| {
                contrast([1.0, -1.0, 0.1], methods).lies_within((0.0, f64::INFINITY), 0.9)
            });
            let found = percent([1.2, 1.0], seeds, kind, 2_000, |methods| {
                contrast([1.0, -1.0], methods).lies_within((0.0, f64::INFINITY), 0.95)
            });
            let planned =
                Uncertainty::planned(&[1.0, -1.0], GAMES.len(), seeds, SPREAD).expect("several runs");
            let planned = 100.0 * planned.power((0.0, f64::INFINITY), 0.2, 0.95);
            println!(
                "| 19 x {seeds} | {kind:?} | {differ:.1}% | {reached:.1}% | {found:.0}% ({planned:.0}%) |"
            );
            // With three seeds somewhat more often than the level says.
            let most = if seeds == 3 { 7.5 } else { 6.0 };
            assert!((3.5..=most).contains(&differ), "{seeds} {kind:?}: {differ}");
            assert!((3.5..=most).contains(&reached), "{seeds} {kind:?}: {reached}");
            assert!((found - planned).abs() < 15.0, "{seeds} {kind:?}: {found}, planned {planned}");
        }
    }
}
