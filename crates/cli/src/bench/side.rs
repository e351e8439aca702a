//! One side of a comparison: ours or a peer's.

use super::comparison::Rounds;
use super::process::{About, Figures, Process};
use crate::cores::{self, Cores};
use crate::interrupt;
use anyhow::{Result, bail};
use softmoe_config::error::with_causes;
use softmoe_config::protocol::Figure;
use std::collections::BTreeMap;
use std::process::Command;

/// One side of a group, with the results of its rounds.
pub(super) struct Side {
    pub(super) name: String,
    /// `None` if the side is missing, or has no process.
    pub(super) processes: Vec<Process>,
    pub(super) missing: Option<String>,
    pub(super) rounds: BTreeMap<String, Rounds>,
}

impl Side {
    pub(super) fn new(name: String) -> Side {
        Side { name, processes: Vec::new(), missing: None, rounds: BTreeMap::new() }
    }

    /// Starts `command` on each core or on all cores together, and waits until it is ready.
    pub(super) fn start(
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
                Err(error) => self.missing = Some(with_causes(error.as_ref())),
            }
        }
        let mut missing = self.missing.take();
        for process in &mut self.processes {
            match process.ready() {
                Ok(reason) => missing = missing.or(reason),
                Err(error) => missing = missing.or(Some(with_causes(error.as_ref()))),
            }
            about.host = about.host.take().or(process.about.host.take());
            about.instructions = about.instructions.take().or(process.about.instructions.take());
            about.versions.append(&mut process.about.versions);
        }
        self.fail(missing)
    }

    /// Measures one more round, unless the side is missing.
    pub(super) fn round(&mut self) -> Result<()> {
        let mut measured = || -> Result<()> {
            for process in &mut self.processes {
                process.begin_round()?;
            }
            let mut sum = Figures::new();
            for process in &mut self.processes {
                for (name, figure) in process.end_round()? {
                    // The rates of several cores are added up.
                    let total = sum.entry(name).or_insert(Figure { min: 0.0, max: 0.0, median: 0.0 });
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
        let missing = measured().err().map(|error| with_causes(error.as_ref()));
        self.fail(missing)
    }

    /// Marks this side as missing.
    pub(super) fn fail(&mut self, missing: Option<String>) -> Result<()> {
        if interrupt::is_asked() {
            bail!("interrupted; earlier measurements are kept");
        }
        if missing.is_some() {
            self.missing = missing;
            self.processes.clear();
            self.rounds.clear();
        }
        Ok(())
    }
}
