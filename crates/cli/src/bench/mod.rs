//! `cargo xtask bench`: measures ours and other software in turn, on the same core.
//!
//! Both sides are processes that get ready once (start, compile, fill a replay) and then measure one round at a time on
//! request: ours, the first peer, the second peer, ours again. Other load on the machine so reaches all of them alike. On
//! one core, processor time counts.

mod comparison;
mod der;
mod device;
mod process;
pub(crate) mod python;
mod screen;
mod side;
mod works;

use crate::binaries::{self, Programs};
use crate::cli::BenchOptions;
use crate::cores::{self, Cores};
use crate::time::time;
use crate::{interrupt, output};
use anyhow::{Result, bail};
use comparison::{Comparison, Rounds, UNQUIET};
use process::About;
use python::Python;
use screen::Screen;
use side::Side;
use softmoe_config::Device;
use softmoe_config::words::count;
use std::path::Path;
use std::process::{Command, ExitCode};
use works::{Group, Peer, Size, no_match, seconds};

/// Default number of rounds.
const ROUNDS: (u64, u64) = (5, 2);

/// Measures, prints the table, writes the rows.
pub(crate) fn bench(options: &BenchOptions) -> Result<ExitCode> {
    if let Some(device) = options.device {
        return device::bench(options, device);
    }
    let size = if options.quick { Size::Quick } else { Size::Full };
    let mut groups = chosen(size, options.only.as_deref())?;
    if let Err(reason) = softmoe_atari::Files::find() {
        let before = groups.len();
        groups.retain(|group| group.feature != Some("atari"));
        match groups.is_empty() {
            true => bail!("{reason}"),
            false if groups.len() < before => {
                output::error_line(format_args!("Atari is not benchmarked: {reason}."));
            }
            false => {}
        }
    }
    let rounds = options.rounds.unwrap_or(if options.quick { ROUNDS.1 } else { ROUNDS.0 });
    let cores = cores::choose(options.cpu.as_ref())?;
    comparison::check(&options.out)?;
    let plays_atari = groups.iter().any(|group| group.feature == Some("atari"));
    let programs = binaries::measuring(Device::Cpu, plays_atari.then_some("atari"))?;
    let python = match options.no_peers {
        true => Err("left out by `--no-peers`".to_owned()),
        false => python::python(options.venv.as_deref())?,
    };
    interrupt::install()?;
    let load = cores::load();
    let mut bench = Bench {
        programs,
        python,
        cores,
        rounds,
        about: About::default(),
        comparisons: Vec::new(),
        screen: Screen::new(&groups, rounds),
    };
    bench.announce(&groups, size);
    for group in &groups {
        bench.measure(group)?;
        // Written after each group, so that an interruption loses no measured rows.
        comparison::write(&options.out, &bench.comparisons)?;
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

/// A running benchmark.
struct Bench {
    programs: Programs,
    python: Python,
    cores: Option<Cores>,
    rounds: u64,
    about: About,
    comparisons: Vec<Comparison>,
    screen: Screen,
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
        let cores = self
            .cores
            .as_ref()
            .map_or("any core: this system does not support pinning processes".into(), Cores::words);
        let about = time(groups.iter().map(|group| seconds(group, self.rounds)).sum());
        output::error_line(format_args!(
            "{}{part}, {} of each, on {cores}; about {about}",
            count(works, "work"),
            count(self.rounds, "round"),
        ));
        if let Err(reason) = &self.python {
            output::error_line(format_args!(
                "Other libraries are not benchmarked: {reason}. Measuring softmoe-rl only."
            ));
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
                    Peer::Own { name, figure } => {
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
                self.comparisons.push(Comparison {
                    cores,
                    ..Comparison::new(work, *target, own, name, &theirs, missing)?
                });
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
        output::line(format_args!("{}", comparison::table(&self.comparisons)));
        output::line(format_args!(
            "Processor: {}; instructions: {}; {}, {} time; {} of each, the best round of each side counts.",
            self.about.host.clone().unwrap_or_else(unknown),
            self.about.instructions.clone().unwrap_or_else(unknown),
            self.cores.as_ref().map_or("not pinned to a core".into(), Cores::words),
            if self.clock() == "cpu" { "processor" } else { "wall" },
            count(self.rounds, "round"),
        ));
        output::line(format_args!(
            "ratio: our time / theirs; ✓: target met; spread: median round / best round, ours / theirs."
        ));
        if let (Some(before), Some(after)) = (load, cores::load()) {
            output::line(format_args!("Machine load: {before} before, {after} after."));
        }
        if !self.about.versions.is_empty() {
            let versions: Vec<String> =
                self.about.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
            output::line(format_args!("Versions: {}.", versions.join(", ")));
        }
        let mut reasons: Vec<String> = Vec::new();
        for row in &self.comparisons {
            if let Some(reason) = &row.missing {
                let reason = format!("{} is not available: {reason}", row.peer_name);
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
            }
        }
        if let (Err(reason), false) = (&self.python, reasons.is_empty()) {
            reasons = vec![format!(
                "Other libraries were not benchmarked: {reason}. Only softmoe-rl was measured."
            )];
        }
        for reason in reasons {
            output::line(format_args!("{reason}"));
        }
        let unquiet = self.comparisons.iter().filter(|row| row.is_unquiet()).count();
        if unquiet > 0 {
            output::line(format_args!(
                "{} with a spread above {UNQUIET}: the machine was probably busy; measure again when it is idle.",
                count(unquiet, "row")
            ));
        }
        let aimed: Vec<bool> = self.comparisons.iter().filter_map(Comparison::is_met).collect();
        let met = aimed.iter().filter(|met| **met).count();
        output::line(format_args!("Targets met: {met} of {}. Rows: {}", aimed.len(), out.display()));
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
