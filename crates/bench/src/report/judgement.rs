//! The judgement of one rule.

use crate::normalise::Normalisation;
use crate::statistics::{Contrast, Estimate, holm, power_in_words};
use softmoe_config::{Experiment, Rule};
use std::fmt;

/// Level of the tests that contradict a rule.
const SIGNIFICANCE: f64 = 0.05;

/// The judgement of a claim or of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The whole interval agrees with the claim.
    Supported,
    /// The whole interval contradicts the claim, also after correction for the number of rules.
    Contradicted,
    /// The interval allows both.
    Inconclusive,
    /// The claim's premise is not supported.
    NotApplicable,
    /// Runs are missing.
    NotJudged,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Outcome::Supported => "supported",
            Outcome::Contradicted => "contradicted",
            Outcome::Inconclusive => "inconclusive",
            Outcome::NotApplicable => "not applicable",
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
    /// The differences under which the rule holds, strictly between the two ends; an end may be infinite.
    pub range: (f64, f64),
    /// Level of the interval: 0.9 for rules with a margin, 0.95 for others.
    pub confidence: f64,
    /// The difference of mean normalised scores with its t interval; `None` if an arm has no aggregate.
    pub estimate: Option<Estimate>,
    /// Probability of a difference at least as far outside of the range if the rule holds, two-sided, after Holm's correction for
    /// the number of rules; `None` without an interval.
    pub p_value: Option<f64>,
    /// How often the rule can be supported with as many runs, in words; `None` without an interval.
    pub power: Option<String>,
    /// The judgement.
    pub outcome: Outcome,
    /// The reason for a missing or an inconclusive judgement.
    pub why: Option<String>,
}

/// The judgement of `rule`, before the correction for the number of rules.
pub(super) fn judge(experiment: &Experiment, rule: &Rule, normalisation: &Normalisation) -> Judgement {
    let label = |arm: &str| super::label(experiment, arm);
    let mut judgement = Judgement {
        says: rule.says().to_owned(),
        difference: difference(rule, label),
        asks: asks(rule),
        range: rule.range(),
        confidence: rule.confidence(),
        estimate: None,
        p_value: None,
        power: None,
        outcome: Outcome::NotJudged,
        why: None,
    };
    if normalisation.games().is_empty() {
        judgement.why = Some("no game could be normalised (see the notes)".to_owned());
        return judgement;
    }
    match normalisation.contrast(&rule.terms()) {
        Ok(contrast) => judgement.decide(&contrast, rule, experiment.effect),
        Err(absent) => {
            let absent: Vec<String> = absent.into_iter().map(|arm| format!("\"{}\"", label(arm))).collect();
            judgement.why = Some(format!("needs runs of {} on every game", absent.join(" and ")));
        }
    }
    judgement
}

impl Judgement {
    fn decide(&mut self, contrast: &Contrast, rule: &Rule, effect: f64) {
        self.estimate = Some(contrast.estimate(self.confidence));
        self.outcome = Outcome::Inconclusive;
        let Some(uncertainty) = contrast.uncertainty else {
            self.why = Some("a single run has no interval".to_owned());
            return;
        };
        self.p_value = contrast.p_within(self.range);
        let truth = rule.assumed(effect);
        let power = uncertainty.power(self.range, truth, self.confidence);
        self.power = Some(power_in_words(power, truth));
        if contrast.lies_within(self.range, self.confidence) {
            self.outcome = Outcome::Supported;
        } else if self.p_value.is_some_and(|p| p <= SIGNIFICANCE) {
            self.outcome = Outcome::Contradicted;
        }
    }

    /// A judgement of nothing, for tests.
    #[cfg(test)]
    pub(super) fn unknown() -> Self {
        Judgement {
            says: String::new(),
            difference: String::new(),
            asks: String::new(),
            range: (0.0, f64::INFINITY),
            confidence: 0.95,
            estimate: None,
            p_value: None,
            power: None,
            outcome: Outcome::NotJudged,
            why: None,
        }
    }
}

/// The judgements of a figure's rules after Holm's correction for their number: a rule that is contradicted by its own
/// interval only is inconclusive.
pub(super) fn with_family(mut judgements: Vec<Judgement>) -> Vec<Judgement> {
    // A rule that was not tested counts as one that holds, so that the outcome of a rule does not depend on missing runs.
    let p_values: Vec<f64> = judgements.iter().map(|judgement| judgement.p_value.unwrap_or(1.0)).collect();
    let rules = judgements.len();
    for (judgement, adjusted) in judgements.iter_mut().zip(holm(&p_values)) {
        judgement.p_value = judgement.p_value.map(|_| adjusted);
        if judgement.outcome == Outcome::Contradicted && adjusted > SIGNIFICANCE {
            judgement.outcome = Outcome::Inconclusive;
            judgement.why =
                Some(format!("its interval contradicts it, but not after correction for {rules} rules"));
        }
    }
    judgements
}

/// The rule's difference, in words.
fn difference(rule: &Rule, label: impl Fn(&str) -> String) -> String {
    let minus = |left: &str, right: &str| format!("{} − {}", label(left), label(right));
    match rule {
        Rule::Higher { better: arm, worse: than, .. }
        | Rule::Lower { arm, than, .. }
        | Rule::NotHigher { arm, than, .. }
        | Rule::NotLower { arm, than, .. }
        | Rule::Alike { left: arm, right: than, .. } => minus(arm, than),
        Rule::NotHigherOnAverage { pairs, .. } => {
            let pairs: Vec<String> =
                pairs.iter().map(|(arm, than)| format!("({})", minus(arm, than))).collect();
            format!("mean of {}", pairs.join(", "))
        }
        Rule::GainsMore { gains, loses, .. } => {
            format!("({}) − ({})", minus(&gains.1, &gains.0), minus(&loses.1, &loses.0))
        }
    }
}

/// The condition on the interval for support, in words.
fn asks(rule: &Rule) -> String {
    match rule {
        Rule::Higher { .. } | Rule::GainsMore { .. } => "above 0".to_owned(),
        Rule::Lower { .. } => "below 0".to_owned(),
        Rule::NotHigher { margin, .. } | Rule::NotHigherOnAverage { margin, .. } => format!("below {margin}"),
        Rule::NotLower { margin, .. } => format!("above -{margin}"),
        Rule::Alike { margin, .. } => format!("within ±{margin}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Uncertainty;
    use Outcome::{Contradicted, Inconclusive, Supported};

    fn text(text: &str) -> String {
        text.to_owned()
    }

    /// The outcome of `rule` for `value`, whose 95% interval is +-0.1 and whose 90% interval +-0.084.
    fn decided(rule: &Rule, value: f64) -> Outcome {
        let uncertainty = Uncertainty { standard_error: 0.1 / 1.96, degrees_of_freedom: 1e6 };
        let mut judgement =
            Judgement { range: rule.range(), confidence: rule.confidence(), ..Judgement::unknown() };
        judgement.decide(&Contrast { value, uncertainty: Some(uncertainty) }, rule, 0.2);
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
        for (value, outcome) in
            [(0.01, Supported), (-0.5, Supported), (0.21, Contradicted), (0.19, Inconclusive)]
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
}
