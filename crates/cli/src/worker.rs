//! One worker process: `softmoe-run <run.ron> --progress json`.

use crate::plan::PlannedRun;
use anyhow::{Context, Result, bail};
use softmoe_config::directory::read_points;
use softmoe_config::protocol::FailureLine;
use softmoe_config::{Device, Phase, ProgressLine};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::time::Instant;

/// Asks the worker whether it can compute on `device`, so that what is missing is said once and not by every run.
pub(crate) fn check_device(program: &Path, device: Device) -> Result<()> {
    if device == Device::Cpu {
        return Ok(());
    }
    let mut command = Command::new(program);
    command.arg("device").arg(device.to_string()).stdin(Stdio::null()).stdout(Stdio::null());
    let output = command.output().with_context(|| format!("cannot start {}", program.display()))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        let reason = reason.trim();
        bail!("{}", reason.strip_prefix("error: ").unwrap_or(reason));
    }
    Ok(())
}

/// An event of a worker for the pool.
pub(crate) enum Event {
    /// A line of progress.
    Progress(ProgressLine),
    /// The reason of a failure.
    Failed(String),
    /// The standard output has ended, and the process with it.
    Ended,
}

/// A running worker.
pub(crate) struct Worker {
    /// Index of its run in the plan.
    pub(crate) run: usize,
    pub(crate) device: Device,
    pub(crate) child: Child,
    pub(crate) log: Log,
    pub(crate) started: Instant,
    /// Where the run was when this process took it up.
    pub(crate) first: Option<u64>,
    pub(crate) latest: Option<ProgressLine>,
    /// Mean returns of the run's evaluations so far.
    pub(crate) returns: Vec<f64>,
    metrics: PathBuf,
    /// The reason of its failure, as it said it on its standard output.
    pub(crate) last_words: Option<String>,
}

impl Worker {
    /// Starts the worker of `run`; what it says comes as `(index, event)`.
    pub(crate) fn start(
        program: &Path,
        index: usize,
        run: &PlannedRun,
        device: Device,
        threads: usize,
        events: Sender<(usize, Event)>,
    ) -> Result<Worker> {
        let path = run.directory.stderr_log();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let start = file.metadata().map_or(0, |metadata| metadata.len());
        let mut command = Command::new(program);
        command.arg(run.directory.run_ron()).args(["--progress", "json"]);
        command.arg("--device").arg(device.to_string());
        command.args(["--threads", &threads.to_string()]);
        // The last lines of its standard error are shown: an error, not where in the program it arose.
        command.env_remove("RUST_BACKTRACE").env_remove("RUST_LIB_BACKTRACE");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let output = child.stdout.take();
        let listen = move || {
            let lines = output.into_iter().flat_map(|output| BufReader::new(output).split(b'\n'));
            for line in lines.map_while(Result::ok) {
                // A line that is neither is somebody's stray print: of no use here.
                let event = serde_json::from_slice(&line).map(Event::Progress).or_else(|_| {
                    serde_json::from_slice(&line).map(|FailureLine { error }| Event::Failed(error))
                });
                if event.is_ok_and(|event| events.send((index, event)).is_err()) {
                    return;
                }
            }
            let _ = events.send((index, Event::Ended));
        };
        if let Err(error) = std::thread::Builder::new().spawn(listen) {
            // Nobody would ever hear of the worker.
            let _ = child.kill();
            let _ = child.wait();
            return Err(error).context("cannot start a thread that listens to the worker");
        }
        let log = Log { path, start };
        Ok(Worker {
            run: index,
            device,
            child,
            log,
            started: Instant::now(),
            first: None,
            latest: None,
            returns: Vec::new(),
            metrics: run.directory.metrics_csv(),
            last_words: None,
        })
    }

    /// Takes note of where the run is.
    pub(crate) fn observe(&mut self, progress: ProgressLine) {
        // Rows of evaluations are written at their end, and those of an earlier process are there from the start.
        let is_evaluated =
            |latest: &ProgressLine| latest.phase == Phase::Evaluate && progress.phase != Phase::Evaluate;
        if self.latest.as_ref().is_none_or(is_evaluated) {
            let points = read_points(&self.metrics).unwrap_or_default();
            self.returns = points.iter().filter_map(|point| point.evaluation_return).collect();
        }
        self.first.get_or_insert(progress.agent_steps);
        self.latest = Some(progress);
    }

    /// The part of the run that is done, up to 1.
    pub(crate) fn share(&self) -> f64 {
        self.latest.as_ref().map_or(0.0, |progress| progress.agent_steps as f64 / progress.of.max(1) as f64)
    }

    /// Agent steps that this process has made.
    pub(crate) fn own_steps(&self) -> u64 {
        let latest = self.latest.as_ref().map_or(0, |progress| progress.agent_steps);
        latest.saturating_sub(self.first.unwrap_or(0))
    }

    /// The last lines of its log, with the reason of its failure even if that is not in the log.
    pub(crate) fn last_lines(&self) -> Vec<String> {
        let mut lines = self.log.last_lines(5);
        if let Some(reason) = &self.last_words
            && !lines.join("\n").contains(reason.trim_end())
        {
            lines.push(reason.clone());
        }
        lines
    }

    /// Waits for the process, whose standard output has ended.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        self.child.wait().context("cannot wait for a worker")
    }
}

/// A worker's standard error, appended to a file over all resumptions.
pub(crate) struct Log {
    pub(crate) path: PathBuf,
    /// Where this process's part begins.
    start: u64,
}

impl Log {
    /// The last lines that this process has written, at most `count`.
    pub(crate) fn last_lines(&self, count: usize) -> Vec<String> {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(&self.path)?;
            // The end is enough, however much was written.
            let end = file.metadata()?.len();
            file.seek(SeekFrom::Start(self.start.max(end.saturating_sub(16 * 1024))))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(count)..].iter().map(|line| line.to_string()).collect()
    }
}
