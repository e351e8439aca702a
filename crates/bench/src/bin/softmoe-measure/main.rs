//! Times what this project does, round by round, for `cargo xtask bench` to set against other people's software.
//!
//! One JSON object a line: first the host and `{"ready":true}`; then, for each line read from standard input, a round's
//! figures, e.g. `{"figures":{"step":{"min":0.18,"max":0.22,"median":0.19}}}`. It ends with its input.

mod clock;
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
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Large blocks begin at whole cache lines, as vectors should: a step of a small network takes 5 to 10 % less time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Time what this project does; a line on standard input for each round (`cargo xtask bench` gives them)
///
/// Times are in milliseconds (networks) and microseconds (replay), the rest in steps a second and megabytes.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// What is counted: seconds on the clock, or seconds that this process was on a core (on a busy machine)
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
    /// Products and convolutions of an update, and multiply-adds at the most, in 10^9 floating-point operations a second
    Products {
        /// Encoder and body
        #[arg(value_parser = ["minatar-flat", "minatar-softmoe4", "impala-flat"])]
        network: String,
    },
    /// Draw how near each loop of an update comes to what one core can do (SVG and PNG), and print it
    Roofline {
        /// The picture's file
        #[arg(long, default_value = "roofline.svg")]
        out: PathBuf,
    },
    /// The five MinAtar games with their observations, in steps a second
    Games {
        /// Steps of each game in a round
        #[arg(long, default_value_t = 20_000)]
        steps: usize,
    },
    /// Adding a frame, sampling 32 transitions and updating 32 priorities of a full prioritized replay, in us
    Replay {
        /// What is stored
        #[arg(value_enum)]
        shape: replays::Stored,
        /// Frames that the replay holds
        #[arg(long, default_value_t = 100_000)]
        transitions: usize,
    },
    /// Whole runs of the worker: Rainbow on MinAtar Breakout, in agent steps a second
    Run(Run),
    /// Resident memory of a worker at its largest, its replay of 100,000 frames full, in MB
    Memory {
        /// The body of its network
        #[arg(value_enum)]
        arm: worker::Arm,
    },
    /// Full Rainbow on a device: updates and agent steps a second, us of a step by phase; or what an update launches
    DeviceAgent(device_agent::Options),
    /// Compare updates of every network on a device with the CPU engine's, and say how fast they are; no rounds
    Devices(devices::Options),
    /// Training steps on a device, in updates a second, beside what `peers/gpu_train_step.py` wrote; no rounds
    DeviceSteps(device_steps::Options),
}

#[derive(Args, Debug)]
struct Run {
    /// The body of its network
    #[arg(value_enum)]
    arm: worker::Arm,
    /// Agent steps of a run, which is a round
    #[arg(long, default_value_t = 10_000)]
    steps: u64,
}

/// The figures of a round, by name.
type Figures = BTreeMap<&'static str, Figure>;

/// What can be measured again and again.
trait Measurement {
    /// Measures once more.
    fn round(&mut self, clock: Clock) -> Result<Figures>;
}

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
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
    say(&json!({ "host": host::processor(), "instructions": host::instructions() }))?;
    let mut measurement: Box<dyn Measurement> = match &arguments.what {
        What::Network { network } => Box::new(networks::Step::new(network)?),
        What::Products { network } => Box::new(kernels::Products::new(network)),
        What::Roofline { out } => return roofline::draw(arguments.clock, &host::processor(), out),
        What::Games { steps } => Box::new(games::Games::new(*steps)),
        What::Replay { shape, transitions } => Box::new(replays::Full::new(*shape, *transitions)?),
        What::Run(Run { arm, steps }) => Box::new(worker::Speed { arm: *arm, steps: *steps }),
        What::Memory { arm } => Box::new(worker::Memory { arm: *arm }),
        What::DeviceAgent(options) => device_agent::measurement(options)?,
        What::Devices(_) | What::DeviceSteps(_) => unreachable!("these have no rounds"),
    };
    say(&json!({ "ready": true }))?;
    for line in std::io::stdin().lock().lines() {
        line.context("cannot read standard input")?;
        say(&json!({ "figures": measurement.round(arguments.clock)? }))?;
    }
    Ok(())
}

fn say(line: &serde_json::Value) -> Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}").and_then(|()| output.flush()).context("cannot write to standard output")
}
