//! `experiments/<figure>.ron`: the arms of a figure, its profiles and the rule that judges its claim.

use crate::{AgentPreset, AgentSteps, BodySpec, EncoderSpec, Game};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The arm that every experiment has: a uniformly random policy, the zero of normalised scores.
pub const RANDOM_ARM: &str = "random";

/// One figure of the paper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Name on the command line, e.g. `fig3`.
    pub figure: String,
    /// Title of the plot.
    pub title: String,
    /// The paper's claim, in one sentence.
    pub claim: String,
    /// The arm that others are compared with (`flat`).
    pub reference: String,
    /// The arms, in the order of the plot. The random policy ([`RANDOM_ARM`]) is always added.
    pub arms: Vec<Arm>,
    /// Sizes, by profile name.
    pub profiles: BTreeMap<String, Profile>,
    /// What decides the verdict, fixed before any run.
    pub rules: Vec<Rule>,
}

/// One bar of a figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Name in files and on the command line, in kebab case, e.g. `softmoe-4`.
    pub name: String,
    /// Name in the plot, e.g. `SoftMoE-4`.
    pub label: String,
    /// The body of the arm's network.
    pub body: BodySpec,
}

/// How large the experiment is, and what it is run on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What the profile is for, in a sentence.
    pub purpose: String,
    /// What it leaves out of the paper's protocol, one sentence each.
    pub leaves_out: Vec<String>,
    /// The games.
    pub games: Vec<Game>,
    /// How many seeds, counted from 0.
    pub seeds: u64,
    /// Encoder of every arm.
    pub encoder: EncoderSpec,
    /// Hidden width of every arm, before its scale.
    pub hidden: usize,
    /// Agent of every arm, by the name of its published hyperparameters.
    pub agent: AgentPreset,
    /// What the profile changes in the run configurations so made, written like the command line's
    /// `--set`, e.g. `"agent.n_step=5"`.
    #[serde(default)]
    pub set: Vec<String>,
    /// Length of a run.
    pub agent_steps: AgentSteps,
    /// Evaluations of a run, equally spaced.
    pub evaluations: u64,
    /// Episodes of an evaluation.
    pub evaluation_episodes: usize,
    /// Episodes of the evaluation that gives the score.
    pub final_evaluation_episodes: usize,
}

/// One part of a claim, judged by the 95% interval of a difference of normalised IQMs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Rule {
    /// `better` scores higher than `worse`: supported if the interval of the difference lies above 0,
    /// contradicted if it lies below.
    Higher {
        /// What the rule says, in words.
        says: String,
        /// The arm that should be higher.
        better: String,
        /// The arm that should be lower.
        worse: String,
    },
    /// `arm` does not score higher than `than`: contradicted if the interval of the difference lies above
    /// `margin`, supported if it lies below.
    NotHigher {
        /// What the rule says, in words.
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
        /// What the rule says, in words.
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
        /// What the rule says, in words.
        says: String,
        /// (from, to) of the change that should gain more.
        gains: (String, String),
        /// (from, to) of the change that should gain less.
        loses: (String, String),
    },
}

impl Rule {
    /// What the rule says, in words.
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
