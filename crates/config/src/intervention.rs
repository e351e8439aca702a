//! Interventions: changes of an agent's weights during training that keep its ability to learn.

use crate::check::Check;
use crate::{BodySpec, ConfigError, file};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An intervention: a reset of some weights, repeated after a number of updates.
///
/// The defaults are those of our experiments: the paper names the methods but not their numbers.
///
/// ```
/// use softmoe_config::{InterventionSpec, PartSpec};
///
/// let intervention: InterventionSpec = "redo(tau: 0.1, on: experts)".parse()?;
/// assert_eq!(intervention, InterventionSpec::Redo { period: 1000, tau: 0.1, on: PartSpec::Experts });
/// assert_eq!(intervention.period(), Some(1000));
/// # Ok::<(), softmoe_config::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum InterventionSpec {
    /// No intervention.
    #[default]
    None,
    /// ReDo (Sokar et al. 2023, arXiv 2302.12902): dormant neurons get fresh incoming weights and outgoing weights of 0.
    Redo {
        /// Updates between two resets (1000 if left out).
        #[serde(default = "thousand")]
        period: u64,
        /// A neuron is dormant if its score is at most this (0.025 if left out).
        #[serde(default = "dormant")]
        tau: f64,
        /// Part of the network whose neurons are checked (`network` if left out).
        #[serde(default = "network")]
        on: PartSpec,
    },
    /// One expert, chosen at random, is reinitialised.
    RandomReset {
        /// Updates between two resets (1000 if left out).
        #[serde(default = "thousand")]
        period: u64,
    },
    /// Shrink and perturb (Ash and Adams 2020, arXiv 1910.08475), in the form of D'Oro et al. 2023: weights become
    /// `shrink` times themselves plus `perturb` times freshly drawn ones.
    ShrinkAndPerturb {
        /// Updates between two interventions (20,000 if left out).
        #[serde(default = "twenty_thousand")]
        period: u64,
        /// Factor on the weights (0.8 if left out).
        #[serde(default = "most")]
        shrink: f64,
        /// Factor on fresh ones (0.2 if left out).
        #[serde(default = "rest")]
        perturb: f64,
        /// Part of the network whose weights change (`experts` if left out).
        #[serde(default = "experts")]
        on: PartSpec,
    },
}

/// The part of a network that an intervention changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartSpec {
    /// The experts of a mixture: not its Phi or router, not the encoder, not the head.
    Experts,
    /// The whole network.
    Network,
}

fn thousand() -> u64 {
    1_000
}

fn twenty_thousand() -> u64 {
    20_000
}

fn dormant() -> f64 {
    0.025
}

fn most() -> f64 {
    0.8
}

fn rest() -> f64 {
    0.2
}

fn network() -> PartSpec {
    PartSpec::Network
}

fn experts() -> PartSpec {
    PartSpec::Experts
}

impl InterventionSpec {
    /// Updates between two interventions; `None` without an intervention.
    pub const fn period(self) -> Option<u64> {
        match self {
            InterventionSpec::None => None,
            InterventionSpec::Redo { period, .. }
            | InterventionSpec::RandomReset { period }
            | InterventionSpec::ShrinkAndPerturb { period, .. } => Some(period),
        }
    }

    /// The part of the network that it changes; `None` without an intervention.
    pub const fn part(self) -> Option<PartSpec> {
        match self {
            InterventionSpec::None => None,
            InterventionSpec::Redo { on, .. } | InterventionSpec::ShrinkAndPerturb { on, .. } => Some(on),
            InterventionSpec::RandomReset { .. } => Some(PartSpec::Experts),
        }
    }
}

impl InterventionSpec {
    /// Notes the values that make no sense, alone or with `body`.
    pub(crate) fn check(self, check: &mut Check, body: &BodySpec) {
        let key = |field: &str| format!("agent.intervention.{field}");
        match self {
            InterventionSpec::None => {}
            InterventionSpec::Redo { period, tau, .. } => {
                check.at_least_one(&key("period"), period, 1_000);
                check.not_negative(&key("tau"), tau, 0.025);
            }
            InterventionSpec::RandomReset { period } => check.at_least_one(&key("period"), period, 1_000),
            InterventionSpec::ShrinkAndPerturb { period, shrink, perturb, .. } => {
                check.at_least_one(&key("period"), period, 20_000);
                check.probability(&key("shrink"), shrink, 0.8);
                check.not_negative(&key("perturb"), perturb, 0.2);
            }
        }
        if self.part() == Some(PartSpec::Experts) && !body.has_experts() {
            let instead = match self {
                InterventionSpec::RandomReset { .. } => "agent.intervention=none",
                _ => "agent.intervention.on=network",
            };
            check.problem(format!(
                "`agent.intervention` is {self}, which changes experts, but the body `{}` has none (e.g. \
                 `--set {instead}`)",
                body.name()
            ));
        }
    }
}

/// As in a file, in one line.
impl fmt::Display for InterventionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        file::one_line(self, f)
    }
}

/// As in a file; `redo()` has every default.
impl FromStr for InterventionSpec {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        file::value("intervention", text)
    }
}
