//! The worker: trains one run in the directory of its `run.ron`, describes networks, and checks which devices are available.

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use fs4::TryLockError;
use mimalloc::MiMalloc;
use softmoe_agents::check_device;
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_bench::description::Description;
use softmoe_bench::memory::Memory;
use softmoe_bench::text;
use softmoe_config::protocol::INTERRUPTED;
use softmoe_config::{AgentSteps, Device, Phase, ProgressLine, RunConfig, RunDirectory};
use softmoe_nets::weights::WeightsFile;
use softmoe_runner::checkpoint::remove_all;
use softmoe_runner::{Monitor, Options, Outcome, Progress, train};
use std::fs::File;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// mimalloc begins large blocks at whole cache lines, where vectors are read fastest.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Time between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_millis(500);

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
    /// Check whether this program can compute on a device
    Device {
        /// cpu, flex, wgpu, cuda or cuda:N
        device: Device,
    },
}

/// A run to train.
#[derive(Args, Debug)]
struct Training {
    /// The run's configuration, e.g. runs/fig3/quick/flat/breakout/seed-0/run.ron
    run_ron: PathBuf,
    /// Device: cpu, flex, wgpu, cuda or cuda:N. All but cpu must be built in, e.g. with
    /// `cargo build --release -p softmoe-bench --features cuda`
    #[arg(long, default_value_t)]
    device: Device,
    /// Threads for large networks; the result does not depend on the number [default: one per core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Format of the progress on standard output
    #[arg(long, value_enum, default_value = "text")]
    progress: ProgressFormat,
    /// Initial weights, e.g. the weights.safetensors of another run of the same network
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
}

/// A network to describe.
#[derive(Args, Debug)]
struct Describe {
    /// A run.ron; a weights.safetensors; or `-` for a network in RON on standard input, e.g. (network: (encoder: minatar, body: flat(),
    /// hidden: 128), head: q(dueling: false, noisy: false), observation: (10, 10, 4), actions: 6)
    network: PathBuf,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProgressFormat {
    /// A line every ten seconds
    Text,
    /// A JSON object a line, twice a second
    Json,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match (&arguments.command, &arguments.training) {
        (Some(Command::Describe(options)), _) => describe(options).map(|()| ExitCode::SUCCESS),
        (Some(Command::Device { device }), _) => check_device(*device).map_err(Into::into).map(|()| {
            let _ = writeln!(std::io::stdout(), "{device} can be used");
            ExitCode::SUCCESS
        }),
        (None, Some(training)) => run(training),
        (None, None) => {
            Err(anyhow::anyhow!("missing argument: the run.ron of a run (see `softmoe-run --help`)"))
        }
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Prints the layers of a network.
fn describe(options: &Describe) -> anyhow::Result<()> {
    let architecture = if options.network.as_os_str() == "-" {
        let text = std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?;
        text.trim().parse()?
    } else if options.network.extension().is_some_and(|extension| extension == "safetensors") {
        let path = options.network.display();
        let bytes = std::fs::read(&options.network).with_context(|| format!("cannot read {path}"))?;
        let file = WeightsFile::read(&bytes).with_context(|| format!("cannot read {path}"))?;
        file.architecture()
            .parse()
            .with_context(|| format!("{path} has a network that this program does not know"))?
    } else {
        let config = RunConfig::read(&options.network)?;
        let seeds = Seeds::new(config.seed);
        config
            .architecture(seeds.seed(Role::Permutation))
            .with_context(|| format!("the arm `{}` has no network: it acts at random", config.arm))?
    };
    let description = Description::of(&architecture)?;
    let text = match options.json {
        true => serde_json::to_string_pretty(&description)?,
        false => description.table(text::columns()),
    };
    // Whoever reads this may be gone: `softmoe-run describe run.ron | head -3`.
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}

fn run(arguments: &Training) -> anyhow::Result<ExitCode> {
    let config = RunConfig::read(&arguments.run_ron)?;
    let directory = directory_of(arguments)?;
    let _lock = lock(&directory)?;
    if directory.done_ron().exists() {
        // One that was killed right after it wrote its result has left them.
        remove_all(&directory.checkpoints());
        eprintln!("{} is finished already; nothing to do", config.name());
        return Ok(ExitCode::SUCCESS);
    }
    check_device(arguments.device)?;
    // None asked for: as many as there are cores.
    let threads = arguments.threads.map_or(0, NonZeroUsize::get);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
    pool.build_global().context("cannot start threads")?;
    let mut monitor = Console::new(arguments, stop_on_signals()?);
    if let Some(warning) = Memory::now().check(&config)? {
        monitor.warn(&warning);
    }
    let options = Options { device: arguments.device, weights: arguments.weights.as_deref() };
    match train(&config, &directory, &options, &mut monitor)
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
            eprintln!("{} stopped at step {steps}; start it again to resume", config.name());
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

fn directory_of(arguments: &Training) -> anyhow::Result<RunDirectory> {
    let path = std::path::absolute(&arguments.run_ron)?;
    match path.parent() {
        Some(parent) => Ok(RunDirectory::new(parent)),
        None => bail!("{} is not a file in a run's directory", path.display()),
    }
}

/// Keeps a second worker away from the run; released when this process ends, however it ends.
fn lock(directory: &RunDirectory) -> anyhow::Result<File> {
    let path = directory.lock();
    let file = File::create(&path).with_context(|| {
        format!(
            "cannot write {}: the run's results go into that directory; make it writable, or run elsewhere \
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
    pace: Pace,
}

/// When to tell the progress, and the rate at which it is made.
#[derive(Default)]
struct Pace {
    /// When progress was last told, and of which phase.
    told: Option<(Instant, Phase)>,
    /// Since when, and from which step on, the rate is measured.
    since: Option<(Instant, AgentSteps)>,
    /// The latest rate; none before the first is measured.
    steps_per_second: Option<f64>,
}

impl Pace {
    /// Whether to tell `report`, which was made `now`: a new phase at once, within a phase once a `period`.
    fn tells(&mut self, now: Instant, period: Duration, report: &Progress) -> bool {
        if let Some((before, phase)) = self.told
            && phase == report.phase
            && now - before < period
        {
            return false;
        }
        self.told = Some((now, report.phase));
        let (since, first) = *self.since.get_or_insert((now, report.agent_steps));
        if now - since >= period {
            let steps = report.agent_steps.0.saturating_sub(first.0) as f64;
            self.steps_per_second = Some(steps / (now - since).as_secs_f64());
            self.since = Some((now, report.agent_steps));
        }
        true
    }
}

impl Console {
    fn new(arguments: &Training, stop: Arc<AtomicBool>) -> Self {
        Console { format: arguments.progress, stop, pace: Pace::default() }
    }

    fn say(&self, line: &str) {
        // The reader may have closed the pipe; the run continues.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

impl Monitor for Console {
    fn report(&mut self, report: &Progress) {
        let period = match self.format {
            ProgressFormat::Json => REPORT_EVERY,
            ProgressFormat::Text => 20 * REPORT_EVERY,
        };
        if !self.pace.tells(Instant::now(), period, report) {
            return;
        }
        let line = ProgressLine {
            agent_steps: report.agent_steps.0,
            of: report.of.0,
            steps_per_second: self.pace.steps_per_second.unwrap_or(0.0),
            evaluation_return: report.evaluation_return,
            phase: report.phase,
        };
        match self.format {
            ProgressFormat::Json => self.say(&serde_json::to_string(&line).unwrap_or_default()),
            ProgressFormat::Text => {
                let evaluated =
                    line.evaluation_return.map(|r| format!(", return {r:.2}")).unwrap_or_default();
                let rate =
                    self.pace.steps_per_second.map(|rate| format!(", {rate:.0} steps/s")).unwrap_or_default();
                let ProgressLine { agent_steps, of, phase, .. } = line;
                self.say(&format!("{phase}: {agent_steps} of {of} steps{rate}{evaluated}"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_phase_is_told_at_once_and_a_rate_once_it_is_known() {
        let (start, period) = (Instant::now(), Duration::from_secs(10));
        let mut pace = Pace::default();
        let mut tells = |seconds: u64, steps: u64, phase| {
            let report = Progress {
                phase,
                agent_steps: AgentSteps(steps),
                of: AgentSteps(1000),
                evaluation_return: None,
            };
            let told = pace.tells(start + Duration::from_secs(seconds), period, &report);
            (told, pace.steps_per_second)
        };
        assert_eq!(tells(0, 100, Phase::Train), (true, None));
        assert_eq!(tells(9, 190, Phase::Train), (false, None));
        assert_eq!(tells(9, 190, Phase::Evaluate), (true, None));
        assert_eq!(tells(10, 200, Phase::Train), (true, Some(10.0)));
        assert_eq!(tells(11, 200, Phase::Train), (false, Some(10.0)));
        assert_eq!(tells(20, 250, Phase::Train), (true, Some(5.0)));
    }
}
