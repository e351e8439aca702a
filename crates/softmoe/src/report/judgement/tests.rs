//! Rules on scales where the reference is 1, and on the scale of humans.

use super::*;
use crate::collect::{Collection, FinishedRun, RunName};
use crate::normalise::Measure;
use crate::statistics::{Uncertainty, interquartile_mean};
use Outcome::{Contradicted, Inconclusive, Supported};
use softmoe_config::{AgentSteps, ScoreScale, file};
use std::path::Path;

fn text(text: &str) -> String {
    text.to_owned()
}

/// The outcome of `rule` for `value`, whose 95% interval is +-0.1 and whose 90% interval +-0.084.
fn decided(rule: &Rule, value: f64) -> Outcome {
    let uncertainty = Uncertainty { standard_error: 0.1 / 1.96, degrees_of_freedom: 1e6 };
    let mut judgement =
        Judgement { range: rule.range(), confidence: rule.confidence(), ..Judgement::unknown() };
    let difference = Contrast { value, uncertainty: Some(uncertainty) };
    judgement.decide(&Test::with_margins_in_scores(rule, difference), rule, 0.2, None);
    judgement.outcome
}

#[test]
fn rules_of_a_difference_ask_for_an_interval_on_their_side_of_zero() {
    let higher = Rule::Higher { says: text(""), better: text("a"), worse: text("b") };
    let lower = Rule::Lower { says: text(""), arm: text("a"), than: text("b") };
    for (value, outcome) in [(0.11, Supported), (-0.11, Contradicted), (0.09, Inconclusive)] {
        assert_eq!(decided(&higher, value), outcome);
        assert_eq!(decided(&lower, -value), outcome);
    }
}

#[test]
fn rules_of_a_margin_ask_for_an_interval_within_it() {
    let higher = Rule::NotHigher { says: text(""), arm: text("a"), than: text("b"), margin: 0.1 };
    let lower = Rule::NotLower { says: text(""), arm: text("a"), than: text("b"), margin: 0.1 };
    for (value, outcome) in [(0.01, Supported), (-0.5, Supported), (0.21, Contradicted), (0.19, Inconclusive)]
    {
        assert_eq!(decided(&higher, value), outcome, "{value}");
        assert_eq!(decided(&lower, -value), outcome, "{value}");
    }
    let alike = Rule::Alike { says: text(""), left: text("a"), right: text("b"), margin: 0.1 };
    for (value, outcome) in
        [(0.01, Supported), (0.02, Inconclusive), (0.19, Inconclusive), (0.21, Contradicted)]
    {
        assert_eq!(decided(&alike, value), outcome, "{value}");
        assert_eq!(decided(&alike, -value), outcome, "{value}");
    }
}

#[test]
fn of_several_rules_one_is_contradicted_only_after_correction() {
    let judgement = |p| Judgement { p_value: Some(p), outcome: Contradicted, ..Judgement::unknown() };
    let outcomes = |p: &[f64]| -> Vec<Outcome> {
        with_family(p.iter().map(|&p| judgement(p)).collect())
            .iter()
            .map(|judgement| judgement.outcome)
            .collect()
    };
    assert_eq!(outcomes(&[0.04]), [Contradicted]);
    assert_eq!(outcomes(&[0.04, 0.03]), [Inconclusive; 2]);
    assert_eq!(outcomes(&[0.04, 0.02]), [Contradicted; 2]);
    assert_eq!(outcomes(&[0.03, 0.04, 0.01]), [Inconclusive, Inconclusive, Contradicted]);
}

/// A figure with human-normalised scores: 8 games, two of them far above human scores, and one without a human score.
const FIGURE: &str = r#"(
    figure: "demo", title: "t", claim: "c", reference: "flat",
    arms: [
        (name: "flat", label: "flat", body: flat()),
        (name: "soft", label: "SoftMoE-4", body: soft_moe(experts: 4)),
        (name: "wide", label: "flat x4", body: flat(scale: 4.0)),
    ],
    premise: higher(says: "a gain", better: "soft", worse: "flat"),
    rules: [
        not_lower(says: "wide is not lower", arm: "wide", than: "flat", margin: 0.1),
        alike(says: "wide is alike", left: "wide", right: "flat", margin: 0.1),
    ],
    profiles: {"tiny": (
        purpose: "p", leaves_out: [], seeds: 5, encoder: nature, hidden: 8, agent: rainbow_atari, agent_steps: 100,
        games: atari([AirRaid, Breakout, DemonAttack, Freeway, MsPacman, Pong, Qbert, Zaxxon, SpaceInvaders]),
        evaluations: 1, evaluation_episodes: 1, final_evaluation_episodes: 1,
    )},
)"#;

/// Human-normalised scores of flat on the games, AirRaid's aside.
const SCORES: [f64; 8] = [6.0, 28.0, 1.0, 0.5, 1.0, 1.5, 1.5, 12.0];

/// The figure's judgements where an arm's scores are flat's times a factor: premise, then rules.
fn judged(factors: &[(&str, f64)], runs: u64) -> (Normalisation, Vec<Judgement>) {
    let experiment: Experiment = file::parse(Path::new("demo.ron"), FIGURE).unwrap();
    let profile = experiment.profile("tiny").unwrap();
    let games = profile.games.list();
    let mut finished = Vec::new();
    for &(arm, factor) in factors {
        for config in
            experiment.resolve("tiny", profile, &[arm]).unwrap().into_iter().filter(|run| run.seed < runs)
        {
            let game = config.environment.game();
            let task = games.iter().position(|other| *other == game).unwrap();
            let normalised = task.checked_sub(1).map_or(1.0, |task| SCORES[task]);
            // Seeds differ by a tenth.
            let normalised = factor * normalised * (1.0 + 0.05 * (config.seed as f64 - 2.0));
            let (zero, one) = match game.score_scale() {
                ScoreScale::Human { zero, one } => (zero, one),
                _ => (0.0, 1.0),
            };
            finished.push(FinishedRun {
                name: RunName { arm: arm.to_owned(), game, seed: config.seed },
                directory: softmoe_config::RunDirectory::new(""),
                preset: config.clone(),
                config,
                agent_steps: AgentSteps(100),
                score: zero + normalised * (one - zero),
                parameters: 1,
                update_seconds: None,
                device: "cpu".into(),
                curve: Vec::new(),
                sessions: Vec::new(),
            });
        }
    }
    let collection = Collection { finished, left_out: Vec::new(), missing: Vec::new(), warnings: Vec::new() };
    let arms: Vec<String> = factors.iter().map(|(arm, _)| (*arm).to_owned()).collect();
    let scores = Normalisation::of(&collection, &experiment, &arms, &games, Measure::Final);
    let rules = experiment.premise.iter().chain(&experiment.rules);
    let judgements = rules.map(|rule| judge(&experiment, rule, &scores)).collect();
    (scores, judgements)
}

/// By hand: of the 40 scores of flat, the middle 20 are the higher five of the two games at 1, those at 1.5, and those at 6. Their sum is
/// 5.3 + 15 + 30.
#[test]
fn human_normalised_scores_are_compared_by_interquartile_means_in_units_of_flats() {
    let (scores, judgements) = judged(&[("flat", 1.0), ("soft", 1.2), ("wide", 1.0)], 5);
    assert_eq!(scores.left_out.len(), 1);
    assert!(
        scores.left_out[0].to_string().starts_with("AirRaid is left out of the aggregates: no human score")
    );
    let flat = scores.contrast(&[(1.0, "flat")]).unwrap().value;
    let summary = interquartile_mean(&scores.scores("flat").unwrap());
    assert!((flat - summary).abs() < 1e-12 && (flat - 2.515).abs() < 1e-9, "{flat}");
    let difference = judgements[0].estimate.unwrap().point;
    assert!((difference - 0.2 * flat).abs() < 1e-9, "{difference} of {flat}");
    assert_eq!(judgements[0].asks, "above 0");
    assert!(judgements[0].power.as_ref().unwrap().ends_with("if the difference is 20% of flat's score"));
    // A margin is a tenth of flat's score.
    let margin = 0.1 * flat;
    assert_eq!(judgements[1].asks, format!("above -10% of flat's score (-{margin:.2})"));
    assert_eq!(judgements[2].asks, format!("within ±10% of flat's score (±{margin:.2})"));
    assert!((judgements[2].range.0 + margin).abs() < 1e-9 && (judgements[2].range.1 - margin).abs() < 1e-9);
    assert_eq!(judgements[1].outcome, Supported);
    assert_eq!(judgements[0].outcome, Supported);
}

/// A loss of 70% is more than the margin; a gain of 30% is no loss, and not alike.
#[test]
fn a_margin_is_a_share_of_the_score_of_flat() {
    let (_, judgements) = judged(&[("flat", 1.0), ("soft", 1.2), ("wide", 0.3)], 5);
    assert_eq!(judgements[1].outcome, Contradicted, "{:?}", judgements[1]);
    let (_, judgements) = judged(&[("flat", 1.0), ("soft", 1.2), ("wide", 1.3)], 5);
    assert_eq!(judgements[1].outcome, Supported);
    assert_ne!(judgements[2].outcome, Supported);
}

/// Without a score of flat there is no unit, and without a second run no interval.
#[test]
fn without_a_unit_no_margin_is_judged() {
    let (_, judgements) = judged(&[("flat", 0.0), ("soft", 0.5), ("wide", 0.0)], 5);
    assert_eq!(judgements[0].outcome, Supported);
    assert_eq!(judgements[0].power, None);
    for judgement in &judgements[1..] {
        assert_eq!(judgement.outcome, Outcome::NotJudged);
        let why = judgement.why.as_ref().unwrap();
        assert!(why.starts_with("its margin is 10% of flat's score, which is not clearly above"), "{why}");
    }
    let (_, judgements) = judged(&[("flat", 1.0), ("soft", 1.2), ("wide", 1.0)], 1);
    assert!(
        judgements.iter().all(|judgement| judgement.why.as_deref() == Some("a single run has no interval"))
    );
}

/// A margin's unit does not depend on the arms that were run.
#[test]
fn a_rule_about_an_arm_without_runs_names_the_unit_of_its_margin() {
    let (_, judgements) = judged(&[("flat", 1.0), ("soft", 1.2)], 5);
    assert_eq!(judgements[1].outcome, Outcome::NotJudged);
    assert_eq!(judgements[1].asks, "above -10% of flat's score");
    assert_eq!(judgements[2].asks, "within ±10% of flat's score");
}
