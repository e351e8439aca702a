//! `cargo xtask bench --device D`: speed of an agent on a device, and the messages of an update.
//!
//! Each network has two processes, one after the other: the first is timed in rounds, the second counts kernel launches,
//! which makes it slower. On an NVIDIA card, `peers/gpu_train_step.py` takes a turn as well.

use super::comparison::{self, Comparison, Rounds, digits};
use super::process::{About, Process};
use super::python;
use super::works::{Unit, Work, matches, no_match};
use crate::cli::BenchOptions;
use crate::cores::load;
use crate::{binaries, interrupt, output};
use anyhow::{Context, Result, bail};
use comfy_table::{CellAlignment, Table};
use softmoe_config::Device;
use softmoe_config::protocol::TrainStepLine;
use softmoe_config::words::count;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// The networks, and the extents of a benchmark that include them.
const NETWORKS: [(&str, Scope); 9] = [
    ("minatar-flat", Scope::Quick),
    ("minatar-softmoe4", Scope::Full),
    ("minatar-softmoe1x4", Scope::Named),
    ("nature-flat", Scope::Named),
    ("nature-softmoe4", Scope::Named),
    ("nature-softmoe1x4", Scope::Named),
    ("impala-flat", Scope::Named),
    ("impala-softmoe4", Scope::Full),
    ("impala-softmoe1x4", Scope::Named),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Quick,
    Full,
    /// Only on request.
    Named,
}

/// Rounds and seconds of a figure in each: for everything, and for a part.
const FULL: (u64, f64) = (3, 3.0);
const QUICK: (u64, f64) = (1, 1.0);

/// The figures of `softmoe-measure device-agent`.
const FIGURES: [(&str, Unit); 14] = [
    ("waiting", Unit::UpdatesPerSecond),
    ("overlapped", Unit::UpdatesPerSecond),
    ("agent_steps", Unit::StepsPerSecond),
    ("act", Unit::Microseconds),
    ("env", Unit::Microseconds),
    ("sample", Unit::Microseconds),
    ("update", Unit::Microseconds),
    ("launches", Unit::Count),
    ("launches_act", Unit::Count),
    ("waits", Unit::Count),
    ("uploads", Unit::Count),
    ("uploaded", Unit::Kilobytes),
    ("step_waiting", Unit::UpdatesPerSecond),
    ("step_queued", Unit::UpdatesPerSecond),
];

/// The columns of the two tables: head, and figure.
const SPEED: [(&str, &str); 7] = [
    ("updates/s, waiting", "waiting"),
    ("overlapped", "overlapped"),
    ("agent steps/s", "agent_steps"),
    ("act, us", "act"),
    ("env", "env"),
    ("sample", "sample"),
    ("update", "update"),
];
const COST: [(&str, &str); 5] = [
    ("launches of an update", "launches"),
    ("of an action", "launches_act"),
    ("waits", "waits"),
    ("uploads", "uploads"),
    ("kB", "uploaded"),
];

/// Framework and updates a second: with a wait after each step, and queued.
type Peer = (String, [f64; 2]);

/// Measures, prints the table, writes the rows.
pub(super) fn bench(options: &BenchOptions, device: Device) -> Result<ExitCode> {
    let networks = chosen(options.quick, options.only.as_deref())?;
    let (rounds, seconds) = if options.quick { QUICK } else { FULL };
    let rounds = options.rounds.unwrap_or(rounds);
    comparison::check(&options.out)?;
    let python = python_of(options, device)?;
    let measure = binaries::measuring(device, None)?.measure;
    interrupt::install()?;
    let before = load();
    let mut bench = Bench {
        device,
        measure,
        rounds,
        seconds,
        about: About::default(),
        comparisons: Vec::new(),
        notes: Vec::new(),
    };
    let mut found = Vec::new();
    for network in networks {
        output::error_line(format_args!("{network} on {device}, {}", count(rounds, "round")));
        let figures = bench.measure(network)?;
        let peers = match &python {
            Ok(python) => bench.peers(python, network)?,
            Err(_) => Vec::new(),
        };
        bench.compare(network, &figures, &peers)?;
        // Written after each network, so that an interruption loses no measured rows.
        comparison::write(&options.out, &bench.comparisons)?;
        found.push((network, figures, peers));
    }
    if let Err(reason) = python {
        bench.notes.push(format!("Only softmoe-rl was measured: {reason}."));
    }
    output::line(format_args!("{}", tables(&found)));
    bench.report(&options.out, before);
    Ok(ExitCode::SUCCESS)
}

/// The matching networks, or an error with the nearest name.
fn chosen(quick: bool, only: Option<&str>) -> Result<Vec<&'static str>> {
    let names = NETWORKS.map(|(name, _)| name);
    let Some(given) = only else {
        let most = if quick { Scope::Quick } else { Scope::Full };
        return Ok(NETWORKS.iter().filter(|(_, part)| *part <= most).map(|(name, _)| *name).collect());
    };
    let found: Vec<&str> = names.into_iter().filter(|name| matches(given, name)).collect();
    if found.is_empty() {
        return Err(no_match("network", given, &names));
    }
    Ok(found)
}

/// The Python for the peers, or the reason for having none.
fn python_of(options: &BenchOptions, device: Device) -> Result<python::Python> {
    Ok(match (device, &options.venv) {
        _ if options.no_peers => Err("the peers were left out by `--no-peers`".into()),
        (Device::Cuda(_), Some(directory)) => python::python(Some(directory))?,
        (Device::Cuda(_), None) => Err(
            "name a Python environment that has PyTorch for CUDA, or JAX with its plugin, with `--venv DIR`"
                .into(),
        ),
        _ => Err("PyTorch and JAX are compared on NVIDIA cards only".into()),
    })
}

struct Bench {
    device: Device,
    measure: PathBuf,
    rounds: u64,
    seconds: f64,
    about: About,
    comparisons: Vec<Comparison>,
    /// Notes below the table.
    notes: Vec<String>,
}

impl Bench {
    fn measure(&mut self, network: &str) -> Result<BTreeMap<String, Rounds>> {
        let mut figures = self.run(network, &["--seconds", &self.seconds.to_string()], self.rounds)?;
        figures.append(&mut self.run(network, &["--count"], 1)?);
        Ok(figures)
    }

    /// The figures of our process.
    fn run(&mut self, network: &str, more: &[&str], rounds: u64) -> Result<BTreeMap<String, Rounds>> {
        let mut command = Command::new(&self.measure);
        command.args(["device-agent", network, "--device", &self.device.to_string()]).args(more);
        let measured = || -> Result<BTreeMap<String, Rounds>> {
            let mut process = Process::start(command)?;
            process.ready()?;
            self.about.host = self.about.host.take().or(process.about.host.take());
            let mut all = BTreeMap::<String, Rounds>::new();
            for _ in 0..rounds {
                process.begin_round()?;
                for (name, figure) in process.end_round()? {
                    all.entry(name).or_default().add(figure);
                }
            }
            Ok(all)
        };
        let figures = measured();
        if interrupt::is_asked() {
            bail!("interrupted; earlier measurements are kept");
        }
        figures.with_context(|| format!("our own measurement of {network} on {} failed", self.device))
    }

    /// The results of the peers' script for the network.
    fn peers(&mut self, python: &Path, network: &str) -> Result<Vec<Peer>> {
        let mut command = Command::new(python);
        command.arg(python::scripts().join("gpu_train_step.py")).args(["--only", network]);
        command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null()).stderr(Stdio::inherit());
        let output = command.output().with_context(|| format!("cannot start {}", python.display()))?;
        if interrupt::is_asked() {
            bail!("interrupted; earlier measurements are kept");
        }
        let (peers, skipped) = read(&String::from_utf8_lossy(&output.stdout), network);
        let mut notes: Vec<String> =
            skipped.into_iter().map(|reason| format!("Not available: {reason}.")).collect();
        if !output.status.success() {
            notes.push(format!("The peers failed ({}): see their messages above.", output.status));
        }
        for note in notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        Ok(peers)
    }

    fn compare(&mut self, network: &str, figures: &BTreeMap<String, Rounds>, peers: &[Peer]) -> Result<()> {
        for (figure, unit) in FIGURES {
            let Some(ours) = figures.get(figure) else { continue };
            let name = format!("{}/{network}/{figure}", self.device);
            let work = Work { name, figure, unit, targets: Vec::new() };
            let theirs = |rates: &[f64; 2]| Rounds::of(rates[usize::from(figure == "step_queued")]);
            let mut compared: Vec<(String, Rounds, Option<f64>)> = match figure {
                "waits" => vec![("limit".into(), Rounds::of(1.0), Some(1.0))],
                "step_waiting" | "step_queued" => {
                    peers.iter().map(|(name, rates)| (name.clone(), theirs(rates), None)).collect()
                }
                _ => Vec::new(),
            };
            if compared.is_empty() {
                compared.push(("none".into(), Rounds::default(), None));
            }
            for (name, theirs, target) in compared {
                self.comparisons.push(Comparison::new(&work, target, ours, name, &theirs, None)?);
            }
        }
        Ok(())
    }

    fn report(&self, out: &Path, before: Option<String>) {
        output::line(format_args!(
            "updates/s: an update and then an action, with a wait for each (waiting) or for both together (overlapped). \
             agent steps/s: full Rainbow with an update every 4 steps; act, env, sample and update: us of a step by phase, where \
             act includes the wait for the previous update. launches, uploads, kB: per update; waits: per update and next action."
        ));
        let host = self.about.host.as_deref().unwrap_or("unknown");
        output::line(format_args!(
            "Host: {host}; wall time; {} of {} s per figure, the best round counts.",
            count(self.rounds, "round"),
            self.seconds
        ));
        if let (Some(before), Some(after)) = (before, load()) {
            output::line(format_args!("Load of the machine: {before} before, {after} after."));
        }
        self.notes.iter().for_each(|note| output::line(format_args!("{note}")));
        output::line(format_args!("Rows: {}", out.display()));
    }
}

/// The network's rates by framework, and the reasons for missing ones.
fn read(text: &str, network: &str) -> (Vec<Peer>, Vec<String>) {
    let (mut peers, mut skipped) = (Vec::new(), Vec::new());
    for mut line in text.lines().filter_map(TrainStepLine::read) {
        if let Some(reason) = line.skipped.take() {
            skipped.push(line.framework.map_or(reason.clone(), |framework| format!("{framework}: {reason}")));
        } else if let Some((framework, net, rates)) = line.rates()
            && net == network
        {
            peers.push((framework, rates));
        }
    }
    (peers, skipped)
}

type Found<'a> = (&'a str, BTreeMap<String, Rounds>, Vec<Peer>);

/// The tables: speed, messages of an update, and, with peers, training steps alone.
fn tables(found: &[Found<'_>]) -> String {
    let mut text = format!("{}\n{}", table(&SPEED, found), table(&COST, found));
    if found.iter().any(|(_, _, peers)| !peers.is_empty()) {
        text += &format!("\n{}", beside_peers(found));
    }
    text
}

/// The best of the rounds.
fn best(figures: &BTreeMap<String, Rounds>, figure: &str) -> Option<f64> {
    let (_, unit) = FIGURES.iter().find(|(name, _)| *name == figure)?;
    figures.get(figure)?.best(*unit)
}

/// A row for each network, a column for each figure.
fn table(columns: &[(&str, &str)], found: &[Found<'_>]) -> Table {
    let mut table =
        comparison::new_table(["network"].into_iter().chain(columns.iter().map(|(head, _)| *head)));
    for (network, figures, _) in found {
        let cells = columns.iter().map(|(_, figure)| match best(figures, figure) {
            // Counts are printed without rounding.
            Some(count) if count.fract() == 0.0 && count < 1_000.0 => count.to_string(),
            Some(number) => digits(number),
            None => "-".into(),
        });
        table.add_row([(*network).to_owned()].into_iter().chain(cells));
    }
    align(&mut table);
    table
}

/// The training step alone, ours and the peers'; a ratio is our time over the peer's.
fn beside_peers(found: &[Found<'_>]) -> Table {
    let head = ["training step alone", "of", "updates/s, waiting", "ratio", "queued", "ratio"];
    let mut table = comparison::new_table(head.into_iter());
    for (network, figures, peers) in found {
        let ours = ["step_waiting", "step_queued"].map(|figure| best(figures, figure));
        let [waiting, queued] = ours.map(|rate| rate.map_or("-".into(), digits));
        table.add_row([*network, "ours", &waiting, "", &queued, ""]);
        for (framework, rates) in peers {
            let ratio = |i: usize| ours[i].map_or("-".into(), |ours| format!("{:.2}", rates[i] / ours));
            table.add_row(["", framework, &digits(rates[0]), &ratio(0), &digits(rates[1]), &ratio(1)]);
        }
    }
    align(&mut table);
    table
}

fn align(table: &mut Table) {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use softmoe_config::protocol::Figure;

    #[test]
    fn networks_are_chosen_by_size_or_by_name() {
        assert_eq!(chosen(true, None).unwrap(), ["minatar-flat"]);
        assert_eq!(chosen(false, None).unwrap(), ["minatar-flat", "minatar-softmoe4", "impala-softmoe4"]);
        assert_eq!(chosen(true, Some("nature*")).unwrap().len(), 3);
        let message = chosen(false, Some("impala-flta")).unwrap_err().to_string();
        assert!(message.contains("did you mean `impala-flat`"), "{message}");
    }

    #[test]
    fn the_peers_lines_are_read_and_all_else_is_passed_over() {
        let text = r#"{"host": "a processor"}
            {"framework": "jax", "skipped": "jax is not installed"}
            {"framework": "torch-graph", "net": "minatar-flat", "train_ms_min": 0.5, "train_queued_ms": 0.25}
            {"framework": "torch-graph", "net": "impala-flat", "train_ms_min": 5, "train_queued_ms": 2}
            not JSON"#;
        let (peers, skipped) = read(text, "minatar-flat");
        assert_eq!(peers, [("torch-graph".to_owned(), [2_000.0, 4_000.0])]);
        assert_eq!(skipped, ["jax: jax is not installed"]);
    }

    #[test]
    fn rows_and_table_have_what_was_measured() {
        let rounds = |number: f64| {
            let mut rounds = Rounds::default();
            rounds.add(Figure { min: number, max: number, median: number });
            rounds
        };
        let figures =
            [("waiting", 100.0), ("waits", 1.0), ("step_waiting", 1_000.0), ("step_queued", 2_000.0)];
        let figures = BTreeMap::from(figures.map(|(name, number)| (name.to_owned(), rounds(number))));
        let peers = vec![("torch-graph".to_owned(), [2_000.0, 8_000.0])];
        let mut bench = Bench {
            device: Device::Cuda(0),
            measure: PathBuf::new(),
            rounds: 1,
            seconds: 1.0,
            about: About::default(),
            comparisons: Vec::new(),
            notes: Vec::new(),
        };
        bench.compare("minatar-flat", &figures, &peers).unwrap();
        let row = |figure: &str| {
            let name = format!("cuda:0/minatar-flat/{figure}");
            bench.comparisons.iter().find(|row| row.work == name).unwrap().clone()
        };
        assert_eq!(
            (row("waiting").ours, row("waiting").unit, row("waiting").ratio),
            (100.0, "updates/s", None)
        );
        assert_eq!(row("waits").is_met(), Some(true));
        // Twice and four times as fast as ours.
        assert_eq!((row("step_waiting").ratio, row("step_queued").ratio), (Some(2.0), Some(4.0)));
        let text = tables(&[("minatar-flat", figures, peers)]);
        assert!(text.contains("torch-graph") && text.contains("4.00") && text.contains(" - "), "{text}");
    }
}
