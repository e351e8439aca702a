//! From an experiment to the configurations of its runs.

use crate::error::none_of;
use crate::experiment::{MOST_SEEDS, RANDOM_ARM};
use crate::names::known;
use crate::setting::settable;
use crate::{
    AgentConfig, AgentSteps, EnvironmentConfig, Experiment, Game, NetworkSpec, Profile, Rule, RunConfig,
    Setting, SpecError, TrainingConfig, file,
};
use std::collections::BTreeSet;
use std::path::Path;

impl Experiment {
    /// Reads `experiments/<figure>.ron` and checks it.
    ///
    /// # Errors
    ///
    /// As [`file::read`] and [`Experiment::validate`]; also if the figure has another name than the file.
    pub fn read(path: &Path) -> Result<Self, SpecError> {
        let experiment: Experiment = file::read(path)?;
        let mut problems = Vec::new();
        if path.file_stem().is_some_and(|stem| stem != experiment.figure.as_str()) {
            problems.push(format!(
                "`figure` is \"{}\" but must be the file's name without `.ron`",
                experiment.figure
            ));
        }
        none_of(path.display().to_string(), problems)?;
        experiment.validate().map_err(|error| match error {
            SpecError::Invalid { problems, .. } => {
                SpecError::Invalid { subject: path.display().to_string(), problems }
            }
            other => other,
        })?;
        Ok(experiment)
    }

    /// The profile of that name.
    ///
    /// # Errors
    ///
    /// [`SpecError::UnknownName`] if there is none.
    pub fn profile(&self, name: &str) -> Result<&Profile, SpecError> {
        known("profile", name, self.profiles.keys().map(String::as_str))?;
        Ok(&self.profiles[name])
    }

    /// The names of the arms, [`RANDOM_ARM`] first.
    pub fn arm_names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(RANDOM_ARM).chain(self.arms.iter().map(|arm| arm.name.as_str()))
    }

    /// The configurations of all runs of `arms` in `profile` (by name `profile_name`), which may have been
    /// changed since it was read: seed by seed, so that an experiment stopped early has whole seeds; within a
    /// seed game by game, arm by arm.
    ///
    /// # Errors
    ///
    /// [`SpecError::UnknownName`] for an arm that the experiment has not or a setting whose key no arm of the experiment has,
    /// [`SpecError::Setting`] for a value of the wrong type, [`SpecError::Invalid`] for a configuration that
    /// does not [validate](RunConfig::validate) or more than [`MOST_SEEDS`].
    pub fn resolve(
        &self,
        profile_name: &str,
        profile: &Profile,
        arms: &[&str],
    ) -> Result<Vec<RunConfig>, SpecError> {
        none_of(format!("profile `{profile_name}`"), too_many_seeds(profile).into_iter().collect())?;
        let settings: Vec<Setting> =
            profile.set.iter().map(|text| text.parse()).collect::<Result<_, SpecError>>()?;
        let mut runs = Vec::new();
        for seed in 0..profile.seeds {
            for &game in &profile.games {
                for arm in arms {
                    runs.push(self.run(profile_name, profile, arm, game, seed)?);
                }
            }
        }
        self.check_keys(&settings, profile_name, profile)?;
        for run in &mut runs {
            for setting in settings.iter().filter(|setting| setting.applies_to(run)).collect::<Vec<_>>() {
                setting.apply(run)?;
            }
            run.validate()?;
        }
        Ok(runs)
    }

    /// An error if a setting's key is in no arm at all.
    fn check_keys(
        &self,
        settings: &[Setting],
        profile_name: &str,
        profile: &Profile,
    ) -> Result<(), SpecError> {
        let Some(&game) = profile.games.first() else { return Ok(()) };
        let arms = self.arm_names().map(|arm| self.run(profile_name, profile, arm, game, 0));
        let runs: Vec<RunConfig> = arms.collect::<Result<_, SpecError>>()?;
        match settings.iter().find(|setting| !runs.iter().any(|run| setting.applies_to(run))) {
            None => Ok(()),
            Some(setting) => {
                let keys: BTreeSet<String> = runs.iter().flat_map(settable).collect();
                Err(setting.unknown(keys.into_iter().collect()))
            }
        }
    }

    /// The configuration of one run, before the profile's settings.
    fn run(
        &self,
        profile_name: &str,
        profile: &Profile,
        arm: &str,
        game: Game,
        seed: u64,
    ) -> Result<RunConfig, SpecError> {
        known("arm", arm, self.arm_names())?;
        // The random policy has no network; it is given the reference's, for its file to be complete.
        let (agent, of) = match arm {
            RANDOM_ARM => (AgentConfig::Random, self.reference.as_str()),
            _ => (profile.agent.config(), arm),
        };
        known("arm", of, self.arms.iter().map(|arm| arm.name.as_str()))?;
        let Some(of) = self.arms.iter().find(|arm| arm.name == of) else {
            return Err(SpecError::Invalid { subject: of.to_owned(), problems: vec!["has no body".into()] });
        };
        let encoder = of.encoder.unwrap_or(profile.encoder);
        // Rounded up: rounded down, the remainder would make one evaluation more than asked for.
        let period = AgentSteps(profile.agent_steps.0.div_ceil(profile.evaluations.max(1)).max(1));
        Ok(RunConfig {
            figure: self.figure.clone(),
            profile: profile_name.to_owned(),
            arm: arm.to_owned(),
            seed,
            environment: EnvironmentConfig::minatar(game),
            agent,
            network: NetworkSpec { encoder, body: of.body.clone(), hidden: profile.hidden },
            training: TrainingConfig {
                agent_steps: profile.agent_steps,
                evaluation_period: period,
                evaluation_episodes: profile.evaluation_episodes,
                final_evaluation_episodes: profile.final_evaluation_episodes,
                checkpoint_period: period,
            },
        })
    }

    /// Whether arms, rules and profiles fit together, and every profile makes runs that validate.
    ///
    /// # Errors
    ///
    /// [`SpecError::Invalid`] with everything that does not.
    pub fn validate(&self) -> Result<(), SpecError> {
        let mut problems = self.arm_problems();
        problems.extend(self.rule_problems());
        if self.profiles.is_empty() {
            problems.push("there is no profile but must be at least one, e.g. `quick`".into());
        }
        for (name, profile) in &self.profiles {
            problems.extend(
                profile_problems(profile).into_iter().map(|problem| format!("profile `{name}` {problem}")),
            );
        }
        none_of(format!("experiment {}", self.figure), problems)?;
        let arms: Vec<&str> = self.arm_names().collect();
        for (name, profile) in &self.profiles {
            self.resolve(name, profile, &arms).map_err(|error| SpecError::Invalid {
                subject: format!("experiment {}", self.figure),
                problems: vec![format!("profile `{name}`: {error}")],
            })?;
        }
        Ok(())
    }

    fn arm_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut seen = BTreeSet::new();
        for name in self.arms.iter().map(|arm| arm.name.as_str()) {
            if !seen.insert(name) {
                problems.push(format!("there are two arms `{name}` but names must be unique"));
            }
            let words = || name.split('-');
            let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.';
            if !words().all(|word| !word.is_empty() && word.chars().all(letters) && !word.starts_with('.')) {
                problems.push(format!("the arm `{name}` must be in kebab case, e.g. `softmoe-4-x0.25`"));
            }
            if name == RANDOM_ARM {
                problems.push(format!(
                    "the arm `{RANDOM_ARM}` is added to every experiment: name yours otherwise"
                ));
            }
        }
        let names = || self.arms.iter().map(|arm| arm.name.as_str());
        problems.extend(known("arm", &self.reference, names()).err().map(|e| format!("`reference`: {e}")));
        problems
    }

    fn rule_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (index, rule) in self.rules.iter().enumerate() {
            let at = format!("rule {}", index + 1);
            for arm in rule.arms() {
                problems.extend(known("arm", arm, self.arm_names()).err().map(|e| format!("{at}: {e}")));
            }
            if let Rule::NotHigher { margin, .. } | Rule::Alike { margin, .. } = rule
                && !(margin.is_finite() && *margin >= 0.0)
            {
                problems.push(format!("{at}: `margin` is {margin} but must be a finite number from 0"));
            }
        }
        problems
    }
}

fn too_many_seeds(profile: &Profile) -> Option<String> {
    let is_too_many = profile.seeds > MOST_SEEDS;
    is_too_many
        .then(|| format!("has {} seeds but must have at most {MOST_SEEDS} (e.g. `--seeds 5`)", profile.seeds))
}

fn profile_problems(profile: &Profile) -> Vec<String> {
    let mut problems = Vec::new();
    let unique: BTreeSet<_> = profile.games.iter().map(|game| game.name()).collect();
    if profile.games.is_empty() || unique.len() < profile.games.len() {
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
    problems
}
