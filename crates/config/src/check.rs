//! Values of the right type that make no sense, found before a run starts. Each type's rules stand beside its fields.

use crate::ConfigError;
use crate::error::none_of;
use std::fmt::Display;
use std::ops::RangeInclusive;

/// Numbers that agents and networks use in single precision, which holds 1e-38 to 3e38. The rest is room for their products and
/// quotients.
const SMALLEST: f64 = 1e-30;
const LARGEST: f64 = 1e30;

/// Largest exponent of a loss or a probability: the usual ones are at most 1.
const LARGEST_EXPONENT: f64 = 10.0;

/// Collector of the problems of a configuration.
#[derive(Default)]
pub(crate) struct Check {
    problems: Vec<String>,
}

impl Check {
    /// An error of `subject` with every problem, if there are any.
    pub(crate) fn finish(self, subject: impl Into<String>) -> Result<(), ConfigError> {
        none_of(subject, self.problems)
    }

    /// Notes a problem that needs words of its own.
    pub(crate) fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// Notes a problem unless `holds`; `instead` is an allowed value.
    pub(crate) fn that(
        &mut self,
        holds: bool,
        key: &str,
        value: impl Display,
        rule: &str,
        instead: impl Display,
    ) {
        if !holds {
            self.problems
                .push(format!("`{key}` is {value} but must be {rule} (e.g. `--set {key}={instead}`)"));
        }
    }

    /// At least 1.
    pub(crate) fn at_least_one(&mut self, key: &str, value: u64, instead: u64) {
        self.that(value >= 1, key, value, "at least 1", instead);
    }

    /// At least 1 and at most `most`, which keeps a typo from asking for more memory than there is.
    pub(crate) fn count(&mut self, key: &str, value: u64, most: u64, instead: u64) {
        self.between(key, value, 1..=most, instead);
    }

    /// Within `allowed`.
    pub(crate) fn between(&mut self, key: &str, value: u64, allowed: RangeInclusive<u64>, instead: u64) {
        let rule = format!("between {} and {}", allowed.start(), allowed.end());
        self.that(allowed.contains(&value), key, value, &rule, instead);
    }

    /// From 0 to 1.
    pub(crate) fn probability(&mut self, key: &str, value: f64, instead: f64) {
        self.that((0.0..=1.0).contains(&value), key, value, "between 0 and 1", instead);
    }

    /// Above 0, also in single precision.
    pub(crate) fn positive(&mut self, key: &str, value: f64, instead: f64) {
        let rule = format!("a finite number above 0, from {SMALLEST:e} to {LARGEST:e}");
        self.that((SMALLEST..=LARGEST).contains(&value), key, value, &rule, instead);
    }

    /// Not below 0, and finite in single precision.
    pub(crate) fn not_negative(&mut self, key: &str, value: f64, instead: f64) {
        let rule = format!("a finite number from 0 to {LARGEST:e}");
        self.that((0.0..=LARGEST).contains(&value), key, value, &rule, instead);
    }

    /// An exponent: not below 0, and small enough for its powers.
    pub(crate) fn exponent(&mut self, key: &str, value: f64, instead: f64) {
        let rule = format!("between 0 and {LARGEST_EXPONENT}");
        self.that((0.0..=LARGEST_EXPONENT).contains(&value), key, value, &rule, instead);
    }
}
