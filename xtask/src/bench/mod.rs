//! `cargo xtask bench`: measures ours and other software in turn, on the same core.
//!
//! Both sides are processes that get ready once (start, compile, fill a replay) and then measure one round at a time on
//! request: ours, the first peer, the second peer, ours again. Other load on the machine so reaches all of them alike. On
//! one core, processor time counts.

mod device;
mod process;
mod python;
mod rows;
mod works;

use crate::binaries::{self, Programs};
use crate::cli::BenchOptions;
use crate::cores::{self, Cores};
use crate::time::time;
use crate::{interrupt, output};
use anyhow::{Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use process::{About, Process};
use python::Python;
use rows::{Rounds, Row, UNQUIET};
use softmoe_config::Device;
use softmoe_config::names::nearest;
use softmoe_config::words::count;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use works::{Group, Peer, Size};

/// Default number of rounds.
const ROUNDS: (u64, u64) = (5, 2);

/// Measures, prints the table, writes the rows.
pub(crate) fn bench(options: &BenchOptions) -> Result<ExitCode> {
    if let Some(device) = options.device {
        return device::bench(options, device);
    }
    let size = if options.quick { Size::Quick } else { Size::Full };
    let groups = chosen(size, options.only.as_deref())?;
    let rounds = options.rounds.unwrap_or(if options.quick { ROUNDS.1 } else { ROUNDS.0 });
    let cores = cores::choose(options.cpu.as_ref())?;
    rows::check(&options.out)?;
    let programs = binaries::measuring(Device::Cpu)?;
    let python = match options.no_peers {
        true => Err("left out by `--no-peers`".to_owned()),
        false => python::python(options.venv.as_deref())?,
    };
    interrupt::install()?;
    let load = load();
    let mut bench = Bench {
        programs,
        python,
        cores,
        rounds,
        about: About::default(),
        rows: Vec::new(),
        screen: Screen::new(&groups, rounds),
    };
    bench.announce(&groups, size);
    for group in &groups {
        bench.measure(group)?;
        // Written after each group, so that an interruption loses no measured rows.
        rows::write(&options.out, &bench.rows)?;
    }
    bench.screen.close();
    bench.report(&options.out, load);
    Ok(ExitCode::SUCCESS)
}

/// The groups with matching works, or an error with the nearest name.
fn chosen(size: Size, only: Option<&str>) -> Result<Vec<Group>> {
    let groups = works::groups(size);
    let names: Vec<String> =
        groups.iter().flat_map(|group| &group.works).map(|work| work.name.clone()).collect();
    let left = works::only(groups, only.unwrap_or("*"));
    if let (true, Some(given)) = (left.is_empty(), only) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        return Err(no_match("work", given, &names));
    }
    Ok(left)
}

/// The error for a pattern without a match: the nearest name, and all names.
fn no_match(what: &str, given: &str, names: &[&str]) -> anyhow::Error {
    let near = nearest(given, names.iter().copied());
    let hint = near.map_or(String::new(), |name| format!("; did you mean `{name}`"));
    anyhow!("no {what} matches `{given}`{hint}. There are: {} (`*` stands for any letters)", names.join(", "))
}

/// A running benchmark.
struct Bench {
    programs: Programs,
    python: Python,
    cores: Option<Cores>,
    rounds: u64,
    about: About,
    rows: Vec<Row>,
    screen: Screen,
}

/// One side of a group, with the results of its rounds.
struct Side {
    name: String,
    /// `None` if the side is missing, or has no process.
    processes: Vec<Process>,
    missing: Option<String>,
    rounds: BTreeMap<String, Rounds>,
}

impl Bench {
    /// Whether processor time counts. On several cores it would include waiting threads, so wall time counts there.
    fn clock(&self) -> &'static str {
        match &self.cores {
            Some(cores) if cores.0.len() == 1 => "cpu",
            _ => "wall",
        }
    }

    fn core_count(&self) -> usize {
        match &self.cores {
            Some(cores) => cores.0.len(),
            None => std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    fn announce(&self, groups: &[Group], size: Size) {
        let works: usize = groups.iter().map(|group| group.works.len()).sum();
        let part = if size == Size::Quick { " (a part of all: `--quick`)" } else { "" };
        let cores =
            self.cores.as_ref().map_or("any core: processes cannot be held to one here".into(), Cores::words);
        let about = time(groups.iter().map(|group| seconds(group, self.rounds)).sum());
        output::error_line(format_args!(
            "{}{part}, {} of each, on {cores}; about {about}",
            count(works, "work"),
            count(self.rounds, "round"),
        ));
        if let Err(reason) = &self.python {
            output::error_line(format_args!("No peers: {reason}. Ours is measured alone."));
        }
    }

    fn measure(&mut self, group: &Group) -> Result<()> {
        let works: Vec<&str> = group.works.iter().map(|work| work.name.as_str()).collect();
        self.screen.begin(&works.join(", "));
        let mut command = Command::new(&self.programs.measure);
        command.args(&group.ours).args(["--clock", self.clock()]);
        let mut ours = Side::new("ours".into());
        ours.start(command, self.cores.as_ref(), group.on_each_core, &mut self.about)?;
        if let Some(reason) = ours.missing {
            bail!("our own measurement of {} failed: {reason}", works.join(", "));
        }
        let mut peers = Vec::new();
        for peer in &group.peers {
            peers.push(self.peer(peer, group.on_each_core)?);
        }
        let rounds = if group.once { 1 } else { self.rounds };
        for round in 0..rounds {
            ours.round()?;
            if let Some(reason) = ours.missing {
                bail!("our own measurement of {} failed: {reason}", works.join(", "));
            }
            peers.iter_mut().try_for_each(Side::round)?;
            self.screen.advance((round + 1) as f64 / rounds as f64 * seconds(group, self.rounds));
        }
        self.screen.end(seconds(group, self.rounds));
        for work in &group.works {
            let none = Rounds::default();
            for ((side, peer), target) in peers.iter().zip(&group.peers).zip(&work.targets) {
                let (name, theirs, missing) = match peer {
                    Peer::Limit(limit) => (side.name.clone(), Rounds::of(*limit), None),
                    Peer::Processor { name, figure } => {
                        let most = ours.rounds.get(*figure).cloned().unwrap_or_default();
                        ((*name).to_owned(), most, None)
                    }
                    Peer::Script { .. } => {
                        let theirs = side.rounds.get(work.figure).cloned().unwrap_or_default();
                        (side.name.clone(), theirs, side.missing.clone())
                    }
                };
                let own = ours.rounds.get(work.figure).unwrap_or(&none);
                let cores = self.core_count();
                self.rows.push(Row { cores, ..Row::new(work, *target, own, name, &theirs, missing)? });
            }
        }
        Ok(())
    }

    /// The peer, ready for rounds unless it is missing.
    fn peer(&mut self, peer: &Peer, on_each_core: bool) -> Result<Side> {
        let Peer::Script { name, package, script, arguments } = peer else {
            return Ok(Side::new("limit".into()));
        };
        let mut side = Side::new((*name).to_owned());
        match &self.python {
            Err(reason) => side.missing = Some(reason.clone()),
            Ok(python) => {
                let mut command = Command::new(python);
                command.arg(python::scripts().join(script)).args(arguments);
                command.args(["--paced", "--clock", self.clock()]);
                // The scripts leave no compiled files beside them and use no graphics card.
                command.env("PYTHONDONTWRITEBYTECODE", "1").env("CUDA_VISIBLE_DEVICES", "");
                side.start(command, self.cores.as_ref(), on_each_core, &mut self.about)?;
            }
        }
        if let Some(version) = self.about.versions.get(*package) {
            side.name = format!("{name} {version}");
        }
        Ok(side)
    }

    fn report(&self, out: &Path, load: Option<String>) {
        let unknown = || "unknown".to_owned();
        output::line(format_args!("{}", rows::table(&self.rows)));
        output::line(format_args!(
            "Processor: {}; instructions: {}; {}, {} time; {} of each, the best of either side compared.",
            self.about.host.clone().unwrap_or_else(unknown),
            self.about.instructions.clone().unwrap_or_else(unknown),
            self.cores.as_ref().map_or("not held to a core".into(), Cores::words),
            if self.clock() == "cpu" { "processor" } else { "wall" },
            count(self.rounds, "round"),
        ));
        output::line(format_args!(
            "ratio: our time over the peer's; ✓: not above the target; spread: the middle round over the best, ours / the peer's."
        ));
        if let (Some(before), Some(after)) = (load, self::load()) {
            output::line(format_args!("Load of the machine: {before} before, {after} after."));
        }
        if !self.about.versions.is_empty() {
            let versions: Vec<String> =
                self.about.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
            output::line(format_args!("Versions: {}.", versions.join(", ")));
        }
        let mut reasons: Vec<String> = Vec::new();
        for row in &self.rows {
            if let Some(reason) = &row.missing {
                let reason = format!("{} was not there: {reason}", row.peer_name);
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
            }
        }
        if let (Err(reason), false) = (&self.python, reasons.is_empty()) {
            reasons = vec![format!("No peers: {reason}. Ours was measured alone.")];
        }
        for reason in reasons {
            output::line(format_args!("{reason}"));
        }
        let unquiet = self.rows.iter().filter(|row| row.is_unquiet()).count();
        if unquiet > 0 {
            output::line(format_args!(
                "{} with a spread above {UNQUIET}: something else ran meanwhile; repeat it when the machine is idle.",
                count(unquiet, "row")
            ));
        }
        let aimed: Vec<bool> = self.rows.iter().filter_map(Row::is_met).collect();
        let met = aimed.iter().filter(|met| **met).count();
        output::line(format_args!("Targets met: {met} of {}. Rows: {}", aimed.len(), out.display()));
    }
}

impl Side {
    fn new(name: String) -> Side {
        Side { name, processes: Vec::new(), missing: None, rounds: BTreeMap::new() }
    }

    /// Starts `command` on each core or on all cores together, and waits until it is ready.
    fn start(
        &mut self,
        command: Command,
        cores: Option<&Cores>,
        on_each: bool,
        about: &mut About,
    ) -> Result<()> {
        let places: Vec<Option<Cores>> = match cores {
            Some(cores) if on_each => cores.0.iter().map(|core| Some(Cores(vec![*core]))).collect(),
            cores => vec![cores.cloned()],
        };
        for place in places {
            if let Some(place) = &place {
                cores::hold(place)?;
            }
            let mut same = Command::new(command.get_program());
            same.args(command.get_args());
            for (name, value) in command.get_envs() {
                same.envs(value.map(|value| (name, value)));
            }
            match Process::start(same) {
                Ok(process) => self.processes.push(process),
                Err(error) => self.missing = Some(format!("{error:#}")),
            }
        }
        let mut missing = self.missing.take();
        for process in &mut self.processes {
            match process.ready() {
                Ok(reason) => missing = missing.or(reason),
                Err(error) => missing = missing.or(Some(format!("{error:#}"))),
            }
            about.host = about.host.take().or(process.about.host.take());
            about.instructions = about.instructions.take().or(process.about.instructions.take());
            about.versions.append(&mut process.about.versions);
        }
        self.fail(missing)
    }

    /// Measures one more round, unless the side is missing.
    fn round(&mut self) -> Result<()> {
        let mut measured = || -> Result<()> {
            for process in &mut self.processes {
                process.begin_round()?;
            }
            let mut sum = process::Figures::new();
            for process in &mut self.processes {
                for (name, figure) in process.end_round()? {
                    // The rates of several cores are added up.
                    let total =
                        sum.entry(name).or_insert(process::Figure { min: 0.0, max: 0.0, median: 0.0 });
                    total.min += figure.min;
                    total.max += figure.max;
                    total.median += figure.median;
                }
            }
            for (name, figure) in sum {
                self.rounds.entry(name).or_default().add(figure);
            }
            Ok(())
        };
        let missing = measured().err().map(|error| format!("{error:#}"));
        self.fail(missing)
    }

    /// Marks this side as missing.
    fn fail(&mut self, missing: Option<String>) -> Result<()> {
        if interrupt::signals() > 0 {
            bail!("interrupted; what was measured before is kept");
        }
        if missing.is_some() {
            self.missing = missing;
            self.processes.clear();
            self.rounds.clear();
        }
        Ok(())
    }
}

/// Approximate time of a group.
fn seconds(group: &Group, rounds: u64) -> f64 {
    let (start, round) = group.seconds;
    start + round * if group.once { 1.0 } else { rounds as f64 }
}

/// The load average of the last minute.
fn load() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    Some(text.split_whitespace().next()?.to_owned())
}

/// Progress on standard error: a bar on a terminal, plain lines elsewhere.
struct Screen {
    bar: Option<ProgressBar>,
    /// Expected seconds of everything, and of the part that is done.
    expected: f64,
    done: f64,
    started: Instant,
}

impl Screen {
    fn new(groups: &[Group], rounds: u64) -> Screen {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:32} {percent:>3}%  {wide_msg}");
            let bar =
                ProgressBar::new(1_000).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_secs(1));
            bar
        });
        let expected = groups.iter().map(|group| seconds(group, rounds)).sum();
        Screen { bar, expected, done: 0.0, started: Instant::now() }
    }

    /// The remaining time, at the pace so far; at first at the expected pace.
    fn left(&self, done: f64) -> String {
        let elapsed = self.started.elapsed().as_secs_f64();
        let pace = if done < 0.05 * self.expected { 1.0 } else { elapsed / done };
        format!("about {} left", time((self.expected - done) * pace))
    }

    fn begin(&self, works: &str) {
        let left = self.left(self.done);
        match &self.bar {
            Some(bar) => bar.set_message(format!("{left}: {works}")),
            None => output::error_line(format_args!(
                "{}: {works}; {left}",
                time(self.started.elapsed().as_secs_f64())
            )),
        }
    }

    /// Adds `seconds` of a group to the part that is done.
    fn advance(&self, seconds: f64) {
        if let Some(bar) = &self.bar {
            bar.set_position((1_000.0 * (self.done + seconds) / self.expected) as u64);
        }
    }

    fn end(&mut self, seconds: f64) {
        self.done += seconds;
    }

    fn close(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_nothing_matches_is_told_what_there_is() {
        let message = chosen(Size::Full, Some("step/minatar-flta")).unwrap_err().to_string();
        assert!(message.contains("did you mean `step/minatar-flat`"), "{message}");
        assert!(message.contains("replay/atari/sample"), "{message}");
        assert_eq!(chosen(Size::Full, Some("memory/*")).unwrap().len(), 1);
    }
}
