//! Which runs an invocation asks for, and what is left to do.

use crate::catalog;
use crate::cli::Options;
use crate::estimate::Rates;
use crate::store::{self, State};
use crate::words::{count, thousands, time};
use anyhow::{Result, bail};
use softmoe_spec::{AgentConfig, Experiment, Profile, RANDOM_ARM, RunConfig, RunDirectory, Setting, names};
use std::path::PathBuf;

/// The runs of an invocation.
pub(crate) struct Plan {
    pub(crate) experiment: Experiment,
    pub(crate) profile_name: String,
    /// The profile as the options change it.
    pub(crate) profile: Profile,
    /// The arms' names, the random policy first.
    pub(crate) arms: Vec<String>,
    pub(crate) runs: Vec<PlannedRun>,
    pub(crate) jobs: usize,
    pub(crate) out: PathBuf,
    settings: Vec<Setting>,
}

/// One run, and what there is of it.
pub(crate) struct PlannedRun {
    pub(crate) config: RunConfig,
    pub(crate) directory: RunDirectory,
    pub(crate) state: State,
}

impl PlannedRun {
    /// The run's name in a line, e.g. `flat breakout seed 0`.
    pub(crate) fn name(&self) -> String {
        let RunConfig { arm, environment, seed, .. } = &self.config;
        format!("{arm} {} seed {seed}", environment.game)
    }

    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished)
    }
}

impl Plan {
    /// The plan that `options` ask for; reads the directories of the runs, changes nothing.
    ///
    /// # Errors
    ///
    /// For a name that is none, a value that is not allowed, a directory that holds other runs.
    pub(crate) fn new(options: &Options) -> Result<Plan> {
        let experiment = catalog::experiment(&options.figure)?;
        let mut profile = catalog::profile(&experiment, &options.profile)?;
        if let Some(names) = &options.games {
            profile.games.clear();
            for name in names {
                let game = names::game(name.trim())?;
                if !profile.games.contains(&game) {
                    profile.games.push(game);
                }
            }
        }
        profile.seeds = options.seeds.unwrap_or(profile.seeds);
        profile.agent_steps.0 = options.steps.unwrap_or(profile.agent_steps.0);
        profile.set.extend(options.set.iter().cloned());
        let settings = options.set.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        let arms = arms(&experiment, options.arms.as_deref())?;
        let chosen: Vec<&str> = arms.iter().map(String::as_str).collect();
        let configs = experiment.resolve(&options.profile, &profile, &chosen)?;

        store::check_out(&options.out)?;
        let root = options.out.join("runs");
        let planned = |config: RunConfig| {
            let directory = RunDirectory::of(&root, &config);
            let state = store::inspect(&directory, &config);
            PlannedRun { config, directory, state }
        };
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Plan {
            runs: configs.into_iter().map(planned).collect(),
            jobs: options.jobs.map_or_else(cores, |jobs| usize::try_from(jobs).unwrap_or(usize::MAX)),
            out: options.out.clone(),
            profile_name: options.profile.clone(),
            experiment,
            profile,
            arms,
            settings,
        })
    }

    /// The runs that are not finished.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = &PlannedRun> {
        self.runs.iter().filter(|run| !run.is_finished())
    }

    /// Where the report goes.
    pub(crate) fn results(&self) -> PathBuf {
        self.out.join("results").join(&self.experiment.figure).join(&self.profile_name)
    }

    /// An error if a directory holds another run than the planned one.
    pub(crate) fn check(&self) -> Result<()> {
        let conflicts = self.runs.iter().filter_map(|run| match &run.state {
            State::Conflict(what, instead) => Some((what, instead)),
            _ => None,
        });
        let others = conflicts.clone().count().saturating_sub(1);
        let Some((what, instead)) = conflicts.into_iter().next() else { return Ok(()) };
        let others = if others == 0 {
            String::new()
        } else {
            format!("\n(and so were {} more)", count(others, "run"))
        };
        bail!(
            "{what}{others}\nNothing was changed. Either {instead}, or use another directory with `--out DIR`"
        );
    }

    /// Prints the plan.
    pub(crate) fn print(&self, rates: &Rates) {
        let Plan { experiment, profile, arms, .. } = self;
        let steps = profile.agent_steps.0;
        let unfinished: Vec<&PlannedRun> = self.unfinished().collect();
        let resumable =
            unfinished.iter().filter(|run| matches!(run.state, State::Resumable | State::Damaged(_)));
        let resumable = resumable.count();
        let (runs, finished) = (self.runs.len(), self.runs.len() - unfinished.len());
        println!("{}: {}", experiment.figure, experiment.title);
        println!("  profile  {}: {}", self.profile_name, profile.purpose);
        println!("  claim    {}", experiment.claim);
        println!(
            "  runs     {runs}: {} x {} x {}, {} agent steps each",
            count(arms.len(), "arm"),
            count(profile.games.len(), "game"),
            count(profile.seeds as usize, "seed"),
            thousands(steps),
        );
        println!("  arms     {}", arms.join(", "));
        println!(
            "  games    {}",
            profile.games.iter().map(|game| game.name()).collect::<Vec<_>>().join(", ")
        );
        println!(
            "  state    {finished} finished, {resumable} to resume, {} new",
            unfinished.len() - resumable
        );
        let left: Vec<(&str, f64)> =
            unfinished.iter().map(|run| (run.config.arm.as_str(), steps as f64)).collect();
        match rates.seconds(&left, self.jobs) {
            _ if left.is_empty() => println!("  time     nothing is left to run"),
            Some(seconds) => println!(
                "  time     about {} with {} (from the rates of earlier runs)",
                time(seconds),
                count(self.jobs, "job"),
            ),
            None => println!("  time     unknown until the first runs report ({})", count(self.jobs, "job")),
        }
        println!("  files    {}, {}", self.out.join("runs").display(), self.results().display());
        println!("  what `{}` leaves out of the paper's protocol:", self.profile_name);
        profile.leaves_out.iter().for_each(|sentence| println!("    - {sentence}"));
        self.notes().iter().for_each(|note| println!("  note: {note}"));
        println!();
    }

    /// What the options do that may not have been meant.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for setting in &self.settings {
            let mut without: Vec<&str> = self
                .runs
                .iter()
                .filter(|run| run.config.arm != RANDOM_ARM && !setting.applies_to(&run.config))
                .map(|run| run.config.arm.as_str())
                .collect();
            without.sort_unstable();
            without.dedup();
            if !without.is_empty() {
                notes.push(format!(
                    "`{}` is no value of {}: left as they are",
                    setting.key(),
                    without.join(", ")
                ));
            }
        }
        let never_learns = self.runs.iter().find_map(|run| match &run.config.agent {
            AgentConfig::Rainbow(agent) if agent.min_replay >= run.config.training.agent_steps.0 => {
                Some(agent)
            }
            _ => None,
        });
        if let Some(agent) = never_learns {
            notes.push(format!(
                "no update is made: the runs end before the {} transitions of `agent.min_replay`",
                thousands(agent.min_replay)
            ));
        }
        if !self.arms.contains(&self.experiment.reference) {
            notes.push(format!(
                "scores are compared with `{}`, which is not among `--arms`: its earlier runs are used, if any",
                self.experiment.reference
            ));
        }
        notes
    }
}

/// The arms asked for, in the experiment's order, the random policy always among them.
fn arms(experiment: &Experiment, asked: Option<&[String]>) -> Result<Vec<String>> {
    if let Some(asked) = asked {
        for name in asked {
            names::known("arm", name.trim(), experiment.arm_names())?;
        }
    }
    let is_asked = |name: &str| {
        name == RANDOM_ARM || asked.is_none_or(|asked| asked.iter().any(|asked| asked.trim() == name))
    };
    Ok(experiment.arm_names().filter(|name| is_asked(name)).map(str::to_owned).collect())
}
