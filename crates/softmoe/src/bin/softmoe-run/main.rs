//! The worker: trains one run in the directory of its `run.ron`, describes networks, and checks which devices are available.

mod calibrate;
mod console;
mod describe;
mod evaluate;
mod lock;
mod signals;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Parser, Subcommand};
use console::{Console, ProgressFormat};
use describe::{Describe, describe};
use evaluate::{Evaluate, evaluate};
use lock::{Guarded, lock};
use mimalloc::MiMalloc;
use signals::Requests;
#[cfg(feature = "minatar")]
use softmoe::fingerprint::fingerprint;
use softmoe::memory;
use softmoe_agents::check_device;
use softmoe_config::error::with_causes;
use softmoe_config::protocol::{FailureLine, INTERRUPTED};
use softmoe_config::{Device, Done, RunConfig, RunDirectory, file};
use softmoe_console::memory::Memory;
use softmoe_console::output;
use softmoe_runner::checkpoint::remove_all;
use softmoe_runner::{Monitor, Options, Outcome, train};
use std::fs::OpenOptions;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// mimalloc begins large blocks at whole cache lines, where vectors are read fastest.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Features of the package, and whether this program has them.
const FEATURES: [(&str, bool); 6] = [
    ("minatar", cfg!(feature = "minatar")),
    ("atari", cfg!(feature = "atari")),
    ("gym", cfg!(feature = "gym")),
    ("flex", cfg!(feature = "flex")),
    ("wgpu", cfg!(feature = "wgpu")),
    ("cuda", cfg!(feature = "cuda")),
];

/// Train one run from its run.ron, which holds the complete configuration; output goes to the same directory.
///
/// A run that was stopped or killed resumes from its last checkpoint when it is started again.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    training: Option<Training>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the layers of a network: output shapes, parameters, multiply-adds
    Describe(Describe),
    /// Score a trained run again; nothing in its directory changes
    Evaluate(Evaluate),
    /// Check whether this program can compute on a device
    Device {
        /// cpu, flex, wgpu, cuda or cuda:N
        device: Device,
    },
    /// Print the fingerprint of the numbers that this program computes, from two short runs
    #[cfg(feature = "minatar")]
    Fingerprint,
    /// Print the features that this program was built with, one a line
    Features,
    /// Measure the speed of one core, in multiply-adds a second of a short run
    #[command(hide = true)]
    Calibrate,
}

/// A run to train.
#[derive(Args, Debug)]
struct Training {
    /// The run's configuration, e.g. runs/quick/flat/breakout/seed-0/run.ron
    run_ron: PathBuf,
    /// Device: cpu, flex, wgpu, cuda or cuda:N. All but cpu must be built in, e.g. with
    /// `cargo build --release -p softmoe --features cuda`
    #[arg(long, default_value_t)]
    device: Device,
    /// Threads for large networks; the result does not depend on the number [default: one per core]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    threads: Option<NonZeroUsize>,
    /// Format of the progress on standard output
    #[arg(long, value_enum, default_value = "text")]
    progress: ProgressFormat,
    /// Initial weights, e.g. the weights.safetensors of another run of the same network
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Seconds to wait while another worker has the run
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = work(&arguments);
    result.unwrap_or_else(|error| {
        tell(&with_causes(error.as_ref()), arguments.training.as_ref());
        ExitCode::FAILURE
    })
}

/// Does what the arguments ask for.
fn work(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match (&arguments.command, &arguments.training) {
        (Some(Command::Describe(options)), _) => describe(options).map(|()| ExitCode::SUCCESS),
        (Some(Command::Evaluate(options)), _) => evaluate(options),
        (Some(Command::Device { device }), _) => check_device(*device).map_err(Into::into).map(|()| {
            output::line(format_args!("{device} can be used"));
            ExitCode::SUCCESS
        }),
        #[cfg(feature = "minatar")]
        (Some(Command::Fingerprint), _) => fingerprint().map_err(Into::into).map(|fingerprint| {
            output::line(format_args!("{fingerprint}"));
            ExitCode::SUCCESS
        }),
        (Some(Command::Features), _) => {
            FEATURES.iter().filter(|(_, is_built_in)| *is_built_in).for_each(|(name, _)| {
                output::line(format_args!("{name}"));
            });
            Ok(ExitCode::SUCCESS)
        }
        (Some(Command::Calibrate), _) => calibrate::calibrate().map(|()| ExitCode::SUCCESS),
        (None, Some(training)) => run(training),
        (None, None) => Err(anyhow!("missing argument: the run.ron of a run (see `softmoe-run --help`)")),
    }
}

/// Tells the reason of a failure on standard error and, of a run, on every other way to a reader.
fn tell(reason: &str, training: Option<&Training>) {
    let told = output::write_error_line(format_args!("error: {reason}"));
    let Some(training) = training else { return };
    if training.progress == ProgressFormat::Json {
        // The runner may not find it in the log: the disk of the log may be full.
        let line = FailureLine { error: reason.to_owned() };
        output::line(format_args!("{}", serde_json::to_string(&line).unwrap_or_default()));
    }
    if let (Err(_), Ok(directory)) = (told, directory_of(training)) {
        let log = OpenOptions::new().create(true).append(true).open(directory.stderr_log());
        let _ = log.and_then(|mut log| log.write_all(format!("error: {reason}\n").as_bytes()));
    }
}

fn run(arguments: &Training) -> anyhow::Result<ExitCode> {
    let requests = Requests::listen()?;
    let config = RunConfig::read(&arguments.run_ron)?;
    let directory = directory_of(arguments)?;
    let lock = lock(&directory, Duration::from_secs(arguments.wait), || !requests.stop())?;
    if directory.done_ron().exists() {
        file::read::<Done>(&directory.done_ron()).map_err(|error| {
            anyhow!("the result of this run is damaged: {}; move the file away, and the run goes on or begins anew", with_causes(&error))
        })?;
        // One that was killed right after it wrote its result has left them.
        remove_all(&directory.checkpoints());
        output::error_line(format_args!("{} is finished already; nothing to do", config.name()));
        return Ok(ExitCode::SUCCESS);
    }
    check_device(arguments.device)?;
    // None asked for: as many as there are cores.
    let threads = arguments.threads.map_or(0, NonZeroUsize::get);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
    pool.build_global().context("cannot start threads")?;
    let mut monitor = Console::new(arguments.progress, requests);
    if let Some(warning) = memory::check(Memory::now(), &config)? {
        monitor.warn(&warning);
    }
    let options = Options { device: arguments.device, weights: arguments.weights.as_deref() };
    let mut guarded = Guarded { monitor: &mut monitor, lock: &lock, directory: &directory };
    match train(&config, &directory, &options, &mut guarded)
        .with_context(|| format!("run {} stopped", config.name()))?
    {
        Outcome::Finished(done) => {
            output::line(format_args!(
                "{}: score {} after {} agent steps",
                config.name(),
                done.score,
                done.agent_steps
            ));
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Interrupted(steps) => {
            output::error_line(format_args!(
                "{} stopped at step {steps}; start it again to resume",
                config.name()
            ));
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

/// Most threads: more than any machine has cores.
const MOST_THREADS: usize = 4_096;

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok().and_then(NonZeroUsize::new).filter(|number| number.get() <= MOST_THREADS);
    number.ok_or_else(|| {
        format!("must be a whole number from 1 to {MOST_THREADS}; leave it out for one per core")
    })
}

fn directory_of(arguments: &Training) -> anyhow::Result<RunDirectory> {
    let path = std::path::absolute(&arguments.run_ron)?;
    match path.parent() {
        Some(parent) => Ok(RunDirectory::new(parent)),
        None => bail!("{} is not a file in a run's directory", path.display()),
    }
}
