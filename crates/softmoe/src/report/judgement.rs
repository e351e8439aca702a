//! The judgement of one rule.

use crate::normalise::{Normalisation, is_clearly_positive};
use crate::statistics::{Contrast, Estimate, holm, power_in_words};
use softmoe_config::words::share;
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
    /// The difference of mean normalised scores, or of interquartile means, with its t interval; `None` if an arm has no aggregate.
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
        asks: asks(rule, None, None),
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
    // On a scale of humans, margins and effects are shares of the reference's score. On the others that score is 1 by definition, or the games
    // define the unit.
    let reference = rule.arms().first().map(|arm| experiment.reference_of(arm));
    let unit = reference.filter(|_| normalisation.is_interquartile());
    let name = unit.map(label);
    let test = Test::of(rule, unit, normalisation);
    let one = test.as_ref().ok().and_then(|test| test.unit);
    judgement.asks = asks(rule, name.as_deref(), one);
    match test {
        Ok(test) => judgement.decide(&test, rule, experiment.effect, name.as_deref()),
        Err(absent) => {
            let absent: Vec<String> = absent.into_iter().map(|arm| format!("\"{}\"", label(arm))).collect();
            judgement.why = Some(format!("needs runs of {} on every game", absent.join(" and ")));
        }
    }
    judgement
}

/// The numbers that decide a rule.
struct Test {
    difference: Contrast,
    /// What must be above 0 for the rule to hold, one for each finite end of its range: the distance of the difference from that end.
    /// Where an end is a share of the reference's score, the distance is uncertain through both. (A ratio's bound is tested as such a
    /// linear contrast: Fieller 1954; Hauschke et al. 1999.)
    bounds: Vec<Contrast>,
    /// The unit of margins and effects; `None` if it is not known.
    unit: Option<f64>,
    /// Whether a margin can be a share of the unit: it is clearly above 0.
    has_clear_unit: bool,
}

impl Test {
    /// The test of `rule`, whose margins are shares of the score of the arm `unit`, or numbers.
    ///
    /// # Errors
    ///
    /// The arms that have no score.
    fn of<'a>(rule: &'a Rule, unit: Option<&'a str>, scores: &Normalisation) -> Result<Self, Vec<&'a str>> {
        let difference = scores.contrast(&rule.terms())?;
        let Some(reference) = unit else { return Ok(Test::with_margins_in_scores(rule, difference)) };
        let unit = scores.contrast(&[(1.0, reference)]);
        let mut bounds = Vec::new();
        for (sign, end) in ends(rule) {
            let mut terms: Vec<(f64, &str)> =
                rule.terms().into_iter().map(|(weight, arm)| (sign * weight, arm)).collect();
            match terms.iter_mut().find(|(_, arm)| *arm == reference) {
                _ if end == 0.0 => {}
                Some((weight, _)) => *weight -= sign * end,
                None => terms.push((-sign * end, reference)),
            }
            bounds.push(scores.contrast(&terms)?);
        }
        let has_clear_unit =
            unit.as_ref().is_ok_and(|unit| is_clearly_positive(unit.value, unit.uncertainty));
        Ok(Test { difference, bounds, unit: unit.ok().map(|unit| unit.value), has_clear_unit })
    }

    /// The test where the unit is 1.
    fn with_margins_in_scores(rule: &Rule, difference: Contrast) -> Self {
        let Contrast { value, uncertainty } = difference;
        let bound = |(sign, end): (f64, f64)| Contrast { value: sign * (value - end), uncertainty };
        Test { difference, bounds: ends(rule).map(bound).collect(), unit: Some(1.0), has_clear_unit: true }
    }
}

/// The finite ends of the rule's range, each with 1 for a lower and -1 for an upper one.
fn ends(rule: &Rule) -> impl Iterator<Item = (f64, f64)> {
    let (low, high) = rule.range();
    [(1.0, low), (-1.0, high)].into_iter().filter(|(_, end)| end.is_finite())
}

/// Above 0.
const POSITIVE: (f64, f64) = (0.0, f64::INFINITY);

impl Judgement {
    fn decide(&mut self, test: &Test, rule: &Rule, effect: f64, unit: Option<&str>) {
        self.estimate = Some(test.difference.estimate(self.confidence));
        if let (Some(margin), false) = (rule.margin(), test.has_clear_unit) {
            let unit = unit.unwrap_or_default();
            self.why = Some(format!(
                "its margin is {}, which is not clearly above that of the random policy ({:.2})",
                share(margin, Some(unit)),
                test.unit.unwrap_or_default()
            ));
            return;
        }
        self.outcome = Outcome::Inconclusive;
        let widest = test.bounds.iter().filter_map(|bound| bound.uncertainty);
        let Some(uncertainty) = widest.max_by(|a, b| a.standard_error.total_cmp(&b.standard_error)) else {
            self.why = Some("a single run has no interval".to_owned());
            return;
        };
        self.p_value = test.bounds.iter().filter_map(|bound| bound.p_within(POSITIVE)).min_by(f64::total_cmp);
        if let Some(one) = test.unit.filter(|_| test.has_clear_unit) {
            let truth = rule.assumed(effect);
            self.range = (one * self.range.0, one * self.range.1);
            let power = uncertainty.power(self.range, one * truth, self.confidence);
            let truth = (truth != 0.0).then(|| share(truth, unit));
            self.power = Some(power_in_words(power, truth.as_deref()));
        }
        if test.bounds.iter().all(|bound| bound.lies_within(POSITIVE, self.confidence)) {
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

/// The condition on the interval for support, in words. A margin is a share of the score of the arm labelled `unit`, if there is one; `one`
/// is that score, where it is known.
fn asks(rule: &Rule, unit: Option<&str>, one: Option<f64>) -> String {
    let margin = |sign: &str, margin: f64| match (unit, one) {
        (Some(_), Some(one)) => format!("{sign}{} ({sign}{:.2})", share(margin, unit), one * margin),
        _ => format!("{sign}{}", share(margin, unit)),
    };
    match *rule {
        Rule::Higher { .. } | Rule::GainsMore { .. } => "above 0".to_owned(),
        Rule::Lower { .. } => "below 0".to_owned(),
        Rule::NotHigher { margin: most, .. } | Rule::NotHigherOnAverage { margin: most, .. } => {
            format!("below {}", margin("", most))
        }
        Rule::NotLower { margin: most, .. } => format!("above {}", margin("-", most)),
        Rule::Alike { margin: most, .. } => format!("within {}", margin("±", most)),
    }
}

#[cfg(test)]
mod tests;
