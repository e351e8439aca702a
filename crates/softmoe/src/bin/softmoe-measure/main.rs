//! Measures this project round by round, so that `cargo xtask bench` can compare it with other software.
//!
//! The output is one JSON object per line: first the host and `{"ready":true}`; then, for each line of standard input, the
//! figures of a round, e.g. `{"figures":{"step":{"min":0.18,"max":0.22,"median":0.19}}}`. The program ends with its input.

#[cfg(feature = "atari")]
mod atari;
mod clock;
#[cfg(feature = "atari")]
mod der;
mod device_agent;
mod device_steps;
mod devices;
mod games;
mod host;
mod kernels;
mod networks;
mod replays;
mod roofline;
mod worker;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use clock::{Clock, Figure};
use mimalloc::MiMalloc;
use softmoe_config::error::with_causes;
use softmoe_config::protocol::MeasurementLine;
use softmoe_console::output;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// mimalloc begins large blocks at whole cache lines, where vectors are read fastest.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Run benchmarks, one round per line on standard input (normally driven by `cargo xtask bench`)
///
/// Times are in milliseconds (networks) and microseconds (replay), the rest in steps a second and megabytes.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// Wall time, or processor time of this process (for a busy machine)
    #[arg(long, value_enum, default_value = "wall", global = true)]
    clock: Clock,
}

#[derive(Debug, Subcommand)]
enum What {
    /// A training step of 32 observations (forward, backward, Adam) and an action (one observation), in ms
    Network {
        /// Encoder and body, e.g. minatar-softmoe4
        #[arg(value_parser = networks::parser())]
        network: String,
    },
    /// Products and convolutions of an update, and the peak of multiply-adds, in 10^9 floating-point operations a second
    Products {
        /// Encoder and body
        #[arg(value_parser = ["minatar-flat", "minatar-softmoe4", "impala-flat"])]
        network: String,
    },
    /// Draw a roofline plot of the loops of an update on one core (SVG and PNG), and print it
    Roofline {
        /// Output file
        #[arg(long, default_value = "roofline.svg")]
        out: PathBuf,
    },
    /// The five MinAtar games with their observations, in steps a second
    Games {
        /// Steps of each game in a round
        #[arg(long, default_value_t = 20_000)]
        steps: usize,
    },
    /// Environments of a game of Atari at once, in agent steps a second of all together
    #[cfg(feature = "atari")]
    Atari {
        /// The game, e.g. Breakout
        game: String,
        /// Number of environments
        environments: usize,
        /// Agent steps of a round, of all environments together
        #[arg(long, default_value_t = 8_000)]
        steps: usize,
    },
    /// DER on a game of Atari with an update every step: agent steps a second, and ms of a step by part
    #[cfg(feature = "atari")]
    Der {
        /// The game, e.g. RoadRunner
        game: String,
        /// Agent steps of a round
        #[arg(long, default_value_t = 100)]
        steps: u64,
    },
    /// Adding a frame, sampling 32 transitions and updating 32 priorities of a full prioritized replay, in us
    Replay {
        /// The stored frames
        #[arg(value_enum)]
        shape: replays::Stored,
        /// Frames that the replay holds
        #[arg(long, default_value_t = 100_000)]
        transitions: usize,
    },
    /// Whole runs of the worker: Rainbow on MinAtar Breakout, in agent steps a second
    Run(Run),
    /// Peak resident memory of a worker with a full replay of 100,000 frames, in MB
    Memory {
        /// The body of its network
        #[arg(value_enum)]
        arm: worker::Arm,
    },
    /// Full Rainbow on a device: updates and agent steps a second, us of a step by phase; or the launches of an update
    DeviceAgent(device_agent::Options),
    /// Compare updates of every network on a device with the CPU engine's, and print their speed; no rounds
    Devices(devices::Options),
    /// Training steps on a device, in updates a second, beside the results of `peers/gpu_train_step.py`; no rounds
    DeviceSteps(device_steps::Options),
}

#[derive(Args, Debug)]
struct Run {
    /// The body of its network
    #[arg(value_enum)]
    arm: worker::Arm,
    /// Agent steps of a run; each round is a run
    #[arg(long, default_value_t = 10_000)]
    steps: u64,
}

/// The figures of a round, by name.
type Figures = BTreeMap<&'static str, Figure>;

/// A measurement that can be repeated.
trait Measurement {
    /// Measures once more.
    fn round(&mut self, clock: Clock) -> Result<Figures>;
}

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error_line(format_args!("error: {}", with_causes(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<()> {
    rayon::ThreadPoolBuilder::new().use_current_thread().build_global().context("cannot start threads")?;
    match &arguments.what {
        What::Devices(options) => return devices::compare(options),
        What::DeviceSteps(options) => return device_steps::report(options),
        _ => {}
    }
    let (host, instructions) = (Some(host::processor()), Some(host::instructions().to_string()));
    say(&MeasurementLine { host, instructions, ..Default::default() })?;
    let mut measurement: Box<dyn Measurement> = match &arguments.what {
        What::Network { network } => Box::new(networks::Step::new(network)?),
        What::Products { network } => Box::new(kernels::Products::new(network)),
        What::Roofline { out } => return roofline::draw(arguments.clock, &host::processor(), out),
        What::Games { steps } => Box::new(games::Games::new(*steps)),
        #[cfg(feature = "atari")]
        What::Atari { game, environments, steps } => {
            Box::new(atari::Vector::new(game, *environments, *steps)?)
        }
        #[cfg(feature = "atari")]
        What::Der { game, steps } => Box::new(der::Der::new(game, *steps)?),
        What::Replay { shape, transitions } => Box::new(replays::Full::new(*shape, *transitions)?),
        What::Run(Run { arm, steps }) => Box::new(worker::Speed { arm: *arm, steps: *steps }),
        What::Memory { arm } => Box::new(worker::Memory { arm: *arm }),
        What::DeviceAgent(options) => device_agent::measurement(options)?,
        What::Devices(_) | What::DeviceSteps(_) => unreachable!("these have no rounds"),
    };
    say(&MeasurementLine { ready: true, ..Default::default() })?;
    for line in std::io::stdin().lock().lines() {
        line.context("cannot read standard input")?;
        let figures = measurement.round(arguments.clock)?;
        let figures = figures.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect();
        say(&MeasurementLine { figures: Some(figures), ..Default::default() })?;
    }
    Ok(())
}

fn say(line: &MeasurementLine) -> Result<()> {
    let line = serde_json::to_string(line)?;
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}").and_then(|()| output.flush()).context("cannot write to standard output")
}
