//! Which runs an invocation asks for, and what is left to do.

mod notes;

use crate::catalog;
use crate::cli::Options;
use crate::cost;
use crate::devices::Devices;
use crate::estimate::{Rates, Source};
use crate::hints::Change;
use crate::launcher;
use crate::memory::{self, Fit};
use crate::output;
use crate::power;
use crate::speed::Speed;
use crate::store::{self, Conflict, State};
use crate::time::time;
use anyhow::{Result, bail};
use softmoe_config::words::{count, thousands};
use softmoe_config::{
    AgentConfig, Device, Experiment, Profile, RANDOM_ARM, RunConfig, RunDirectory, Setting, names,
};
use softmoe_console::memory::Memory;
use std::path::{Path, PathBuf};

/// The runs of an invocation.
pub(crate) struct Plan {
    /// The experiment's file.
    pub(crate) file: PathBuf,
    pub(crate) experiment: Experiment,
    pub(crate) profile_name: String,
    /// The profile as the options change it.
    pub(crate) profile: Profile,
    /// The arms' names, the random policy first.
    pub(crate) arms: Vec<String>,
    pub(crate) runs: Vec<PlannedRun>,
    pub(crate) jobs: usize,
    /// What was chosen for the replays to fit this machine.
    memory_note: Option<String>,
    pub(crate) devices: Devices,
    pub(crate) out: PathBuf,
    speed: Speed,
    settings: Vec<Setting>,
    /// The options' changes of the profile, e.g. `steps 300`.
    changes: Vec<String>,
    /// Whether only some of the arms or games are asked for.
    is_part: bool,
}

/// One run and its state.
pub(crate) struct PlannedRun {
    pub(crate) config: RunConfig,
    pub(crate) directory: RunDirectory,
    pub(crate) state: State,
    /// Agent steps of the newest checkpoint.
    steps_saved: u64,
}

impl PlannedRun {
    /// The run's name in a line, e.g. `flat breakout seed 0`.
    pub(crate) fn name(&self) -> String {
        let RunConfig { arm, environment, seed, .. } = &self.config;
        format!("{arm} {} seed {seed}", environment.game())
    }

    /// Agent steps of training: 0 for the random policy.
    pub(crate) fn steps(&self) -> u64 {
        match self.config.agent {
            AgentConfig::Random => 0,
            AgentConfig::Learning(_) => self.config.training.agent_steps.0,
        }
    }

    /// Agent steps that are left to train.
    pub(crate) fn steps_left(&self) -> u64 {
        if self.is_finished() { 0 } else { self.steps().saturating_sub(self.steps_saved) }
    }

    /// Seconds that are left on one worker; where no rate is known, the steps, which serve to compare.
    pub(crate) fn seconds_left(&self, rates: &Rates) -> f64 {
        let left = self.steps_left() as f64;
        rates.seconds(&[(self.config.arm.as_str(), left)], 1).unwrap_or(left)
    }

    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished { .. } | State::Damaged(_, Some(_)))
    }
}

/// Cores that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Runs at a time on `devices`: one a core, one on each graphics card.
fn usual_jobs(devices: &Devices) -> usize {
    match devices.first() {
        Device::Cpu | Device::Flex => cores(),
        Device::Wgpu | Device::Cuda(_) => devices.all().len(),
    }
}

impl Plan {
    /// The plan that `options` ask for, of the `experiment` in `file`; reads the directories of the runs, changes nothing.
    ///
    /// # Errors
    ///
    /// For a name that is none, a value that is not allowed, a directory that holds other runs.
    pub(crate) fn new(file: PathBuf, experiment: Experiment, options: &Options) -> Result<Plan> {
        let mut profile = catalog::profile(&experiment, options.profile())?;
        if let Some(names) = &options.games {
            profile.games = profile.games.select(names.iter().map(String::as_str))?;
        }
        if let Some(name) = &options.agent {
            profile.agent = name.trim().parse()?;
        }
        profile.seeds = options.seeds.unwrap_or(profile.seeds);
        profile.first_seed = options.first_seed.unwrap_or(profile.first_seed);
        profile.agent_steps.0 = options.steps.unwrap_or(profile.agent_steps.0);
        profile.set.extend(options.set.iter().cloned());
        let settings = options.set.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        let arms = arms(&experiment, &profile, options.arms.as_deref())?;
        let chosen: Vec<&str> = arms.iter().map(String::as_str).collect();
        let mut configs = experiment.resolve(options.profile(), &profile, &chosen)?;

        let devices = options.device.clone().unwrap_or_default();
        let bodies = configs.iter().filter_map(|config| config.network.body.device_only());
        if let Some(reason) = bodies.filter_map(|body| body.why_not_on(devices.first())).next() {
            bail!("{reason}");
        }
        store::check_out(&options.out)?;
        options.merge.iter().try_for_each(|out| store::check_out(out))?;
        let root = options.out.join("runs");
        let planned = |config: RunConfig| {
            let directory = RunDirectory::of(&root, &config);
            let with = |agent| {
                let profile = Profile { agent, ..profile.clone() };
                let RunConfig { arm, environment, seed, .. } = &config;
                experiment.resolve_run(options.profile(), &profile, arm, environment.game(), *seed).ok()
            };
            let state = store::inspect(&directory, &config, with);
            // A run that is finished in a directory to merge is not made again.
            if matches!(state, State::New) {
                for out in &options.merge {
                    let directory = RunDirectory::of(&out.join("runs"), &config);
                    let state = store::inspect(&directory, &config, with);
                    if matches!(state, State::Finished { .. } | State::Conflict(..)) {
                        return PlannedRun { config, directory, state, steps_saved: 0 };
                    }
                }
            }
            let steps_saved = directory.newest_checkpoint().map_or(0, |steps| steps.0);
            PlannedRun { config, directory, state, steps_saved }
        };
        let asked = options.jobs.map(|jobs| usize::try_from(jobs).unwrap_or(usize::MAX));
        let jobs = asked.unwrap_or_else(|| usual_jobs(&devices));
        // A cluster has memory of its own for each run.
        let Fit { compress, jobs, note: memory_note } = match launcher::is_asked(&options.cluster) {
            true => Fit { compress: false, jobs, note: None },
            false => {
                let is_compression = |text: &String| text.trim_start().starts_with("agent.replay_compressed");
                let is_set = profile.set.iter().any(is_compression);
                memory::fit(configs.iter(), jobs, Memory::now(), is_set, asked.is_some())
            }
        };
        if compress {
            configs.iter_mut().for_each(memory::compress);
        }
        let runs = configs.into_iter().map(planned).collect();
        Ok(Plan {
            runs,
            jobs,
            memory_note,
            devices,
            out: options.out.clone(),
            profile_name: options.profile().to_owned(),
            file,
            experiment,
            profile,
            arms,
            speed: Speed::of_this_machine(),
            settings,
            changes: changes(options),
            is_part: options.arms.is_some() || options.games.is_some(),
        })
    }

    /// The rates of earlier runs, and on the CPU what the others' multiply-adds let expect.
    pub(crate) fn rates(&self) -> Rates {
        let kind = |profile: &Profile| (profile.encoder, profile.hidden, profile.agent);
        let alike = |name: &str| match self.experiment.profiles.get(name) {
            Some(other) => name == self.profile_name || kind(other) == kind(&self.profile),
            None => false,
        };
        let mut rates = Rates::measured(&self.out.join("runs"), self.devices.first(), alike);
        if self.devices.first() == Device::Cpu {
            for run in self.unfinished() {
                if let Some(seconds) = self.speed.seconds_a_step(&run.config) {
                    rates.plan(&run.config.arm, seconds);
                }
            }
        }
        rates
    }

    /// The runs that are not finished.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = &PlannedRun> {
        self.runs.iter().filter(|run| !run.is_finished())
    }

    /// Where the report goes.
    pub(crate) fn results(&self) -> PathBuf {
        self.results_in(&self.out)
    }

    /// Where the report goes if `out` is the directory of everything.
    pub(crate) fn results_in(&self, out: &Path) -> PathBuf {
        out.join("results").join(&self.experiment.figure).join(&self.profile_name)
    }

    /// An error if a directory holds another run than the planned one. `options` made this plan.
    pub(crate) fn check(&self, options: &Options) -> Result<()> {
        let mut conflicts: Vec<&Conflict> = self.conflicts().collect();
        // The random policy has few settings: another arm says more.
        conflicts.sort_by_key(|conflict| conflict.is_random);
        let Some(first) = conflicts.first() else { return Ok(()) };
        let others = match conflicts.len() - 1 {
            0 => String::new(),
            others => format!("\n(and {} like it)", count(others, "other run")),
        };
        let is_free = |change: &&Change| {
            let plan = Plan::new(self.file.clone(), self.experiment.clone(), &change.applied(options));
            plan.is_ok_and(|plan| plan.is_instead_of(self))
        };
        let instead = match conflicts.iter().filter_map(|conflict| conflict.change.as_ref()).find(is_free) {
            Some(change) => format!("To use these runs: {}\nOr make others", change.command()),
            None if first.change.is_none() => "Move the directory away, or make others".into(),
            None => "Make others".into(),
        };
        bail!("{}{others}\nNothing was changed. {instead} in another directory with `--out DIR`", first.what);
    }

    /// Whether this plan has no conflict, and the body of no arm but those in conflict is another one than in `before`.
    fn is_instead_of(&self, before: &Plan) -> bool {
        let in_conflict = |run: &PlannedRun| matches!(run.state, State::Conflict(_));
        let has_same_body = |(now, before): (&PlannedRun, &PlannedRun)| {
            now.config.arm == RANDOM_ARM
                || in_conflict(before)
                || now.config.network.body == before.config.network.body
        };
        !self.runs.iter().any(in_conflict) && self.runs.iter().zip(&before.runs).all(has_same_body)
    }

    fn conflicts(&self) -> impl Iterator<Item = &Conflict> {
        self.runs.iter().filter_map(|run| match &run.state {
            State::Conflict(conflict) => Some(conflict),
            _ => None,
        })
    }

    /// Prints the plan.
    pub(crate) fn print(&self, rates: &Rates) {
        let Plan { experiment, profile, arms, .. } = self;
        let of = |wanted: fn(&State) -> bool| self.runs.iter().filter(|run| wanted(&run.state)).count();
        let finished = of(|state| matches!(state, State::Finished { .. } | State::Damaged(_, Some(_))));
        let resumable = of(|state| matches!(state, State::Resumable | State::Damaged(_, None)));
        let elsewhere = match of(|state| matches!(state, State::Elsewhere)) {
            0 => String::new(),
            number => format!(", {number} running elsewhere"),
        };
        let new = of(|state| matches!(state, State::New | State::Conflict(_)));
        // A column of 11 characters, and what it is about.
        let row = |name: &str, text: String| output::wrapped(11, &format!("  {name:<9}{text}"));
        output::line(format_args!("{}: {}", experiment.figure, experiment.title));
        row("profile", format!("{}: {}", self.profile_name, profile.purpose));
        if !self.changes.is_empty() {
            row("changed", self.changes.join(", "));
        }
        row("claim", experiment.claim.clone());
        let runs = [
            count(arms.len(), "arm"),
            count(profile.games.list().len(), "game"),
            count(profile.seeds, "seed"),
        ];
        let steps = thousands(profile.agent_steps.0);
        row("runs", format!("{}: {}, {steps} agent steps each", self.runs.len(), runs.join(" x ")));
        row("arms", arms.join(", "));
        let set = profile.games.set().map_or_else(String::new, |set| format!("{}: ", set.name()));
        row("games", set + &profile.games.names().join(", "));
        row("device", self.on_device());
        row("state", format!("{finished} finished, {resumable} to resume, {new} new{elsewhere}"));
        let left: Vec<(&str, f64)> =
            self.unfinished().map(|run| (run.config.arm.as_str(), run.steps_left() as f64)).collect();
        let jobs = count(self.jobs, "job");
        let time = match rates.seconds(&left, self.jobs) {
            _ if left.is_empty() => "nothing is left to run".into(),
            Some(seconds) => {
                let source = match rates.source(left.iter().map(|(arm, _)| *arm)) {
                    Source::Runs => "from the rates of earlier runs",
                    Source::MultiplyAdds if self.speed.is_measured => {
                        "from multiply-adds and the speed of this machine"
                    }
                    Source::MultiplyAdds => "from multiply-adds at the speed of a slow machine",
                };
                format!("about {} with {jobs} ({source})", time(seconds))
            }
            None => format!("unknown until the first runs report ({jobs})"),
        };
        row("time", time);
        let runs = self.unfinished().map(|run| (&run.config, run.steps_left()));
        if let Some(cost) = cost::hours(rates, &left, runs, self.devices.first()) {
            row("cost", cost);
        }
        if let Some(disk) = cost::disk(self.unfinished().map(|run| &run.config), self.jobs) {
            row("disk", disk);
        }
        if let Some(memory) = memory::of_replays(self.unfinished().map(|run| &run.config), self.jobs) {
            row("memory", memory);
        }
        row("files", format!("{}, {}", self.out.join("runs").display(), self.results().display()));
        output::line(format_args!("  deviations of `{}` from the paper's protocol:", self.profile_name));
        profile.leaves_out().iter().for_each(|sentence| output::wrapped(6, &format!("    - {sentence}")));
        let power = power::lines(experiment, profile);
        if !power.is_empty() {
            row("power", "how often the claim's parts could be supported with these games and seeds".into());
            power.iter().for_each(|line| output::wrapped(6, &format!("    - {line}")));
        }
        self.notes().iter().for_each(|note| output::wrapped(4, &format!("  note: {note}")));
        output::line(format_args!(""));
    }

    /// The devices, and how many runs share one.
    fn on_device(&self) -> String {
        let devices = &self.devices;
        let at_once = self.jobs.min(self.unfinished().count());
        match (devices.first(), at_once.div_ceil(devices.all().len())) {
            (Device::Cpu | Device::Flex, _) => devices.to_string(),
            (_, 0 | 1) if devices.all().len() == 1 => format!("{devices}, one run at a time"),
            (_, 0 | 1) => format!("{devices}, one run at a time on each"),
            (_, runs) => {
                let each = if devices.all().len() == 1 { "" } else { "each " };
                format!(
                    "{devices}, {each}shared by {runs} runs at a time (`--jobs` sets how many; each needs its own memory)"
                )
            }
        }
    }
}

/// The options' changes of the profile, as typed.
fn changes(options: &Options) -> Vec<String> {
    let number =
        |name: &str, number: Option<u64>| number.map(|number| format!("{name} {}", thousands(number)));
    let names = |name: &str, names: &Option<Vec<String>>| {
        names.as_ref().map(|names| format!("{name} {}", names.join(" and ")))
    };
    let sizes = [
        number("steps", options.steps),
        number("seeds", options.seeds),
        number("first seed", options.first_seed),
        names("games", &options.games),
        names("arms", &options.arms),
        options.agent.as_ref().map(|name| format!("agent {name}")),
    ];
    sizes.into_iter().flatten().chain(options.set.iter().cloned()).collect()
}

/// The arms asked for, or those of the profile, in the experiment's order; the random policy is always among them.
fn arms(experiment: &Experiment, profile: &Profile, asked: Option<&[String]>) -> Result<Vec<String>> {
    let Some(asked) = asked else { return Ok(experiment.arms_of(profile).map(str::to_owned).collect()) };
    for name in asked {
        if let Err(unknown) = names::known("arm", name.trim(), experiment.arm_names()) {
            bail!("{unknown}{}", catalog::instead_of(name.trim(), experiment));
        }
        if profile.without.iter().any(|arm| arm == name.trim()) {
            let there: Vec<&str> = experiment.arms_for(profile).collect();
            bail!("the profile does not have the arm `{}`. Choose among {}", name.trim(), there.join(", "));
        }
    }
    let is_asked = |name: &&str| *name == RANDOM_ARM || asked.iter().any(|asked| asked.trim() == *name);
    Ok(experiment.arm_names().filter(is_asked).map(str::to_owned).collect())
}
