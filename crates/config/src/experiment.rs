//! `experiments/<figure>.ron`: the arms of a figure, its profiles and the rules that judge its claim.

use crate::{AgentPreset, Algorithm, BodySpec, EncoderSpec, InterventionSpec, Profile, ProfilePart, Rule};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The arm that every experiment has: a uniformly random policy, the zero of normalised scores.
pub const RANDOM_ARM: &str = "random";

/// Most seeds of an experiment: enough for any interval, and few enough to plan at once.
pub const MOST_SEEDS: u64 = 1_000;

/// Standard deviation of a normalised score between seeds, in units of the reference's score, for the power of a plan: that of
/// figure 3's published runs in the profile `quick`, over arms and games (docs/fig3/scores.csv). Interquartile means of human-normalised
/// scores are as uncertain with Dopamine's Rainbow and Impala after 200 million frames (docs/statistics.md).
pub const SEED_SPREAD: f64 = 0.18;

/// Experiment: one figure of the paper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Name on the command line, e.g. `fig3`.
    pub figure: String,
    /// Title of the plot.
    pub title: String,
    /// The paper's claim, in one sentence.
    pub claim: String,
    /// Arm with which others are compared (`flat`).
    pub reference: String,
    /// The arms, in the order of the plot. The random policy ([`RANDOM_ARM`]) is always added.
    pub arms: Vec<Arm>,
    /// The arms by the question that they answer: a title, and the names of its arms. Arms of no group (the reference, and what
    /// every other arm is compared with) come first in the plot, and are in every panel of learning curves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<(String, Vec<String>)>,
    /// Profiles by name; empty if the figure has no runs.
    #[serde(default)]
    pub profiles: BTreeMap<String, Profile>,
    /// The figure's parts of the profiles that figures share ([`SharedProfiles`](crate::SharedProfiles)), by name.
    /// [`Experiment::read`] moves them to `profiles`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shared_profiles: BTreeMap<String, ProfilePart>,
    /// Drawings of a figure without runs, by name: the networks of its arms at a size.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub drawings: BTreeMap<String, Drawing>,
    /// The rule that must be supported for the claim to apply, e.g. that there is a gain, where the claim is about its cause.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "plain_option")]
    pub premise: Option<Rule>,
    /// The rules of the verdict, fixed before any run.
    pub rules: Vec<Rule>,
    /// The size of the effect that the claim is about, in units of the reference's score: the plan and the verdict say how often a rule
    /// can be supported where differences are this large.
    #[serde(default = "usual_effect")]
    pub effect: f64,
}

/// Rainbow gains some 20% from its experts (Obando-Ceron et al. 2024, arXiv 2402.08609).
fn usual_effect() -> f64 {
    0.2
}

/// An arm of an experiment: one network configuration, shown as one bar of the figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Name in files and on the command line, in kebab case, e.g. `softmoe-4`.
    pub name: String,
    /// Name in the plot, e.g. `SoftMoE-4`.
    pub label: String,
    /// The body of the arm's network.
    pub body: BodySpec,
    /// The algorithm of the arm's agent, in its version for the profile's games (the profile's if left out).
    #[serde(default, skip_serializing_if = "Option::is_none", with = "plain_option")]
    pub agent: Option<Algorithm>,
    /// The arm's encoder (the profile's if left out).
    #[serde(default, skip_serializing_if = "Option::is_none", with = "plain_option")]
    pub encoder: Option<EncoderSpec>,
    /// The intervention on the arm's agent (the agent's own if left out).
    #[serde(default, skip_serializing_if = "Option::is_none", with = "plain_option")]
    pub intervention: Option<InterventionSpec>,
    /// Changes of the arm's run configurations, after the profile's and the command line's, e.g. `"agent.n_step=5"`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// The arm with which this one is compared, and whose mean score is its 1, e.g. the flat arm of the same agent (the
    /// experiment's reference if left out).
    #[serde(default, skip_serializing_if = "Option::is_none", with = "plain_option")]
    pub reference: Option<String>,
}

/// The network sizes for drawing a figure that needs no training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drawing {
    /// Its purpose, in a sentence.
    pub purpose: String,
    /// Encoder of every arm.
    pub encoder: EncoderSpec,
    /// Hidden width of every arm, before its scale.
    pub hidden: usize,
    /// Agent, which decides the networks' head.
    pub agent: AgentPreset,
    /// Channels of an observation.
    pub channels: usize,
    /// Number of actions.
    pub actions: usize,
}

/// A field that is there or not, without `Some(..)` around its value.
pub(crate) mod plain_option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        T::deserialize(deserializer).map(Some)
    }

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => value.serialize(serializer),
            None => serializer.serialize_none(),
        }
    }
}
