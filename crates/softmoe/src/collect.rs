//! Finished runs, read from their directories.

use crate::settings::{is_of_body, is_of_environment, otherwise_set, unlike};
use crate::statistics::average;
use crate::times::update_seconds;
use softmoe_config::directory::read_points;
use softmoe_config::error::with_causes;
use softmoe_config::setting::Difference;
use softmoe_config::words::count;
use softmoe_config::{
    AgentSteps, ConfigError, CurvePoint, Done, Experiment, Game, Profile, RANDOM_ARM, RunConfig,
    RunDirectory, Session, file,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A selection of runs for a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection<'a> {
    /// The figure.
    pub experiment: &'a Experiment,
    /// Name of the profile, e.g. `quick`.
    pub profile_name: String,
    /// The profile; games, seeds and agent steps may have been changed since it was read.
    pub profile: Profile,
    /// Names of the arms, in the order of the plot, without [`RANDOM_ARM`], which is always read.
    pub arms: Vec<String>,
}

impl<'a> Selection<'a> {
    /// All runs of one profile of `experiment`, the reference of every arm among them.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownName`] if there is no such profile.
    pub fn all(experiment: &'a Experiment, profile_name: &str) -> Result<Self, ConfigError> {
        let profile = experiment.profile(profile_name)?.clone();
        let arms: Vec<&str> = experiment.arms_of(&profile).filter(|arm| *arm != RANDOM_ARM).collect();
        let arms = with_references(experiment, &arms);
        Ok(Selection { experiment, profile_name: profile_name.to_owned(), profile, arms })
    }

    /// Selects `arms` and their references only, whether the profile runs them all or not.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownName`] for an arm that the experiment does not have.
    pub fn select_arms(&mut self, arms: &[&str]) -> Result<(), ConfigError> {
        arms.iter().try_for_each(|arm| self.experiment.arm(arm).map(drop))?;
        self.arms = with_references(self.experiment, arms);
        Ok(())
    }

    /// The runs of the selection as the profile makes them, and no others: arm by arm, game by game, those of
    /// [`RANDOM_ARM`] last.
    fn runs(&self) -> Result<Vec<RunConfig>, ConfigError> {
        let games = self.profile.games.list();
        let mut runs = Vec::new();
        for arm in self.arms.iter().map(String::as_str).chain([RANDOM_ARM]) {
            let mut of_arm = self.experiment.resolve(&self.profile_name, &self.profile, &[arm])?;
            of_arm.sort_by_key(|run| games.iter().position(|game| *game == run.environment.game()));
            runs.extend(of_arm);
        }
        Ok(runs)
    }
}

/// `arms` and the references of each, in the experiment's order.
fn with_references(experiment: &Experiment, arms: &[&str]) -> Vec<String> {
    let needed: BTreeSet<&str> = arms.iter().flat_map(|arm| [*arm, experiment.reference_of(arm)]).collect();
    experiment
        .arms
        .iter()
        .map(|arm| &arm.name)
        .filter(|name| needed.contains(name.as_str()))
        .cloned()
        .collect()
}

/// The key of a run: arm, game and seed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunName {
    /// The arm's name.
    pub arm: String,
    /// The game.
    pub game: Game,
    /// The seed.
    pub seed: u64,
}

impl RunName {
    fn of(config: &RunConfig) -> Self {
        RunName { arm: config.arm.clone(), game: config.environment.game(), seed: config.seed }
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/seed-{}", self.arm, self.game, self.seed)
    }
}

/// Finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishedRun {
    /// The key of the run.
    pub name: RunName,
    /// Its files.
    pub directory: RunDirectory,
    /// Its configuration.
    pub config: RunConfig,
    /// The configuration that the profile gives it.
    pub preset: RunConfig,
    /// Agent steps trained.
    pub agent_steps: AgentSteps,
    /// Mean return of the final evaluation.
    pub score: f64,
    /// Parameters of its network.
    pub parameters: usize,
    /// Mean time of an update in seconds; `None` if its files do not tell.
    pub update_seconds: Option<f64>,
    /// Device that it trained on, e.g. `cpu`.
    pub device: String,
    /// Mean evaluation return over the course of training, in order of agent steps.
    pub curve: Vec<(AgentSteps, f64)>,
    /// The processes that trained it.
    pub sessions: Vec<Session>,
}

/// A run that does not count, and the reason.
#[derive(Clone, Debug, PartialEq)]
pub struct MissingRun {
    /// The key of the run.
    pub name: RunName,
    /// The reason, in words.
    pub reason: String,
}

impl fmt::Display for MissingRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.reason)
    }
}

/// The runs of a selection, as found on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Collection {
    /// The finished runs, in the selection's order, those of [`RANDOM_ARM`] last.
    pub finished: Vec<FinishedRun>,
    /// Finished runs with other settings than the rest.
    pub left_out: Vec<MissingRun>,
    /// The runs that are not finished, or cannot be read.
    pub missing: Vec<MissingRun>,
    /// Warnings about unreadable files of runs that still count.
    pub warnings: Vec<String>,
}

/// An error: there are no runs to report on.
#[derive(Debug, Error)]
pub enum CollectError {
    /// The profile has no valid runs of that size.
    #[error(transparent)]
    Spec(#[from] ConfigError),
    /// No run is finished.
    #[error(
        "none of the {expected} runs of {figure}, profile {profile}, in {root} is finished (the first: {first})"
    )]
    NothingFinished {
        /// The figure.
        figure: String,
        /// The profile.
        profile: String,
        /// The directory that was searched.
        root: String,
        /// The number of runs of the selection.
        expected: usize,
        /// The first run, and the reason why it is missing.
        first: String,
    },
    /// The arms were run with different settings.
    #[error(
        "no other arm can be compared with {arm}, since none was run with its settings: {differences}. Run all arms \
         with the same `--set`, in a directory of their own (`--out DIR`)"
    )]
    NothingComparable {
        /// Arm with which the others are compared.
        arm: String,
        /// The differences of the others.
        differences: String,
    },
}

impl Collection {
    /// Reads the runs of `selection` below `root`, which holds `<profile>/<arm>/<game>/seed-<k>`, and those that are not finished
    /// there from the first of `others` that has them.
    /// Runs that are missing, unfinished or unreadable, or that differ from the reference arm in length or settings, are
    /// listed and left out.
    ///
    /// # Errors
    ///
    /// No run of any arm but [`RANDOM_ARM`] is finished, or every other arm's settings differ from the reference
    /// arm's; or the profile makes no valid runs of the selection's size.
    pub fn read(root: &Path, others: &[PathBuf], selection: &Selection) -> Result<Self, CollectError> {
        let mut collection = Collection {
            finished: Vec::new(),
            left_out: Vec::new(),
            missing: Vec::new(),
            warnings: Vec::new(),
        };
        for preset in selection.runs()? {
            let (here, name) = (RunDirectory::of(root, &preset), RunName::of(&preset));
            let is_finished = |directory: &RunDirectory| directory.done_ron().exists();
            let mut elsewhere = others.iter().map(|root| RunDirectory::of(root, &preset)).filter(is_finished);
            let directory = if is_finished(&here) { here } else { elsewhere.next().unwrap_or(here) };
            let (config, done) = match read_run(&directory, &preset) {
                Ok(run) => run,
                Err(reason) => {
                    collection.missing.push(MissingRun { name, reason });
                    continue;
                }
            };
            let curve = read_curve(&directory.metrics_csv()).unwrap_or_else(|reason| {
                collection.warnings.push(format!("{name}: no learning curve, {reason}"));
                Vec::new()
            });
            let gaps = not_numbers(&directory.metrics_csv());
            collection.warnings.extend(gaps.map(|gaps| format!("{name}: {gaps}")));
            let update_seconds = update_seconds(&directory);
            let Done { agent_steps, score, device, sessions, parameters, .. } = done;
            collection.finished.push(FinishedRun {
                name,
                directory,
                config,
                preset,
                agent_steps,
                score,
                parameters,
                update_seconds,
                device,
                curve,
                sessions,
            });
        }
        let reference = &selection.experiment.reference;
        let learners = || collection.finished.iter().filter(|run| run.name.arm != RANDOM_ARM);
        let Some(first) = learners().find(|run| run.name.arm == *reference).or_else(|| learners().next())
        else {
            let first = collection.missing.first();
            return Err(CollectError::NothingFinished {
                figure: selection.experiment.figure.clone(),
                profile: selection.profile_name.clone(),
                root: root.display().to_string(),
                expected: collection.missing.len() + collection.finished.len(),
                first: first.map(|run| run.to_string()).unwrap_or_default(),
            });
        };
        let first = first.clone();
        collection.leave_out_unlike(&first);
        let others = |name: &RunName| name.arm != RANDOM_ARM && name.arm != first.name.arm;
        let compared = collection.finished.iter().any(|run| others(&run.name));
        if !compared && collection.left_out.iter().any(|run| others(&run.name)) {
            let differences = collection.left_out_sentences().join("; ");
            return Err(CollectError::NothingComparable { arm: first.name.arm, differences });
        }
        Ok(collection)
    }

    /// Leaves out the runs with other settings than `first`, apart from those that their arms define themselves, or with
    /// another body than the first run of their arm. For the random policy, only the environment matters.
    fn leave_out_unlike(&mut self, first: &FinishedRun) {
        let mut first_of_arm: BTreeMap<String, FinishedRun> = BTreeMap::new();
        for run in std::mem::take(&mut self.finished) {
            let random = run.name.arm == RANDOM_ARM;
            let mut found = otherwise_set(&run, first);
            found.retain(|at| if random { is_of_environment(&at.key) } else { !is_of_body(&at.key) });
            let mut than = first;
            if found.is_empty() && !random {
                than = first_of_arm.entry(run.name.arm.clone()).or_insert_with(|| run.clone());
                found = unlike(&run.config, &than.config);
            }
            if found.is_empty() {
                self.finished.push(run);
                continue;
            }
            // Within an arm its name does not identify the run.
            let than =
                if than.name.arm == run.name.arm { than.name.to_string() } else { than.name.arm.clone() };
            let in_words = |at: &Difference| format!("{} is {}, {than} has {}", at.key, at.left, at.right);
            let reason = found.iter().map(in_words).collect::<Vec<_>>().join(" and ");
            self.left_out.push(MissingRun { name: run.name, reason });
        }
    }

    /// The finished runs of `arm` on `game`.
    pub fn of<'a>(&'a self, arm: &'a str, game: Game) -> impl Iterator<Item = &'a FinishedRun> {
        self.finished.iter().filter(move |run| run.name.arm == arm && run.name.game == game)
    }

    /// The scores of `arm` on `game`, one per run.
    pub fn scores(&self, arm: &str, game: Game) -> Vec<f64> {
        self.of(arm, game).map(|run| run.score).collect()
    }

    /// The devices of the runs, in a sentence; `None` without agents.
    pub fn devices_sentence(&self) -> Option<String> {
        let mut runs: BTreeMap<&str, usize> = BTreeMap::new();
        for run in self.finished.iter().filter(|run| run.name.arm != RANDOM_ARM) {
            *runs.entry(&run.device).or_default() += 1;
        }
        let of = |(device, n): (&&str, &usize)| format!("{device} ({})", count(*n, "run"));
        match runs.len() {
            0 => None,
            1 => runs.keys().next().map(|device| format!("Trained on {device}.")),
            _ => Some(format!("Trained on {}.", runs.iter().map(of).collect::<Vec<_>>().join(", "))),
        }
    }

    /// The mean score of `arm` on `game`; `None` without runs.
    pub fn mean_score(&self, arm: &str, game: Game) -> Option<f64> {
        let scores = self.scores(arm, game);
        (!scores.is_empty()).then(|| average(&scores))
    }

    /// One sentence about missing runs; `None` if none is missing.
    pub fn missing_sentence(&self) -> Option<String> {
        let total = self.missing.len() + self.left_out.len() + self.finished.len();
        // Runs of an arm that are missing for the same reason are counted, not named.
        let mut named: Vec<(&MissingRun, usize)> = Vec::new();
        for run in &self.missing {
            match named
                .iter_mut()
                .find(|(first, _)| first.name.arm == run.name.arm && first.reason == run.reason)
            {
                Some((_, number)) => *number += 1,
                None => named.push((run, 1)),
            }
        }
        let named: Vec<String> = (named.into_iter())
            .map(|(run, number)| match number {
                1 => run.to_string(),
                number => format!("{number} of {}: {}", run.name.arm, run.reason),
            })
            .collect();
        let missing = self.missing.len();
        (missing > 0).then(|| format!("{missing} of {total} runs missing: {}.", named.join("; ")))
    }

    /// The differences of the runs that were left out, once per arm: `softmoe-4-x4: agent.n_step is 5, flat has 3 (6 runs
    /// left out)`.
    pub fn left_out_sentences(&self) -> Vec<String> {
        let mut counts: Vec<(String, usize)> = Vec::new();
        for MissingRun { name, reason } in &self.left_out {
            let what = format!("{}: {reason}", name.arm);
            match counts.iter_mut().find(|(known, _)| *known == what) {
                Some((_, number)) => *number += 1,
                None => counts.push((what, 1)),
            }
        }
        counts.into_iter().map(|(what, n)| format!("{what} ({} left out)", count(n, "run"))).collect()
    }
}

/// The configuration and the result of the run in `directory`, or the reason why it does not count.
fn read_run(directory: &RunDirectory, preset: &RunConfig) -> Result<(RunConfig, Done), String> {
    if !directory.path().is_dir() {
        return Err("not run".to_owned());
    }
    let done_ron = directory.done_ron();
    if !done_ron.exists() {
        return Err("not finished".to_owned());
    }
    let done: Done = file::read(&done_ron).map_err(|error| with_causes(&error))?;
    if let Some(weights) = &done.initial_weights {
        return Err(format!("it began from the weights in {weights}, not anew"));
    }
    if !done.score.is_finite() {
        return Err(format!("its score is {}", done.score));
    }
    let config = RunConfig::read_unchecked(&directory.run_ron()).map_err(|error| with_causes(&error))?;
    if config.name() != preset.name() {
        return Err(format!("its run.ron belongs to {}", config.name()));
    }
    // The random policy learns nothing: the length of its runs does not matter.
    let (length, expected) = (config.training.agent_steps, preset.training.agent_steps);
    if config.arm != RANDOM_ARM && length != expected {
        return Err(format!("trained for {length} agent steps instead of {expected}"));
    }
    Ok((config, done))
}

/// The first value of the `metrics.csv` at `path` that is no finite number, in words, if there is one.
fn not_numbers(path: &Path) -> Option<String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).ok()?;
    let columns = reader.headers().ok()?.clone();
    for row in reader.records().map_while(Result::ok) {
        for (column, text) in columns.iter().zip(&row) {
            if text.parse().is_ok_and(|value: f64| !value.is_finite()) {
                let first = columns.get(0).unwrap_or_default();
                let steps = row.get(0).unwrap_or_default();
                return Some(format!("`{column}` is {text} in metrics.csv at {first} {steps}"));
            }
        }
    }
    None
}

/// The evaluation returns in the `metrics.csv` at `path`, in order of agent steps; rows without one are skipped.
///
/// # Errors
///
/// A text, if the file cannot be read or a row is invalid.
pub fn read_curve(path: &Path) -> Result<Vec<(AgentSteps, f64)>, String> {
    let finite = |point: CurvePoint| {
        let value = point.evaluation_return.filter(|value| value.is_finite());
        value.map(|value| (point.agent_steps, value))
    };
    Ok(read_points(path)?.into_iter().filter_map(finite).collect())
}
