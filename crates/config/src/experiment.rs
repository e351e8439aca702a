//! `experiments/<figure>.ron`: the arms of a figure, its profiles and the rule that judges its claim.

use crate::words::count;
use crate::{AgentPreset, AgentSteps, BodySpec, EncoderSpec, Games, InterventionSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The arm that every experiment has: a uniformly random policy, the zero of normalised scores.
pub const RANDOM_ARM: &str = "random";

/// Most seeds of an experiment: enough for any interval, and few enough to plan at once.
pub const MOST_SEEDS: u64 = 1_000;

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
    /// Profiles by name; empty if the figure has no runs.
    #[serde(default)]
    pub profiles: BTreeMap<String, Profile>,
    /// Drawings of a figure without runs, by name: the networks of its arms at a size.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub drawings: BTreeMap<String, Drawing>,
    /// The rules of the verdict, fixed before any run.
    pub rules: Vec<Rule>,
}

/// Arm: one bar of a figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Name in files and on the command line, in kebab case, e.g. `softmoe-4`.
    pub name: String,
    /// Name in the plot, e.g. `SoftMoE-4`.
    pub label: String,
    /// The body of the arm's network.
    pub body: BodySpec,
    /// The arm's encoder (the profile's if left out).
    #[serde(default, skip_serializing_if = "Option::is_none", with = "plain_option")]
    pub encoder: Option<EncoderSpec>,
    /// The intervention on the arm's agent (the agent's own if left out).
    #[serde(default, skip_serializing_if = "Option::is_none", with = "plain_option")]
    pub intervention: Option<InterventionSpec>,
}

/// Drawing of a figure without runs: the size of its networks.
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
mod plain_option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        T::deserialize(deserializer).map(Some)
    }

    pub(super) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => value.serialize(serializer),
            None => serializer.serialize_none(),
        }
    }
}

/// Profile: size of an experiment, and its games.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its purpose, in a sentence.
    pub purpose: String,
    /// Differences from the paper's protocol that do not follow from its numbers, one sentence each;
    /// [`Profile::leaves_out`] adds those.
    pub leaves_out: Vec<String>,
    /// The games.
    pub games: Games,
    /// How many seeds, counted from 0.
    pub seeds: u64,
    /// Encoder of every arm.
    pub encoder: EncoderSpec,
    /// Hidden width of every arm, before its scale.
    pub hidden: usize,
    /// Agent of every arm, by the name of its published hyperparameters.
    pub agent: AgentPreset,
    /// Changes to the run configurations that result, written like the command line's
    /// `--set`, e.g. `"agent.n_step=5"`.
    #[serde(default)]
    pub set: Vec<String>,
    /// Length of a run.
    pub agent_steps: AgentSteps,
    /// Evaluations of a run, equally spaced (fewer where the steps cannot be divided into as many equal periods).
    pub evaluations: u64,
    /// Episodes of an evaluation.
    pub evaluation_episodes: usize,
    /// Episodes of the evaluation that gives the score.
    pub final_evaluation_episodes: usize,
}

/// The paper's protocol (arXiv 2410.01930, section 3 and appendix): 20 Atari games, 200 million frames of four to
/// an agent step, 5 seeds, hidden width 512.
mod paper {
    pub(super) const GAMES: u64 = 20;
    pub(super) const AGENT_STEPS: u64 = 50_000_000;
    pub(super) const SEEDS: u64 = 5;
    pub(super) const HIDDEN: &str = "512";
}

impl Profile {
    /// Differences from the paper's protocol, one sentence each: first those that follow from its numbers, so that
    /// it stays true of a profile that was changed since it was read, then what its file says.
    pub fn leaves_out(&self) -> Vec<String> {
        // The last of several values of a key is the one that counts.
        let set: BTreeMap<&str, &str> = self.set.iter().filter_map(|text| text.split_once('=')).collect();
        let set: BTreeMap<&str, &str> =
            set.into_iter().map(|(key, value)| (key.trim(), value.trim())).collect();

        let mut sentences = vec![self.games.leaves_out(paper::GAMES)];
        match self.encoder {
            EncoderSpec::MinAtar => {
                sentences.push("One convolution of 16 channels instead of the Impala encoder.".into());
            }
            EncoderSpec::Dense { .. } => {
                sentences.push("One dense layer instead of the Impala encoder.".into());
            }
            EncoderSpec::Nature => sentences.push("The Nature CNN instead of the Impala encoder.".into()),
            EncoderSpec::Impala { width: 1 } => {}
            EncoderSpec::Impala { width } => {
                sentences.push(format!("The Impala encoder with {width} times the channels."));
            }
        }
        let hidden =
            set.get("network.hidden").map_or_else(|| self.hidden.to_string(), |text| text.replace('_', ""));
        if hidden != paper::HIDDEN {
            sentences.push(format!("Hidden width {hidden} instead of {}.", paper::HIDDEN));
        }
        let steps = self.agent_steps;
        if steps.0 < paper::AGENT_STEPS {
            sentences.push(format!(
                "{} instead of 50 million (200 million frames).",
                count(steps.0, "agent step")
            ));
        }
        if self.seeds < paper::SEEDS {
            sentences.push(format!(
                "{} instead of {}: the intervals are wider.",
                count(self.seeds, "seed"),
                paper::SEEDS
            ));
        }
        let of_the_agent =
            set.iter().filter(|(key, _)| key.starts_with("agent.") || key.starts_with("environment."));
        let others: Vec<String> = of_the_agent.map(|(key, value)| format!("{key}={value}")).collect();
        if !others.is_empty() {
            sentences.push(format!("Other values than the usual ones: {}.", others.join(", ")));
        }
        sentences.extend(self.leaves_out.iter().cloned());
        sentences
    }
}

/// Rule: one part of a claim, judged by the 95% interval of a difference of normalised IQMs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Rule {
    /// `better` scores higher than `worse`: supported if the interval of the difference lies above 0,
    /// contradicted if it lies below.
    Higher {
        /// The rule's statement.
        says: String,
        /// The arm that should be higher.
        better: String,
        /// The arm that should be lower.
        worse: String,
    },
    /// `arm` does not score higher than `than`: contradicted if the interval of the difference lies above
    /// `margin`, supported if it lies below.
    NotHigher {
        /// The rule's statement.
        says: String,
        /// The arm that should not be higher.
        arm: String,
        /// The arm it is compared with.
        than: String,
        /// Largest difference of normalised IQMs that still counts as none.
        margin: f64,
    },
    /// `left` and `right` score alike: supported if the interval of the difference lies within
    /// +-`margin`, contradicted if it lies wholly outside.
    Alike {
        /// The rule's statement.
        says: String,
        /// One arm.
        left: String,
        /// The other.
        right: String,
        /// Largest difference of normalised IQMs that still counts as none.
        margin: f64,
    },
    /// Changing `gains.0` into `gains.1` gains more than changing `loses.0` into `loses.1`: the sign of
    /// the difference of the two differences.
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
            | Rule::NotHigher { says, .. }
            | Rule::Alike { says, .. }
            | Rule::GainsMore { says, .. } => says,
        }
    }

    /// The arms that the rule compares.
    pub fn arms(&self) -> Vec<&str> {
        match self {
            Rule::Higher { better, worse, .. } => vec![better, worse],
            Rule::NotHigher { arm, than, .. } => vec![arm, than],
            Rule::Alike { left, right, .. } => vec![left, right],
            Rule::GainsMore { gains, loses, .. } => vec![&gains.0, &gains.1, &loses.0, &loses.1],
        }
    }
}
