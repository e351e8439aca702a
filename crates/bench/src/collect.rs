//! Finished runs, read from their directories.

use serde::Deserialize;
use softmoe_spec::{AgentSteps, Done, Experiment, Game, Profile, RANDOM_ARM, RunConfig, RunDirectory, file};
use std::fmt;
use std::path::Path;
use thiserror::Error;

/// The runs that a report is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// The figure, e.g. `fig3`.
    pub figure: String,
    /// The profile, e.g. `quick`.
    pub profile: String,
    /// Names of the arms, in the order of the plot; not [`RANDOM_ARM`], which is always read.
    pub arms: Vec<String>,
    /// The games.
    pub games: Vec<Game>,
    /// How many seeds, counted from 0.
    pub seeds: u64,
    /// Length of the runs.
    pub agent_steps: AgentSteps,
}

impl Selection {
    /// All runs of `experiment` in its profile `name`, whose sizes are `profile`.
    pub fn all(experiment: &Experiment, name: &str, profile: &Profile) -> Self {
        Selection {
            figure: experiment.figure.clone(),
            profile: name.to_owned(),
            arms: experiment.arms.iter().map(|arm| arm.name.clone()).collect(),
            games: profile.games.clone(),
            seeds: profile.seeds,
            agent_steps: profile.agent_steps,
        }
    }

    fn directory(&self, root: &Path, run: &RunName) -> RunDirectory {
        let arm = root.join(&self.figure).join(&self.profile).join(&run.arm);
        RunDirectory::new(arm.join(run.game.name()).join(format!("seed-{}", run.seed)))
    }

    /// The runs of the selection. The random policy has whatever seeds were run, since their number
    /// need not be that of the other arms.
    fn runs(&self, root: &Path) -> Vec<RunName> {
        let mut runs = Vec::new();
        for arm in &self.arms {
            for &game in &self.games {
                runs.extend((0..self.seeds).map(|seed| RunName { arm: arm.clone(), game, seed }));
            }
        }
        for &game in &self.games {
            let run = |seed| RunName { arm: RANDOM_ARM.to_owned(), game, seed };
            let found = seeds_in(self.directory(root, &run(0)).path().parent());
            runs.extend(if found.is_empty() { vec![run(0)] } else { found.into_iter().map(run).collect() });
        }
        runs
    }
}

/// The seeds that have a directory in `game`, ascending.
fn seeds_in(game: Option<&Path>) -> Vec<u64> {
    let entries = game.and_then(|path| std::fs::read_dir(path).ok()).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut seeds: Vec<u64> =
        names.filter_map(|name| name.strip_prefix("seed-").and_then(|seed| seed.parse().ok())).collect();
    seeds.sort_unstable();
    seeds
}

/// Which run: arm, game and seed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunName {
    /// The arm's name.
    pub arm: String,
    /// The game.
    pub game: Game,
    /// The seed.
    pub seed: u64,
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/seed-{}", self.arm, self.game, self.seed)
    }
}

/// A finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishedRun {
    /// Which one.
    pub name: RunName,
    /// Agent steps trained.
    pub agent_steps: AgentSteps,
    /// Mean return of the final evaluation.
    pub score: f64,
    /// Mean evaluation return over the course of training, in order of agent steps.
    pub curve: Vec<(AgentSteps, f64)>,
}

/// A run that is not there, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct MissingRun {
    /// Which one.
    pub name: RunName,
    /// Why, in words.
    pub reason: String,
}

impl fmt::Display for MissingRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.reason)
    }
}

/// What was found of a selection.
#[derive(Clone, Debug, PartialEq)]
pub struct Collection {
    /// The finished runs, in the selection's order, those of [`RANDOM_ARM`] last.
    pub finished: Vec<FinishedRun>,
    /// The others.
    pub missing: Vec<MissingRun>,
    /// Files that could not be read of runs that still count, in words.
    pub warnings: Vec<String>,
}

/// Nothing to report on.
#[derive(Clone, Debug, PartialEq, Error)]
#[error(
    "none of the {expected} runs of {figure}, profile {profile}, is finished below {root} (first of all \
     {first}). Run them first: cargo xtask reproduce {figure} --profile {profile}"
)]
pub struct NothingFinished {
    /// The figure.
    pub figure: String,
    /// The profile.
    pub profile: String,
    /// Where the runs were looked for.
    pub root: String,
    /// How many were looked for.
    pub expected: usize,
    /// The first of them, and why it is not there.
    pub first: String,
}

impl Collection {
    /// Reads the runs of `selection` below `root`, which holds `<figure>/<profile>/<arm>/<game>/seed-<k>`.
    /// Runs that are missing, unfinished, unreadable or of another length are named, not fatal.
    ///
    /// # Errors
    ///
    /// No run of any arm but [`RANDOM_ARM`] is finished.
    pub fn read(root: &Path, selection: &Selection) -> Result<Self, NothingFinished> {
        let mut collection = Collection { finished: Vec::new(), missing: Vec::new(), warnings: Vec::new() };
        for name in selection.runs(root) {
            let directory = selection.directory(root, &name);
            // The random policy learns nothing: its runs have no length to agree on.
            let length = (name.arm != RANDOM_ARM).then_some(selection.agent_steps);
            let done = match read_done(&directory, length) {
                Ok(done) => done,
                Err(reason) => {
                    collection.missing.push(MissingRun { name, reason });
                    continue;
                }
            };
            let curve = read_curve(&directory.metrics_csv()).unwrap_or_else(|reason| {
                collection.warnings.push(format!("{name}: no learning curve, {reason}"));
                Vec::new()
            });
            let (agent_steps, score) = (done.agent_steps, done.score);
            collection.finished.push(FinishedRun { name, agent_steps, score, curve });
        }
        if collection.finished.iter().all(|run| run.name.arm == RANDOM_ARM) {
            let first = collection.missing.first();
            return Err(NothingFinished {
                figure: selection.figure.clone(),
                profile: selection.profile.clone(),
                root: root.display().to_string(),
                expected: collection.missing.len() + collection.finished.len(),
                first: first.map(|run| run.to_string()).unwrap_or_default(),
            });
        }
        Ok(collection)
    }

    /// The finished runs of `arm` on `game`.
    pub fn of<'a>(&'a self, arm: &'a str, game: Game) -> impl Iterator<Item = &'a FinishedRun> {
        self.finished.iter().filter(move |run| run.name.arm == arm && run.name.game == game)
    }

    /// The scores of `arm` on `game`, one a run.
    pub fn scores(&self, arm: &str, game: Game) -> Vec<f64> {
        self.of(arm, game).map(|run| run.score).collect()
    }

    /// One sentence on the runs that are not there; none if all are.
    pub fn missing_sentence(&self) -> Option<String> {
        let total = self.missing.len() + self.finished.len();
        let named: Vec<String> = self.missing.iter().map(ToString::to_string).collect();
        (!named.is_empty()).then(|| format!("{} of {total} runs missing: {}.", named.len(), named.join("; ")))
    }
}

/// The result of the run in `directory`, or why it does not count.
fn read_done(directory: &RunDirectory, length: Option<AgentSteps>) -> Result<Done, String> {
    if !directory.path().is_dir() {
        return Err("not run".to_owned());
    }
    let done_ron = directory.done_ron();
    if !done_ron.exists() {
        return Err("not finished".to_owned());
    }
    let done: Done = file::read(&done_ron).map_err(|error| error.to_string())?;
    if !done.score.is_finite() {
        return Err(format!("its score is {}", done.score));
    }
    let config: RunConfig = file::read(&directory.run_ron()).map_err(|error| error.to_string())?;
    match length {
        Some(length) if config.training.agent_steps != length => {
            Err(format!("trained for {} agent steps instead of {length}", config.training.agent_steps))
        }
        _ => Ok(done),
    }
}

/// The columns of `metrics.csv` that make a learning curve; other columns are ignored.
#[derive(Deserialize)]
struct Evaluation {
    agent_steps: u64,
    evaluation_return: Option<f64>,
}

/// The evaluation returns in `path`; rows without one are skipped.
fn read_curve(path: &Path) -> Result<Vec<(AgentSteps, f64)>, String> {
    let explain = |error: csv::Error| format!("cannot read metrics.csv: {error}");
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(explain)?;
    let mut curve = Vec::new();
    for row in reader.deserialize() {
        let row: Evaluation = row.map_err(explain)?;
        if let Some(value) = row.evaluation_return.filter(|value| value.is_finite()) {
            curve.push((AgentSteps(row.agent_steps), value));
        }
    }
    curve.sort_by_key(|point| point.0);
    Ok(curve)
}
