//! Values of the right type that make no sense, found before a run starts. Each type's rules stand beside its fields.

use crate::ConfigError;
use crate::error::none_of;
use std::fmt::Display;
use std::ops::RangeInclusive;

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

    /// Finite and above 0.
    pub(crate) fn positive(&mut self, key: &str, value: f64, instead: f64) {
        self.that(value > 0.0 && value.is_finite(), key, value, "a finite number above 0", instead);
    }

    /// Finite and not below 0.
    pub(crate) fn not_negative(&mut self, key: &str, value: f64, instead: f64) {
        self.that(value >= 0.0 && value.is_finite(), key, value, "a finite number from 0", instead);
    }
}
