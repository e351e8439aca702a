//! The verdict on the figure's claim, by the rules that the experiment fixed before any run.

use crate::statistics::{Bootstrap, Estimate, Interval, Scores};
use rand::Rng;
use softmoe_config::{Experiment, Rule};
use std::fmt;

/// The judgement of a claim or of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The whole interval agrees with the claim.
    Supported,
    /// The whole interval contradicts the claim.
    Contradicted,
    /// The interval allows both.
    Inconclusive,
    /// Runs are missing.
    NotJudged,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Outcome::Supported => "supported",
            Outcome::Contradicted => "contradicted",
            Outcome::Inconclusive => "inconclusive",
            Outcome::NotJudged => "not judged",
        })
    }
}

/// One rule with its judgement.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The rule's statement.
    pub says: String,
    /// The measured difference, in words.
    pub difference: String,
    /// The condition for support, in words.
    pub asks: String,
    /// The difference of normalised interquartile means; `None` if an arm has no aggregate.
    pub estimate: Option<Estimate>,
    /// The judgement.
    pub outcome: Outcome,
    /// The reason for a missing or an inconclusive judgement.
    pub why: Option<String>,
}

/// Verdict on a figure: the judgements of its rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The paper's claim.
    pub claim: String,
    /// Each rule.
    pub judgements: Vec<Judgement>,
    /// The whole claim.
    pub outcome: Outcome,
}

impl Verdict {
    /// Judges the rules of `experiment` by the normalised scores that `scores_of` an arm gives.
    ///
    /// The claim is contradicted if a rule is, supported if every rule is, not judged if no rule was, and inconclusive
    /// otherwise.
    pub fn judge(
        experiment: &Experiment,
        scores_of: impl Fn(&str) -> Option<Scores>,
        bootstrap: &Bootstrap,
        generator: &mut impl Rng,
    ) -> Self {
        let judge = |rule| judge_rule(experiment, rule, &scores_of, bootstrap, generator);
        let judgements: Vec<Judgement> = experiment.rules.iter().map(judge).collect();
        let outcome = overall(judgements.iter().map(|judgement| judgement.outcome));
        Verdict { claim: experiment.claim.clone(), judgements, outcome }
    }
}

fn overall(outcomes: impl Iterator<Item = Outcome> + Clone) -> Outcome {
    let mut any = outcomes.clone();
    let all = |outcome| outcomes.clone().all(|part| part == outcome);
    if any.any(|part| part == Outcome::Contradicted) {
        Outcome::Contradicted
    } else if all(Outcome::NotJudged) {
        Outcome::NotJudged
    } else if all(Outcome::Supported) {
        Outcome::Supported
    } else {
        Outcome::Inconclusive
    }
}

fn judge_rule(
    experiment: &Experiment,
    rule: &Rule,
    scores_of: &impl Fn(&str) -> Option<Scores>,
    bootstrap: &Bootstrap,
    generator: &mut impl Rng,
) -> Judgement {
    let label = |arm: &str| super::label(experiment, arm);
    let quoted = |arm: &str| format!("\"{}\"", label(arm));
    let terms = terms(rule);
    let mut judgement = Judgement {
        says: rule.says().to_owned(),
        difference: difference(rule, label),
        asks: asks(rule),
        estimate: None,
        outcome: Outcome::NotJudged,
        why: None,
    };
    // The reference arm has normalised scores wherever there is a scale.
    if scores_of(&experiment.reference).is_none() {
        judgement.why = Some("no game could be normalised (see the notes)".to_owned());
        return judgement;
    }
    let scores: Vec<(f64, Option<Scores>)> =
        terms.iter().map(|&(weight, arm)| (weight, scores_of(arm))).collect();
    let absent: Vec<String> = terms
        .iter()
        .zip(&scores)
        .filter(|(_, (_, s))| s.is_none())
        .map(|((_, arm), _)| quoted(arm))
        .collect();
    if !absent.is_empty() {
        judgement.why = Some(format!("needs runs of {} on every game", absent.join(" and ")));
        return judgement;
    }
    let present = scores.iter().filter_map(|(weight, scores)| Some((*weight, scores.as_ref()?)));
    let estimate = bootstrap.contrast(present, generator);
    judgement.estimate = Some(estimate);
    match estimate.interval {
        Some(interval) => judgement.outcome = decide(rule, interval),
        None => {
            judgement.outcome = Outcome::Inconclusive;
            judgement.why = Some("a single run has no interval".to_owned());
        }
    }
    judgement
}

/// The weight of each arm in the rule's difference. An arm that occurs twice is one term, so that it is resampled
/// once.
fn terms(rule: &Rule) -> Vec<(f64, &str)> {
    let all: Vec<(f64, &str)> = match rule {
        Rule::Higher { better, worse, .. } => vec![(1.0, better), (-1.0, worse)],
        Rule::NotHigher { arm, than, .. } => vec![(1.0, arm), (-1.0, than)],
        Rule::Alike { left, right, .. } => vec![(1.0, left), (-1.0, right)],
        Rule::GainsMore { gains, loses, .. } => {
            vec![(1.0, &gains.1), (-1.0, &gains.0), (-1.0, &loses.1), (1.0, &loses.0)]
        }
    };
    let mut merged: Vec<(f64, &str)> = Vec::new();
    for (weight, arm) in all {
        match merged.iter_mut().find(|(_, known)| *known == arm) {
            Some((sum, _)) => *sum += weight,
            None => merged.push((weight, arm)),
        }
    }
    merged
}

/// The rule's difference, in words.
fn difference(rule: &Rule, label: impl Fn(&str) -> String) -> String {
    let minus = |left: &str, right: &str| format!("{} − {}", label(left), label(right));
    match rule {
        Rule::Higher { better, worse, .. } => minus(better, worse),
        Rule::NotHigher { arm, than, .. } => minus(arm, than),
        Rule::Alike { left, right, .. } => minus(left, right),
        Rule::GainsMore { gains, loses, .. } => {
            format!("({}) − ({})", minus(&gains.1, &gains.0), minus(&loses.1, &loses.0))
        }
    }
}

/// The condition on the interval for support, in words.
fn asks(rule: &Rule) -> String {
    match rule {
        Rule::Higher { .. } | Rule::GainsMore { .. } => "above 0".to_owned(),
        Rule::NotHigher { margin, .. } => format!("below {margin}"),
        Rule::Alike { margin, .. } => format!("within ±{margin}"),
    }
}

/// The judgement of the rule from `interval`.
fn decide(rule: &Rule, interval: Interval) -> Outcome {
    let Interval { low, high } = interval;
    let (supported, contradicted) = match *rule {
        Rule::Higher { .. } | Rule::GainsMore { .. } => (low > 0.0, high < 0.0),
        Rule::NotHigher { margin, .. } => (high < margin, low > margin),
        Rule::Alike { margin, .. } => (-margin <= low && high <= margin, low > margin || high < -margin),
    };
    match (supported, contradicted) {
        (true, _) => Outcome::Supported,
        (_, true) => Outcome::Contradicted,
        _ => Outcome::Inconclusive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Contradicted, Inconclusive, NotJudged, Supported};

    fn text(text: &str) -> String {
        text.to_owned()
    }

    fn higher() -> Rule {
        Rule::Higher { says: text("a > b"), better: text("a"), worse: text("b") }
    }

    fn decided(rule: &Rule, low: f64, high: f64) -> Outcome {
        decide(rule, Interval { low, high })
    }

    #[test]
    fn higher_asks_for_an_interval_above_zero() {
        assert_eq!(decided(&higher(), 0.01, 0.4), Supported);
        assert_eq!(decided(&higher(), -0.4, -0.01), Contradicted);
        assert_eq!(decided(&higher(), -0.1, 0.4), Inconclusive);
        assert_eq!(decided(&higher(), 0.0, 0.4), Inconclusive);
    }

    #[test]
    fn not_higher_asks_for_an_interval_below_its_margin() {
        let rule = Rule::NotHigher { says: text(""), arm: text("a"), than: text("b"), margin: 0.1 };
        assert_eq!(decided(&rule, -0.5, 0.05), Supported);
        assert_eq!(decided(&rule, 0.11, 0.3), Contradicted);
        assert_eq!(decided(&rule, 0.05, 0.3), Inconclusive);
    }

    #[test]
    fn alike_asks_for_an_interval_within_its_margin() {
        let rule = Rule::Alike { says: text(""), left: text("a"), right: text("b"), margin: 0.1 };
        assert_eq!(decided(&rule, -0.1, 0.1), Supported);
        assert_eq!(decided(&rule, 0.11, 0.3), Contradicted);
        assert_eq!(decided(&rule, -0.3, -0.11), Contradicted);
        assert_eq!(decided(&rule, -0.2, 0.05), Inconclusive);
        assert_eq!(decided(&rule, -0.2, 0.2), Inconclusive);
    }

    #[test]
    fn an_arm_in_both_differences_is_one_term() {
        let rule = Rule::GainsMore {
            says: text(""),
            gains: (text("flat"), text("soft")),
            loses: (text("flat"), text("wide")),
        };
        assert_eq!(terms(&rule), [(1.0, "soft"), (0.0, "flat"), (-1.0, "wide")]);
    }

    #[test]
    fn the_whole_follows_its_parts() {
        let of = |outcomes: &[Outcome]| overall(outcomes.iter().copied());
        assert_eq!(of(&[Supported, Supported]), Supported);
        assert_eq!(of(&[Supported, Contradicted, NotJudged]), Contradicted);
        assert_eq!(of(&[Supported, Inconclusive]), Inconclusive);
        assert_eq!(of(&[Supported, NotJudged]), Inconclusive);
        assert_eq!(of(&[NotJudged, NotJudged]), NotJudged);
        assert_eq!(of(&[]), NotJudged);
    }
}
