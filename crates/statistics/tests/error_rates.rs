//! How often comparisons and verdicts are wrong, by simulation: normal and heavy-tailed scores, few seeds and games.
//!
//! `cargo test -p softmoe-statistics --test error_rates -- --nocapture` prints the tables of docs/statistics.md.

use rand::RngExt;
use rand_distr::{StandardNormal, StudentT};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use softmoe_statistics::{
    Bootstrap, Contrast, Normalised, Runs, Scores, Streams, Tasks, Uncertainty, average, holm,
    interquartile_mean,
};

/// Standard deviation of a normalised score over seeds: 0.18 in figure 3, profile `quick`, over arms and games (docs/fig3).
const SPREAD: f64 = 0.18;

/// Games and seeds.
const SIZES: [(usize, usize); 3] = [(2, 3), (5, 5), (5, 10)];

/// The arms of figure 3 that its rules compare, after the random policy.
const ARMS: [&str; 8] =
    ["random", "flat", "SoftMoE", "ExpertChoice", "SoftMoE p=m", "ExpertChoice p=m", "SoftMoE x4", "flat x4"];
const DEEP: usize = ARMS.len(); // flat with one more layer

/// A rule: the arm that is compared, with which, and the range and the level of its interval.
type Rule = (&'static str, [usize; 2], (f64, f64), f64);

const NO_END: f64 = f64::INFINITY;
const PREMISE: Rule = ("premise: SoftMoE higher than flat", [2, 1], (0.0, NO_END), 0.95);
const RULES: [Rule; 6] = [
    ("higher: ExpertChoice than flat", [3, 1], (0.0, NO_END), 0.95),
    ("alike: SoftMoE, p = m", [4, 2], (-0.1, 0.1), 0.9),
    ("alike: ExpertChoice, p = m", [5, 3], (-0.1, 0.1), 0.9),
    ("not lower: SoftMoE x4", [6, 2], (-0.1, NO_END), 0.9),
    ("lower: flat x4", [7, 1], (-NO_END, 0.0), 0.95),
    ("not higher: flat, one more layer", [DEEP, 1], (-NO_END, 0.1), 0.9),
];

/// True means of the arms, from flat on.
const EQUAL: [f64; DEEP] = [1.0; DEEP];
const CLAIM: [f64; DEEP] = [1.0, 1.2, 1.2, 1.2, 1.2, 1.2, 0.8, 1.0];
/// The claim's gain is there, and every rule is just true: the difference lies at an end of its range.
const BOUNDARY: [f64; DEEP] = [1.0, 1.2, 1.0, 1.3, 1.1, 1.1, 1.0, 1.1];

#[derive(Clone, Copy, Debug)]
enum Kind {
    Normal,
    /// Student's t with three degrees of freedom: its fourth moment is infinite.
    HeavyTailed,
}

impl Kind {
    /// A value of mean 0 and variance 1.
    fn draw(self, generator: &mut Xoshiro256PlusPlus) -> f64 {
        match self {
            Kind::Normal => generator.sample(StandardNormal),
            Kind::HeavyTailed => {
                let t: f64 = generator.sample(StudentT::new(3.0).expect("three degrees of freedom"));
                t / 3.0_f64.sqrt()
            }
        }
    }
}

/// Raw scores of the random policy and of arms with these true means. Games differ in their units and their spread.
fn experiment(
    means: &[f64; DEEP],
    (games, seeds): (usize, usize),
    kind: Kind,
    generator: &mut Xoshiro256PlusPlus,
) -> Vec<Scores> {
    let mut scores = |mean: f64, spread: f64| {
        let tasks = (0..games).map(|game| {
            let unit = [4.5, 21.0, 1.0, 50.0, 8.0][game % 5];
            let spread = spread * [0.75, 1.25, 1.0][game % 3];
            Runs((0..seeds).map(|_| unit * (0.1 + mean + spread * kind.draw(generator))).collect())
        });
        Scores::by_task(Tasks(tasks.collect())).expect("finite scores")
    };
    let random = scores(0.0, 0.02);
    let arms: Vec<Scores> = means.iter().map(|&mean| scores(mean, SPREAD)).collect();
    [vec![random], arms].concat()
}

/// Whether flat is clearly above the random policy on every game, as a report asks for.
fn has_scale(methods: &[Scores]) -> bool {
    methods[1].tasks().zip(methods[0].tasks()).all(|(flat, random)| {
        let of = Uncertainty::of([(1.0, flat), (-1.0, random)]).expect("several runs");
        let difference = average(flat) - average(random);
        difference >= 4.0 * of.standard_error && difference > of.half_width(0.95)
    })
}

fn arm(method: usize) -> Normalised {
    Normalised { method, zero: 0, one: 1 }
}

fn difference(methods: &[Scores], [left, right]: [usize; 2]) -> Contrast {
    Contrast::of_normalised(methods, &[(1.0, arm(left)), (-1.0, arm(right))]).expect("a scale")
}

/// The results of simulated figures.
struct Simulated<T> {
    figures: Vec<T>,
}

impl<T: Send> Simulated<T> {
    fn new(
        means: [f64; DEEP],
        size: (usize, usize),
        kind: Kind,
        figures: usize,
        of: impl Fn(&[Scores]) -> T + Sync,
    ) -> Self {
        let figure = |index: usize| {
            let name = format!("{size:?} {kind:?} {index}");
            let methods = experiment(&means, size, kind, &mut Streams::new(1).generator(&[&name]));
            has_scale(&methods).then(|| of(&methods))
        };
        let found: Vec<T> = (0..figures).into_par_iter().filter_map(figure).collect();
        assert!(found.len() * 10 > figures * 9, "{size:?} {kind:?}: most figures have a scale");
        Simulated { figures: found }
    }

    /// The share in percent of what `holds`.
    fn percent(&self, holds: impl Fn(&T) -> bool) -> f64 {
        100.0 * self.figures.iter().filter(|figure| holds(figure)).count() as f64 / self.figures.len() as f64
    }
}

#[test]
fn two_equal_arms_differ_in_five_percent_of_comparisons() {
    println!(
        "\n| games x seeds | scores | two arms | arm and flat | two differences | of IQMs, bootstrap |\n|---|---|---|---|---|---|"
    );
    for size in SIZES {
        for kind in [Kind::Normal, Kind::HeavyTailed] {
            let excludes_zero =
                |contrast: Contrast| contrast.p_within((0.0, 0.0)).expect("several runs") <= 0.05;
            let simulated = Simulated::new(EQUAL, size, kind, 8_000, |methods| {
                let terms = [(1.0, arm(2)), (-1.0, arm(3)), (-1.0, arm(4)), (1.0, arm(5))];
                let differences = Contrast::of_normalised(methods, &terms).expect("a scale");
                [difference(methods, [2, 3]), difference(methods, [4, 1]), differences].map(excludes_zero)
            });
            let rates = [0, 1, 2].map(|k| simulated.percent(|found| found[k]));
            // What was done before: the percentile bootstrap of the difference of IQMs on a fixed scale.
            let old = Simulated::new(EQUAL, size, kind, 200, |methods| {
                let pair = [2, 3].map(|method| arm(method).scores(methods).expect("a scale"));
                let bootstrap = Bootstrap { resamples: 500, ..Bootstrap::default() };
                let difference_of_iqms =
                    |drawn: &[Scores]| [interquartile_mean(&drawn[0]) - interquartile_mean(&drawn[1])];
                let mut generator = Streams::new(2).generator(&[]);
                let [estimate] = bootstrap.estimates(&pair, difference_of_iqms, &mut generator);
                let interval = estimate.interval.expect("several runs");
                interval.low > 0.0 || interval.high < 0.0
            });
            let [two, flat, differences] = rates;
            println!(
                "| {} x {} | {kind:?} | {two:.1}% | {flat:.1}% | {differences:.1}% | {:.0}% |",
                size.0,
                size.1,
                old.percent(|differs| *differs)
            );
            for rate in rates {
                assert!((3.5..=6.5).contains(&rate), "{size:?} {kind:?}: {rates:?}");
            }
        }
    }
}

/// The judgement of a figure.
struct Figure {
    premise: bool,
    supported: [bool; RULES.len()],
    contradicted: [bool; RULES.len()],
}

fn judge(methods: &[Scores]) -> Figure {
    let contrasts = RULES.map(|(_, arms, ..)| difference(methods, arms));
    let supported = std::array::from_fn(|k| contrasts[k].lies_within(RULES[k].2, RULES[k].3));
    let p: Vec<f64> =
        (0..RULES.len()).map(|k| contrasts[k].p_within(RULES[k].2).expect("several runs")).collect();
    let p = holm(&p);
    Figure {
        premise: difference(methods, PREMISE.1).lies_within(PREMISE.2, PREMISE.3),
        supported,
        contradicted: std::array::from_fn(|k| !supported[k] && p[k] <= 0.05),
    }
}

#[test]
fn a_true_claim_is_contradicted_in_at_most_five_percent_of_figures() {
    println!(
        "\n| games x seeds | scores | arms equal | claim true | every rule just true |\n|---|---|---|---|---|"
    );
    for size in SIZES {
        for kind in [Kind::Normal, Kind::HeavyTailed] {
            // Without regard to the premise, which prevents most of these verdicts.
            let rates = [EQUAL, CLAIM, BOUNDARY].map(|means| {
                Simulated::new(means, size, kind, 2_000, judge)
                    .percent(|figure| figure.contradicted.iter().any(|contradicted| *contradicted))
            });
            let [equal, claim, boundary] = rates;
            println!("| {} x {} | {kind:?} | {equal:.1}% | {claim:.1}% | {boundary:.1}% |", size.0, size.1);
            assert!(rates.iter().all(|rate| *rate <= 5.0), "{size:?} {kind:?}: {rates:?}");
        }
    }
}

/// The power that a plan announces is the one that simulated figures have.
#[test]
fn a_planned_power_is_the_simulated_one() {
    println!("\n| rule | 2 x 3 | 5 x 5 | 5 x 10 |\n|---|---|---|---|");
    let figures = SIZES.map(|size| Simulated::new(CLAIM, size, Kind::Normal, 2_000, judge));
    let mut rules = vec![(PREMISE, figures.each_ref().map(|of| of.percent(|figure| figure.premise)))];
    for (k, rule) in RULES.into_iter().enumerate() {
        rules.push((rule, figures.each_ref().map(|of| of.percent(|figure| figure.supported[k]))));
    }
    for ((says, arms, range, confidence), simulated) in rules {
        let truth = CLAIM[arms[0] - 1] - CLAIM[arms[1] - 1];
        let planned = SIZES.map(|(games, seeds)| {
            let of = Uncertainty::planned(&[1.0, -1.0], games, seeds, SPREAD).expect("several runs");
            100.0 * of.power(range, truth, confidence)
        });
        let cells: Vec<String> =
            simulated.iter().zip(planned).map(|(s, p)| format!("{s:.0}% ({p:.0}%)")).collect();
        println!("| {says} | {} |", cells.join(" | "));
        for (simulated, planned) in simulated.into_iter().zip(planned) {
            assert!((simulated - planned).abs() < 12.0, "{says}: simulated {simulated}, planned {planned}");
        }
    }
    let whole =
        figures.map(|of| of.percent(|figure| figure.premise && figure.supported.iter().all(|held| *held)));
    println!("| the whole claim | {:.0}% | {:.0}% | {:.0}% |", whole[0], whole[1], whole[2]);
}
