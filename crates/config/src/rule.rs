//! The rules that judge a claim: one comparison of arms each.

use serde::{Deserialize, Serialize};

/// A rule: one part of the claim, a statement about a difference of arms.
///
/// An arm's value is the mean of its normalised scores over runs and games; of human-normalised scores, it is the interquartile mean.
/// Margins are in units of the reference's value, which is 1 where the reference makes the scale. The difference of a rule is estimated with a
/// t interval (`softmoe-statistics`, `Contrast`), and the rule is
///
/// - *supported* if the interval lies within the rule's [range](Rule::range): the 95% interval for rules without
///   a margin, the 90% interval for rules with one (each bound is then tested at 5%; for `alike` these are two one-sided
///   tests, TOST);
/// - *contradicted* if the difference lies outside of that range significantly: at 5%, two-sided, after Holm's
///   correction for the number of the figure's rules;
/// - *inconclusive* otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Rule {
    /// `better` scores higher than `worse`: tests `better - worse > 0`.
    Higher {
        /// The rule's statement.
        says: String,
        /// The arm that should be higher.
        better: String,
        /// The arm that should be lower.
        worse: String,
    },
    /// `arm` scores lower than `than`: tests `arm - than < 0`.
    Lower {
        /// The rule's statement.
        says: String,
        /// The arm that should be lower.
        arm: String,
        /// The arm it is compared with.
        than: String,
    },
    /// `arm` does not score higher than `than` by `margin` or more: tests `arm - than < margin`.
    NotHigher {
        /// The rule's statement.
        says: String,
        /// The arm that should not be higher.
        arm: String,
        /// The arm it is compared with.
        than: String,
        /// Smallest difference that counts as one, in units of the reference's score.
        margin: f64,
    },
    /// Averaged over `pairs`, the first arm does not score higher than the second by `margin` or more: tests
    /// `mean over pairs of (arm - than) < margin`.
    NotHigherOnAverage {
        /// The rule's statement.
        says: String,
        /// (arm, than) of each comparison; all have the same weight.
        pairs: Vec<(String, String)>,
        /// Smallest difference that counts as one, in units of the reference's score.
        margin: f64,
    },
    /// `arm` does not score lower than `than` by `margin` or more: tests `arm - than > -margin`.
    NotLower {
        /// The rule's statement.
        says: String,
        /// The arm that should not be lower.
        arm: String,
        /// The arm it is compared with.
        than: String,
        /// Smallest difference that counts as one, in units of the reference's score.
        margin: f64,
    },
    /// `left` and `right` score alike: tests `-margin < left - right < margin`.
    Alike {
        /// The rule's statement.
        says: String,
        /// One arm.
        left: String,
        /// The other.
        right: String,
        /// Smallest difference that counts as one, in units of the reference's score.
        margin: f64,
    },
    /// Changing `gains.0` into `gains.1` gains more than changing `loses.0` into `loses.1`: tests
    /// `(gains.1 - gains.0) - (loses.1 - loses.0) > 0`.
    GainsMore {
        /// The rule's statement.
        says: String,
        /// (from, to) of the change that should gain more.
        gains: (String, String),
        /// (from, to) of the change that should gain less.
        loses: (String, String),
    },
}

impl Rule {
    /// The rule's statement.
    pub fn says(&self) -> &str {
        match self {
            Rule::Higher { says, .. }
            | Rule::Lower { says, .. }
            | Rule::NotHigher { says, .. }
            | Rule::NotHigherOnAverage { says, .. }
            | Rule::NotLower { says, .. }
            | Rule::Alike { says, .. }
            | Rule::GainsMore { says, .. } => says,
        }
    }

    /// The arms that the rule compares, each once.
    pub fn arms(&self) -> Vec<&str> {
        self.terms().into_iter().map(|(_, arm)| arm).collect()
    }

    /// The weight of each arm in the rule's difference, each arm once: of an arm that occurs twice, the sum.
    pub fn terms(&self) -> Vec<(f64, &str)> {
        let all: Vec<(f64, &str)> = match self {
            Rule::Higher { better: arm, worse: than, .. }
            | Rule::Lower { arm, than, .. }
            | Rule::NotHigher { arm, than, .. }
            | Rule::NotLower { arm, than, .. }
            | Rule::Alike { left: arm, right: than, .. } => vec![(1.0, arm), (-1.0, than)],
            Rule::NotHigherOnAverage { pairs, .. } => {
                let weight = 1.0 / pairs.len() as f64;
                pairs
                    .iter()
                    .flat_map(|(arm, than)| [(weight, arm.as_str()), (-weight, than.as_str())])
                    .collect()
            }
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

    /// The differences under which the rule holds, strictly between the two ends.
    pub fn range(&self) -> (f64, f64) {
        match *self {
            Rule::Higher { .. } | Rule::GainsMore { .. } => (0.0, f64::INFINITY),
            Rule::Lower { .. } => (f64::NEG_INFINITY, 0.0),
            Rule::NotHigher { margin, .. } | Rule::NotHigherOnAverage { margin, .. } => {
                (f64::NEG_INFINITY, margin)
            }
            Rule::NotLower { margin, .. } => (-margin, f64::INFINITY),
            Rule::Alike { margin, .. } => (-margin, margin),
        }
    }

    /// The largest difference that still counts as none; `None` for rules that ask for a difference.
    pub fn margin(&self) -> Option<f64> {
        match *self {
            Rule::NotHigher { margin, .. }
            | Rule::NotHigherOnAverage { margin, .. }
            | Rule::NotLower { margin, .. }
            | Rule::Alike { margin, .. } => Some(margin),
            Rule::Higher { .. } | Rule::Lower { .. } | Rule::GainsMore { .. } => None,
        }
    }

    /// The level of the interval that supports the rule when it lies within [`range`](Rule::range).
    pub fn confidence(&self) -> f64 {
        if self.margin().is_some() { 0.9 } else { 0.95 }
    }

    /// The difference to assume for the rule's power where an effect has the size `effect`: that effect for rules that
    /// ask for a difference, none for the others.
    pub fn assumed(&self, effect: f64) -> f64 {
        match self {
            Rule::Higher { .. } | Rule::GainsMore { .. } => effect,
            Rule::Lower { .. } => -effect,
            Rule::NotHigher { .. }
            | Rule::NotHigherOnAverage { .. }
            | Rule::NotLower { .. }
            | Rule::Alike { .. } => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arm_in_both_differences_is_one_term() {
        let name = |name: &str| name.to_owned();
        let rule = Rule::GainsMore {
            says: String::new(),
            gains: (name("flat"), name("soft")),
            loses: (name("flat"), name("wide")),
        };
        assert_eq!(rule.terms(), [(1.0, "soft"), (0.0, "flat"), (-1.0, "wide")]);
    }

    #[test]
    fn an_average_weighs_every_pair_alike() {
        let pair = |arm: &str, than: &str| (arm.to_owned(), than.to_owned());
        let rule = Rule::NotHigherOnAverage {
            says: String::new(),
            pairs: vec![pair("redo", "plain"), pair("der-redo", "der-plain")],
            margin: 0.1,
        };
        assert_eq!(rule.terms(), [(0.5, "redo"), (-0.5, "plain"), (0.5, "der-redo"), (-0.5, "der-plain")]);
        assert_eq!(rule.range(), (f64::NEG_INFINITY, 0.1));
    }
}
