//! Trains one run, from its `run.ron` to its `done.ron`, in the directory that the `run.ron` lies in.

use anyhow::{Context, bail};
use clap::{Parser, ValueEnum};
use fs4::TryLockError;
use serde::Serialize;
use softmoe_agents::run::{Monitor, Outcome, Phase, Report, train};
use softmoe_spec::{AgentSteps, RunConfig, RunDirectory};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Exit code of a run that was stopped at a checkpoint (128 + SIGINT).
const INTERRUPTED: u8 = 130;
/// Time between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_millis(500);

/// Train one run: everything it needs is in its run.ron, everything it makes lies beside it.
///
/// A run that was stopped or killed goes on from its last checkpoint when it is started again.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The run's configuration, e.g. runs/fig3/quick/flat/breakout/seed-0/run.ron
    run_ron: PathBuf,
    /// How to tell the progress on standard output
    #[arg(long, value_enum, default_value = "text")]
    progress: ProgressFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProgressFormat {
    /// A line every ten seconds
    Text,
    /// A JSON object a line, twice a second
    Json,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let config = RunConfig::read(&arguments.run_ron)?;
    let directory = directory_of(&arguments)?;
    let _lock = lock(&directory)?;
    if directory.done_ron().exists() {
        eprintln!("{} is finished already; nothing to do", config.name());
        return Ok(ExitCode::SUCCESS);
    }
    let mut monitor = Console::new(&arguments, stop_on_signals()?);
    match train(&config, &directory, &mut monitor)
        .with_context(|| format!("run {} stopped", config.name()))?
    {
        Outcome::Finished(done) => {
            monitor.say(&format!(
                "{}: score {} after {} agent steps",
                config.name(),
                done.score,
                done.agent_steps
            ));
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Interrupted(steps) => {
            eprintln!("{} stopped at step {steps}; start it again to go on from there", config.name());
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

fn directory_of(arguments: &Arguments) -> anyhow::Result<RunDirectory> {
    let path = std::path::absolute(&arguments.run_ron)?;
    match path.parent() {
        Some(parent) => Ok(RunDirectory::new(parent)),
        None => bail!("{} is not a file in a run's directory", path.display()),
    }
}

/// Keeps a second worker away from the run; released when this process ends, however it ends.
fn lock(directory: &RunDirectory) -> anyhow::Result<File> {
    let path = directory.path().join("lock");
    let file = File::create(&path).with_context(|| {
        format!(
            "cannot write {}: the run's results go into that directory; make it writable, or have the run elsewhere \
             (`cargo xtask reproduce --out DIR`)",
            path.display()
        )
    })?;
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another worker trains the run in {}; wait for it, or stop it", directory.path().display())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// A flag that the first interrupt or termination signal sets; the second ends the process.
fn stop_on_signals() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    })
    .context("cannot listen for signals")?;
    Ok(stop)
}

/// Tells the progress on standard output.
struct Console {
    format: ProgressFormat,
    stop: Arc<AtomicBool>,
    /// When and where progress was last told.
    told: Option<(Instant, AgentSteps)>,
    steps_per_second: f64,
}

/// A line of progress in JSON.
#[derive(Serialize)]
struct Line {
    agent_steps: u64,
    of: u64,
    steps_per_second: f64,
    evaluation_return: Option<f64>,
    phase: &'static str,
}

impl Console {
    fn new(arguments: &Arguments, stop: Arc<AtomicBool>) -> Self {
        Console { format: arguments.progress, stop, told: None, steps_per_second: 0.0 }
    }

    fn say(&self, line: &str) {
        // Whoever read this may be gone; the run goes on.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

impl Monitor for Console {
    fn report(&mut self, report: &Report) {
        let now = Instant::now();
        let period = match self.format {
            ProgressFormat::Json => REPORT_EVERY,
            ProgressFormat::Text => 20 * REPORT_EVERY,
        };
        if let Some((before, steps)) = self.told {
            let elapsed = now - before;
            if elapsed < period {
                return;
            }
            self.steps_per_second =
                report.agent_steps.0.saturating_sub(steps.0) as f64 / elapsed.as_secs_f64();
        }
        self.told = Some((now, report.agent_steps));
        let phase = match report.phase {
            Phase::Train => "train",
            Phase::Evaluate => "evaluate",
            Phase::Checkpoint => "checkpoint",
        };
        let line = Line {
            agent_steps: report.agent_steps.0,
            of: report.of.0,
            steps_per_second: self.steps_per_second,
            evaluation_return: report.evaluation_return,
            phase,
        };
        match self.format {
            ProgressFormat::Json => self.say(&serde_json::to_string(&line).unwrap_or_default()),
            ProgressFormat::Text => {
                let evaluated =
                    line.evaluation_return.map(|r| format!(", return {r:.2}")).unwrap_or_default();
                let Line { agent_steps, of, steps_per_second, .. } = line;
                self.say(&format!(
                    "{phase}: {agent_steps} of {of} steps, {steps_per_second:.0} steps/s{evaluated}"
                ));
            }
        }
    }

    fn warn(&mut self, message: &str) {
        eprintln!("warning: {message}");
    }

    fn keep_going(&mut self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}
