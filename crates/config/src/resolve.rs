//! From an experiment to the configurations of its runs.

use crate::error::none_of;
use crate::experiment::RANDOM_ARM;
use crate::names::{UnknownName, known};
use crate::profile::{SHARED_PROFILES, too_many_seeds};
use crate::setting::settable;
use crate::{
    AgentConfig, AgentSteps, Architecture, Arm, BodySpec, ConfigError, Drawing, EncoderSpec,
    EnvironmentConfig, Experiment, Game, HeadSpec, InstructionSet, NetworkSpec, Profile, Rule, RunConfig,
    RunVersion, Setting, SharedProfiles, TrainingConfig, file,
};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// Atari's frames in an observation, and all actions of its joystick (Machado et al. 2018, arXiv 1709.06009).
const ATARI_FRAMES: usize = 4;
const ATARI_ACTIONS: usize = 18;

impl Experiment {
    /// The files of the experiments in `directory`, sorted: `*.ron` but [`SHARED_PROFILES`].
    ///
    /// # Errors
    ///
    /// The system's, if the directory cannot be read.
    pub fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in directory.read_dir()? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "ron")
                && !path.ends_with(SHARED_PROFILES)
            {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Reads an experiment from its file, e.g. `experiments/fig3.ron`, with the shared profiles that it names from
    /// [`SHARED_PROFILES`] beside it, and checks it.
    ///
    /// # Errors
    ///
    /// As [`file::read`], [`SharedProfiles::part`] and [`Experiment::validate`]; also if the figure has another name than the
    /// file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let mut experiment: Experiment = file::read(path)?;
        if !experiment.shared_profiles.is_empty() {
            experiment.take_profiles(&SharedProfiles::beside(path)?)?;
        }
        let mut problems = Vec::new();
        if path.file_stem().is_some_and(|stem| stem != experiment.figure.as_str()) {
            problems.push(format!(
                "`figure` is \"{}\" but must be the file's name without `.ron`",
                experiment.figure
            ));
        }
        none_of(path.display().to_string(), problems)?;
        experiment.validate().map_err(|error| match error {
            ConfigError::Invalid { problems, .. } => {
                ConfigError::Invalid { subject: path.display().to_string(), problems }
            }
            other => other,
        })?;
        Ok(experiment)
    }

    /// Moves the experiment's parts of `shared` profiles to its own profiles.
    ///
    /// # Errors
    ///
    /// As [`SharedProfiles::part`]; [`ConfigError::Invalid`] for a profile that the experiment defines itself too.
    pub fn take_profiles(&mut self, shared: &SharedProfiles) -> Result<(), ConfigError> {
        for (name, part) in std::mem::take(&mut self.shared_profiles) {
            if self.profiles.contains_key(&name) {
                let problems = vec![format!(
                    "`{name}` is in `profiles` and in `shared_profiles`: give yours another name, since equal names mean equal runs"
                )];
                none_of(format!("experiment {}", self.figure), problems)?;
            }
            let profile = shared.part(&name, &part)?;
            self.profiles.insert(name, profile);
        }
        Ok(())
    }

    /// The profile of that name.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownName`] if there is none.
    pub fn profile(&self, name: &str) -> Result<&Profile, ConfigError> {
        known("profile", name, self.profiles.keys().map(String::as_str))?;
        Ok(&self.profiles[name])
    }

    /// The drawing of that name.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownName`] if there is none.
    pub fn drawing(&self, name: &str) -> Result<&Drawing, ConfigError> {
        known("drawing", name, self.drawings.keys().map(String::as_str))?;
        Ok(&self.drawings[name])
    }

    /// The arm of that name, [`RANDOM_ARM`] aside.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownName`] if there is none.
    pub fn arm(&self, name: &str) -> Result<&Arm, ConfigError> {
        let names = || self.arms.iter().map(|arm| arm.name.as_str());
        let unknown = || UnknownName {
            kind: "arm",
            given: name.to_owned(),
            allowed: names().map(str::to_owned).collect(),
        };
        Ok(self.arms.iter().find(|arm| arm.name == name).ok_or_else(unknown)?)
    }

    /// The names of the arms, [`RANDOM_ARM`] first.
    pub fn arm_names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(RANDOM_ARM).chain(self.arms.iter().map(|arm| arm.name.as_str()))
    }

    /// The names of the arms that make sense in `profile`, [`RANDOM_ARM`] first.
    pub fn arms_for<'a>(&'a self, profile: &'a Profile) -> impl Iterator<Item = &'a str> {
        self.arm_names().filter(|name| !profile.without.iter().any(|arm| arm == name))
    }

    /// The names of the arms that `profile` runs, [`RANDOM_ARM`] first.
    pub fn arms_of<'a>(&'a self, profile: &'a Profile) -> impl Iterator<Item = &'a str> {
        let is_run = |name: &&str| {
            profile.arms.is_empty() || *name == RANDOM_ARM || profile.arms.iter().any(|arm| arm == name)
        };
        self.arms_for(profile).filter(is_run)
    }

    /// The rules of the verdict in `profile`: those about arms that make sense there.
    pub fn rules_for<'a>(&'a self, profile: &'a Profile) -> impl Iterator<Item = &'a Rule> {
        let is_without = |arm: &str| profile.without.iter().any(|other| other == arm);
        self.rules.iter().filter(move |rule| !rule.arms().into_iter().any(is_without))
    }

    /// The arm with which `arm` is compared, and whose mean score is its 1: its own reference, or the experiment's.
    pub fn reference_of(&self, arm: &str) -> &str {
        let own = self.arm(arm).ok().and_then(|arm| arm.reference.as_deref());
        own.unwrap_or(&self.reference)
    }

    /// The configurations of all runs of `arms` in `profile` (by name `profile_name`), which may have been
    /// changed since it was read: seed by seed, so that an experiment stopped early has whole seeds; within a
    /// seed game by game, arm by arm.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownName`] for an arm that the experiment does not have or a setting whose key no arm of the experiment has,
    /// [`ConfigError::Setting`] for a value of the wrong type, [`ConfigError::Invalid`] for a configuration that
    /// does not [validate](RunConfig::validate) or more than [`MOST_SEEDS`](crate::MOST_SEEDS).
    pub fn resolve(
        &self,
        profile_name: &str,
        profile: &Profile,
        arms: &[&str],
    ) -> Result<Vec<RunConfig>, ConfigError> {
        none_of(format!("profile `{profile_name}`"), too_many_seeds(profile).into_iter().collect())?;
        let mut runs = Vec::new();
        for seed in profile.first_seed..profile.first_seed.saturating_add(profile.seeds) {
            for game in profile.games.list() {
                for arm in arms {
                    runs.push(self.run(profile_name, profile, arm, game, seed)?);
                }
            }
        }
        let settings = all_settings(&profile.set)?;
        self.check_keys(&settings, profile_name, profile)?;
        for run in &mut runs {
            self.set(profile, &settings, run)?;
            run.validate()?;
        }
        Ok(runs)
    }

    /// The configuration of one run, as [`resolve`](Self::resolve) makes it.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub fn resolve_run(
        &self,
        profile_name: &str,
        profile: &Profile,
        arm: &str,
        game: Game,
        seed: u64,
    ) -> Result<RunConfig, ConfigError> {
        let mut run = self.run(profile_name, profile, arm, game, seed)?;
        self.set(profile, &all_settings(&profile.set)?, &mut run)?;
        run.validate()?;
        Ok(run)
    }

    /// The network of `arm` in the drawing of that name.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownName`] for an arm or a drawing that the experiment does not have, [`ConfigError::Invalid`] for sizes
    /// that do not fit together.
    pub fn drawn(&self, name: &str, arm: &str) -> Result<Architecture, ConfigError> {
        let drawing = self.drawing(name)?;
        let arm = self.arm(arm)?;
        let encoder = arm.encoder.unwrap_or(drawing.encoder);
        let plain = HeadSpec::Q { dueling: false, noisy: false };
        let head = drawing.agent.config().learning().map_or(plain, |agent| agent.head());
        let [height, width] = encoder.pixels();
        let architecture = Architecture {
            network: NetworkSpec { encoder, body: arm.body.clone(), hidden: drawing.hidden },
            head,
            observation: [height, width, drawing.channels],
            actions: drawing.actions,
            permutation_seed: 0,
        };
        architecture.validate()?;
        Ok(architecture)
    }

    /// The network that `arm` trains in the profile of that name on `game` (the profile's first, if none is given),
    /// with another `encoder`, if one is given, and then with `settings`.
    ///
    /// An encoder of another size of observations comes with its usual hidden width, and is given Atari's
    /// observations of four frames and all of its 18 actions.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve); also for [`RANDOM_ARM`], which has no network.
    pub fn architecture(
        &self,
        profile_name: &str,
        arm: &str,
        game: Option<Game>,
        encoder: Option<EncoderSpec>,
        settings: &[Setting],
    ) -> Result<Architecture, ConfigError> {
        let profile = self.profile(profile_name)?;
        let Some(game) = game.or(profile.games.list().first().copied()) else {
            let problems = vec![format!("profile `{profile_name}` has no game")];
            return Err(ConfigError::Invalid { subject: format!("experiment {}", self.figure), problems });
        };
        let mut run = self.run(profile_name, profile, arm, game, 0)?;
        self.set(profile, &all_settings(&profile.set)?, &mut run)?;
        if let Some(encoder) = encoder {
            if encoder.pixels() != run.network.encoder.pixels() {
                run.network.hidden = encoder.usual_hidden();
            }
            run.network.encoder = encoder;
        }
        settings.iter().try_for_each(|setting| setting.apply(&mut run))?;
        let Some(mut architecture) = run.architecture(0) else {
            let problems = vec!["has no network: it acts at random".to_owned()];
            return Err(ConfigError::Invalid { subject: format!("the arm `{arm}`"), problems });
        };
        let [height, width] = architecture.network.encoder.pixels();
        if architecture.observation[..2] != [height, width] && [height, width] != [1, 1] {
            architecture.observation = [height, width, ATARI_FRAMES];
            architecture.actions = ATARI_ACTIONS;
        }
        architecture.validate()?;
        Ok(architecture)
    }

    /// An error if a setting's key is in no arm at all.
    fn check_keys(
        &self,
        settings: &[Setting],
        profile_name: &str,
        profile: &Profile,
    ) -> Result<(), ConfigError> {
        let Some(&game) = profile.games.list().first() else { return Ok(()) };
        let arms = self.arm_names().map(|arm| self.run(profile_name, profile, arm, game, 0));
        let mut runs: Vec<RunConfig> = arms.collect::<Result<_, ConfigError>>()?;
        for setting in settings {
            let mut is_known = false;
            for run in runs.iter_mut().filter(|run| setting.applies_to(run)) {
                is_known = true;
                setting.apply(run)?;
            }
            if !is_known {
                let keys: BTreeSet<String> = runs.iter().flat_map(settable).collect();
                return Err(setting.unknown(keys.into_iter().collect()));
            }
        }
        Ok(())
    }

    /// The configuration of one run, before the profile's settings.
    fn run(
        &self,
        profile_name: &str,
        profile: &Profile,
        arm: &str,
        game: Game,
        seed: u64,
    ) -> Result<RunConfig, ConfigError> {
        known("arm", arm, self.arm_names())?;
        let (agent, encoder, body) = if arm == RANDOM_ARM {
            // It has no network. It is given a flat one, for its file to be complete: the same in every figure.
            (AgentConfig::Random, profile.encoder, BodySpec::flat())
        } else {
            let of = self.arm(arm)?;
            let preset = of.agent.map_or(profile.agent, |algorithm| profile.agent.with(algorithm));
            let agent = match of.intervention {
                Some(intervention) => preset.config().with_intervention(intervention),
                None => preset.config(),
            };
            (agent, of.encoder.unwrap_or(profile.encoder), of.body.clone())
        };
        // Rounded up: rounded down, the remainder would make one evaluation more than asked for.
        let period = AgentSteps(profile.agent_steps.0.div_ceil(profile.evaluations.max(1)).max(1));
        Ok(RunConfig {
            version: RunVersion,
            profile: profile_name.to_owned(),
            arm: arm.to_owned(),
            seed,
            // The random policy plays what the profile's agent plays.
            environment: match agent {
                AgentConfig::Random => EnvironmentConfig::played_by(&profile.agent.config(), game),
                AgentConfig::Learning(_) => EnvironmentConfig::played_by(&agent, game),
            },
            agent,
            network: NetworkSpec { encoder, body, hidden: profile.hidden },
            training: TrainingConfig {
                agent_steps: profile.agent_steps,
                evaluation_period: period,
                evaluation_episodes: profile.evaluation_episodes,
                final_evaluation_episodes: profile.final_evaluation_episodes,
                checkpoint_period: period,
            },
            instruction_set: InstructionSet::Auto,
        })
    }

    /// Makes the changes of the arm's algorithm, then `of_profile`, then the arm's own. What changes the network leaves the
    /// random policy alone.
    fn set(&self, profile: &Profile, of_profile: &[Setting], run: &mut RunConfig) -> Result<(), ConfigError> {
        let arm = self.arm(&run.arm).ok();
        let algorithm = arm.map(|arm| arm.agent.unwrap_or_else(|| profile.agent.algorithm()));
        let of_algorithm = algorithm.and_then(|algorithm| profile.set_of.get(&algorithm));
        let of_algorithm = all_settings(of_algorithm.map_or(&[], Vec::as_slice))?;
        for setting in of_algorithm.iter().chain(of_profile) {
            let spares = arm.is_none() && setting.key().starts_with("network.");
            if !spares && setting.applies_to(run) {
                setting.apply(run)?;
            }
        }
        for setting in all_settings(arm.map_or(&[], |arm| arm.set.as_slice()))? {
            setting.apply(run)?;
        }
        Ok(())
    }
}

/// The settings that `texts` write.
fn all_settings(texts: &[String]) -> Result<Vec<Setting>, ConfigError> {
    texts.iter().map(|text| text.parse()).collect()
}
