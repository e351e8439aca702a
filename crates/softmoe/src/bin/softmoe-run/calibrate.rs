//! Speed of this machine: multiply-adds a second of a short Rainbow run on one core.

use anyhow::Context;
use cpu_time::ProcessTime;
use softmoe_config::{
    AgentSteps, BodySpec, Device, EncoderSpec, EnvironmentConfig, InstructionSet, LearningConfig,
    MinAtarGame, NetworkSpec, RunConfig, RunDirectory, RunVersion, TrainingConfig, file,
};
use softmoe_console::output;
use softmoe_runner::{Monitor, Options, Progress, train};
use std::time::Duration;

/// Agent steps before the measurement: by then updates are made, and the processor is awake.
const WARM_UP: u64 = 200;
const TIME: Duration = Duration::from_millis(800);

/// Prints the multiply-adds a second of SoftMoE-4 on Breakout, as [`RunConfig::multiply_adds_a_step`] counts them.
pub(crate) fn calibrate() -> anyhow::Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    pool.build_global().context("cannot start threads")?;
    let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
    let config = config();
    let run = RunDirectory::new(directory.path());
    file::write(&run.run_ron(), &config)?;
    let mut watch = Watch::default();
    train(&config, &run, &Options { device: Device::Cpu, weights: None }, &mut watch)?;
    let steps = watch.steps.saturating_sub(WARM_UP) as f64;
    let cost = config.multiply_adds_a_step().context("the network's cost is not known")?;
    let speed = steps * cost / watch.elapsed.as_secs_f64();
    output::line(format_args!("{speed:.4e}"));
    Ok(())
}

/// A run that is always stopped before its end.
fn config() -> RunConfig {
    let never = AgentSteps(100_000_000);
    let agent =
        LearningConfig { min_replay: 64, replay_capacity: 10_000, ..LearningConfig::rainbow_minatar() };
    RunConfig {
        version: RunVersion,
        profile: "calibration".into(),
        arm: "softmoe-4".into(),
        seed: 0,
        environment: EnvironmentConfig::minatar(MinAtarGame::Breakout),
        agent: agent.into(),
        network: NetworkSpec { encoder: EncoderSpec::MinAtar, body: BodySpec::soft_moe(4), hidden: 128 },
        training: TrainingConfig {
            agent_steps: never,
            evaluation_period: never,
            evaluation_episodes: 1,
            final_evaluation_episodes: 1,
            checkpoint_period: never,
        },
        instruction_set: InstructionSet::Auto,
    }
}

/// Counts steps, and stops the run when the time is over: processor time, which other programs change little.
#[derive(Default)]
struct Watch {
    steps: u64,
    began: Option<ProcessTime>,
    elapsed: Duration,
}

impl Monitor for Watch {
    fn report(&mut self, _progress: &Progress) {}

    fn warn(&mut self, _message: &str) {}

    fn keep_going(&mut self) -> bool {
        self.steps += 1;
        if self.steps < WARM_UP {
            return true;
        }
        self.elapsed = self.began.get_or_insert_with(ProcessTime::now).elapsed();
        self.elapsed < TIME
    }
}
