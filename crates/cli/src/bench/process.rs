//! A measuring process, ours or a peer's script, which measures a round on request.
//!
//! It prints one JSON object per line: its host; `ready`, or `skipped` with a reason; then, for each line that it reads,
//! the `figures` of a round. It ends with its input.

use crate::interrupt;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use softmoe_config::protocol::{Figure, MeasurementLine};
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Largest time for getting ready, and for a round.
const PATIENCE: Duration = Duration::from_secs(600);
/// Interval between checks for Ctrl-C.
const LOOK: Duration = Duration::from_millis(100);

/// The figures of a round, by name.
pub(crate) type Figures = BTreeMap<String, Figure>;

/// The host, as a process reports it.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    /// The processor.
    pub(crate) host: Option<String>,
    /// Its vector instructions.
    pub(crate) instructions: Option<String>,
    /// Versions of packages.
    pub(crate) versions: BTreeMap<String, String>,
}

/// A running process; killed when dropped.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Arc<Mutex<VecDeque<String>>>,
    pub(crate) about: About,
}

impl Process {
    /// Starts `command` without waiting for it.
    pub(crate) fn start(mut command: Command) -> Result<Process> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn();
        let mut child = child.with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let (sender, lines) = channel();
        let output = child.stdout.take();
        let listen = move || {
            for line in lines_of(output) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        };
        let errors = Arc::new(Mutex::new(VecDeque::new()));
        let (kept, stderr) = (Arc::clone(&errors), child.stderr.take());
        let keep = move || {
            for line in lines_of(stderr).filter(|line| !line.trim().is_empty()) {
                if let Ok(mut kept) = kept.lock() {
                    kept.push_back(line);
                    if kept.len() > 3 {
                        kept.pop_front();
                    }
                }
            }
        };
        let input = child.stdin.take();
        // Killed when dropped, where a thread cannot be started.
        let process = Process { child, input, lines, errors, about: About::default() };
        let thread = std::thread::Builder::new;
        thread().spawn(listen).and_then(|_| thread().spawn(keep)).context("cannot start a thread")?;
        Ok(process)
    }

    /// Waits until the process is ready; returns the reason if it reports that it cannot be.
    pub(crate) fn ready(&mut self) -> Result<Option<String>> {
        loop {
            let line = self.line()?;
            self.about.host = line.host.or(self.about.host.take());
            self.about.instructions = line.instructions.or(self.about.instructions.take());
            let versions = line.versions.into_iter().filter_map(|(name, version)| Some((name, version?)));
            self.about.versions.extend(versions);
            if line.skipped.is_some() || line.ready {
                return Ok(line.skipped);
            }
        }
    }

    /// Asks for a round.
    pub(crate) fn begin_round(&mut self) -> Result<()> {
        let asked = match &mut self.input {
            Some(input) => writeln!(input).and_then(|()| input.flush()),
            None => Ok(()),
        };
        // Its standard error has the reason for the closed input.
        asked.or_else(|_| self.ended())
    }

    /// Waits for the round's figures.
    pub(crate) fn end_round(&mut self) -> Result<Figures> {
        loop {
            if let Some(figures) = self.line()?.figures {
                return Ok(figures);
            }
        }
    }

    fn line(&mut self) -> Result<MeasurementLine> {
        let since = Instant::now();
        loop {
            if interrupt::is_asked() {
                bail!("interrupted");
            }
            match self.lines.recv_timeout(LOOK) {
                // Lines that are no JSON objects are ignored.
                Ok(line) => {
                    if let Ok(value @ Value::Object(_)) = serde_json::from_str(&line)
                        && let Ok(line) = serde_json::from_value(value)
                    {
                        return Ok(line);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return self.ended(),
                Err(RecvTimeoutError::Timeout) if since.elapsed() > PATIENCE => {
                    bail!("it printed nothing for {} minutes", PATIENCE.as_secs() / 60)
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// The error for a process that has ended.
    fn ended<T>(&mut self) -> Result<T> {
        self.input = None;
        let status = self.child.wait().context("cannot wait for a process that has ended")?;
        // Its last lines may not have arrived yet.
        std::thread::sleep(LOOK);
        let last = self.errors.lock().ok().and_then(|errors| errors.back().cloned());
        bail!("it ended ({status}){}", last.map_or(String::new(), |line| format!(": {}", line.trim())))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Without input the process ends by itself after its current round.
        self.input = None;
        let since = Instant::now();
        while since.elapsed() < 20 * LOOK && !interrupt::is_asked() {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK / 10);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stream: Option<impl Read>) -> impl Iterator<Item = String> {
    let lines =
        stream.into_iter().flat_map(|stream| BufReader::new(stream).split(b'\n').map_while(Result::ok));
    lines.map(|line| String::from_utf8_lossy(&line).into_owned())
}
