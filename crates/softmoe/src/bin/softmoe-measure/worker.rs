//! Whole runs of the worker, which must be in the same directory as this program: speed and memory.

use crate::clock::{Clock, Figure};
use crate::{Figures, Measurement};
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use softmoe_config::{
    AgentConfig, AgentSteps, BodySpec, EncoderSpec, EnvironmentConfig, InstructionSet, LearningConfig,
    MinAtarGame, NetworkSpec, RunConfig, RunDirectory, RunVersion, TrainingConfig, file,
};
use std::process::{Command, Stdio};

/// The body of a worker's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arm {
    /// One dense layer
    Flat,
    /// SoftMoE with 4 experts
    Softmoe4,
}

/// Agent steps a second. The first update comes with the hundredth step. The time includes the start, one evaluation of one
/// episode, a checkpoint and the weights.
pub(crate) struct Speed {
    pub(crate) arm: Arm,
    pub(crate) steps: u64,
}

/// Peak resident memory in MB (10^6 bytes) of a run that fills its replay, updates, and writes a checkpoint.
pub(crate) struct Memory {
    pub(crate) arm: Arm,
}

impl Measurement for Speed {
    fn round(&mut self, clock: Clock) -> Result<Figures> {
        let seconds = run(&config(self.arm, 100, self.steps, self.steps), clock)?;
        Ok(Figures::from([("agent_steps", Figure::of([self.steps as f64 / seconds]))]))
    }
}

impl Measurement for Memory {
    fn round(&mut self, clock: Clock) -> Result<Figures> {
        let capacity = LearningConfig::rainbow_minatar().replay_capacity as u64;
        run(&config(self.arm, capacity, capacity + 2_000, capacity + 1_000), clock)?;
        Ok(Figures::from([("resident", Figure::of([largest_child()? / 1e6]))]))
    }
}

/// Rainbow on Breakout with its first update after `min_replay` steps.
fn config(arm: Arm, min_replay: u64, steps: u64, checkpoint_period: u64) -> RunConfig {
    let (name, body) = match arm {
        Arm::Flat => ("flat", BodySpec::flat()),
        Arm::Softmoe4 => ("softmoe-4", BodySpec::soft_moe(4)),
    };
    let encoder = EncoderSpec::MinAtar;
    RunConfig {
        version: RunVersion,
        profile: "benchmark".into(),
        arm: name.into(),
        seed: 0,
        environment: EnvironmentConfig::minatar(MinAtarGame::Breakout),
        agent: AgentConfig::Learning(LearningConfig { min_replay, ..LearningConfig::rainbow_minatar() }),
        network: NetworkSpec { encoder, body, hidden: encoder.usual_hidden() },
        training: TrainingConfig {
            agent_steps: AgentSteps(steps),
            evaluation_period: AgentSteps(steps),
            evaluation_episodes: 1,
            final_evaluation_episodes: 1,
            checkpoint_period: AgentSteps(checkpoint_period),
        },
        instruction_set: InstructionSet::Auto,
    }
}

/// Runs a worker on `config` in a directory of its own, and returns the seconds.
fn run(config: &RunConfig, clock: Clock) -> Result<f64> {
    let directory = tempfile::tempdir().context("cannot make a temporary directory for a run")?;
    let run_ron = RunDirectory::new(directory.path()).run_ron();
    file::write(&run_ron, config)?;
    let here = std::env::current_exe().context("cannot tell where this program lies")?;
    let worker = here.with_file_name(format!("softmoe-run{}", std::env::consts::EXE_SUFFIX));
    let before = seconds(clock)?;
    let mut command = Command::new(&worker);
    command.arg(run_ron).stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.status().with_context(|| format!("cannot start {}", worker.display()))?;
    if !status.success() {
        bail!("{} failed ({status}): its message is above", worker.display());
    }
    Ok(seconds(clock)? - before)
}

/// Seconds since an arbitrary moment, or processor time of ended children.
#[cfg(unix)]
fn seconds(clock: Clock) -> Result<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    if clock == Clock::Wall {
        return Ok(clock.now());
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("cannot ask for the time of the worker")?;
    Ok((usage.user_time() + usage.system_time()).num_microseconds() as f64 * 1e-6)
}

#[cfg(not(unix))]
fn seconds(clock: Clock) -> Result<f64> {
    Ok(clock.now())
}

/// Peak resident bytes of the ended children.
#[cfg(unix)]
fn largest_child() -> Result<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("cannot ask for the memory of the worker")?;
    // Apple counts bytes, the others kilobytes.
    let unit = if cfg!(target_vendor = "apple") { 1.0 } else { 1024.0 };
    Ok(usage.max_rss() as f64 * unit)
}

#[cfg(not(unix))]
fn largest_child() -> Result<f64> {
    bail!("the memory of a worker is only measured on Unix")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runs_can_be_run() {
        for arm in [Arm::Flat, Arm::Softmoe4] {
            config(arm, 100, 10_000, 10_000).validate().expect("a run for speed");
            config(arm, 100_000, 102_000, 101_000).validate().expect("a run for memory");
        }
    }
}
