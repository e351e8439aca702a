//! Profiles: the sizes of experiments, and the file of those that figures share.

use crate::error::none_of;
use crate::experiment::MOST_SEEDS;
use crate::names::{self, known};
use crate::words::count;
use crate::{AgentPreset, AgentSteps, Algorithm, ConfigError, EncoderSpec, Games, file};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The name of the file of shared profiles, beside those of the experiments.
pub const SHARED_PROFILES: &str = "profiles.ron";

/// The profiles that figures share, by name: `experiments/profiles.ron`.
///
/// Figures with the same profile and the same arm have the same run, which is trained once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SharedProfiles(pub BTreeMap<String, Profile>);

impl SharedProfiles {
    /// The shared profiles for the experiment in the file at `experiment`.
    ///
    /// # Errors
    ///
    /// As [`file::read`] for [`SHARED_PROFILES`] in the same directory.
    pub fn beside(experiment: &Path) -> Result<Self, ConfigError> {
        file::read(&experiment.with_file_name(SHARED_PROFILES))
    }

    /// The profile of that name, narrowed to a figure's `part` of it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownName`] if there is no such profile or game, [`ConfigError::Invalid`] if the part is wider than the
    /// profile.
    pub fn part(&self, name: &str, part: &ProfilePart) -> Result<Profile, ConfigError> {
        known("shared profile", name, self.0.keys().map(String::as_str))?;
        let mut profile = self.0[name].clone();
        let mut problems = Vec::new();
        if !part.games.is_empty() {
            let all = profile.games.list();
            profile.games = profile.games.select(part.games.iter().map(String::as_str))?;
            if let Some(game) = profile.games.list().into_iter().find(|game| !all.contains(game)) {
                let allowed = names::list(all.iter().map(|game| game.name()));
                problems.push(format!(
                    "`games` has {game}, which the profile does not have: choose among {allowed}"
                ));
            }
        }
        if let Some(seeds) = part.seeds {
            if seeds > profile.seeds {
                let most = profile.seeds;
                problems.push(format!("`seeds` is {seeds} but must be at most the profile's {most}"));
            }
            profile.seeds = seeds;
        }
        none_of(format!("shared profile `{name}`"), problems)?;
        profile.arms.clone_from(&part.arms);
        profile.without.clone_from(&part.without);
        if let Some(purpose) = &part.purpose {
            profile.purpose.clone_from(purpose);
        }
        profile.leaves_out.extend(part.leaves_out.iter().cloned());
        Ok(profile)
    }
}

/// A figure's part of a shared profile: what it leaves out of it, so that its runs are the profile's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProfilePart {
    /// The purpose in this figure (the profile's if left out).
    #[serde(skip_serializing_if = "Option::is_none", with = "crate::experiment::plain_option")]
    pub purpose: Option<String>,
    /// The arms that are run (all if left out).
    pub arms: Vec<String>,
    /// The arms that make no sense in this profile.
    pub without: Vec<String>,
    /// Names of the games or of their sets, among the profile's (all if left out).
    pub games: Vec<String>,
    /// How many seeds, at most the profile's (all if left out).
    #[serde(skip_serializing_if = "Option::is_none", with = "crate::experiment::plain_option")]
    pub seeds: Option<u64>,
    /// Differences from the paper's protocol in this figure, beside those of the profile.
    pub leaves_out: Vec<String>,
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
    /// The arms that are run (all if left out).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<String>,
    /// The arms that make no sense in this profile, e.g. because their encoder reads observations of another size. Rules about
    /// them are no part of the verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// The games.
    pub games: Games,
    /// How many seeds, counted from the first.
    pub seeds: u64,
    /// The first seed (0 if left out).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub first_seed: u64,
    /// Encoder of every arm.
    pub encoder: EncoderSpec,
    /// Hidden width of every arm, before its scale.
    pub hidden: usize,
    /// Agent of every arm, by the name of its published hyperparameters.
    pub agent: AgentPreset,
    /// Changes of the arms whose agents have these algorithms, before those of `set`, which must have other keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set_of: BTreeMap<Algorithm, Vec<String>>,
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
    pub(super) const GAMES: usize = 20;
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

        let mut sentences = Vec::from_iter(self.games.leaves_out(paper::GAMES));
        match self.encoder {
            EncoderSpec::MinAtar => {
                sentences.push("One convolution of 16 channels instead of the Impala encoder.".into());
            }
            EncoderSpec::MinAtarDeep => {
                sentences.push("Three convolutions of 32 channels instead of the Impala encoder.".into());
            }
            EncoderSpec::MinAtarResidual { .. } => {
                sentences
                    .push("One residual stage of 32 channels instead of the Impala encoder's three.".into());
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
            sentences.push(format!("{} instead of {}.", count(self.seeds, "seed"), paper::SEEDS));
        }
        let of_the_agent =
            set.iter().filter(|(key, _)| key.starts_with("agent.") || key.starts_with("environment."));
        let mut others: Vec<String> = of_the_agent.map(|(key, value)| format!("{key}={value}")).collect();
        for (algorithm, settings) in &self.set_of {
            others.extend(settings.iter().map(|setting| format!("{setting} ({algorithm})")));
        }
        if !others.is_empty() {
            sentences.push(format!("Other values than the usual ones: {}.", others.join(", ")));
        }
        sentences.extend(self.leaves_out.iter().cloned());
        sentences
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

pub(crate) fn too_many_seeds(profile: &Profile) -> Option<String> {
    let is_too_many = profile.seeds > MOST_SEEDS;
    is_too_many
        .then(|| format!("has {} seeds but must have at most {MOST_SEEDS} (e.g. `--seeds 5`)", profile.seeds))
}

/// What makes no sense in a profile, each beginning with a verb.
pub(crate) fn problems(profile: &Profile) -> Vec<String> {
    let mut problems = Vec::new();
    let games = profile.games.list();
    let unique: BTreeSet<_> = games.iter().collect();
    if games.is_empty() || unique.len() < games.len() {
        problems.push("must name at least one game, and each once (`--games breakout`)".into());
    }
    if profile.seeds == 0 {
        problems.push("has 0 seeds but must have at least 1 (`--seeds 1`)".into());
    }
    problems.extend(too_many_seeds(profile));
    if profile.evaluations == 0 || profile.evaluations > profile.agent_steps.0 {
        problems.push(format!(
            "has {} evaluations but must have between 1 and one an agent step ({})",
            profile.evaluations, profile.agent_steps
        ));
    }
    let key = |setting: &str| setting.split('=').next().unwrap_or_default().trim().to_owned();
    let keys: BTreeSet<String> = profile.set.iter().map(|setting| key(setting)).collect();
    for setting in profile.set_of.values().flatten().filter(|setting| keys.contains(&key(setting))) {
        problems.push(format!(
            "has `{}` in `set` and in `set_of`: `set` would win, so leave it out of one of them",
            key(setting)
        ));
    }
    problems
}
