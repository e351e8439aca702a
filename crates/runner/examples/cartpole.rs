//! DQN on the CartPole of gym-rs: a run like any other, with checkpoints, metrics and resume.
//!
//! ```sh
//! sudo apt install cmake g++ libsdl2-dev libsdl2-gfx-dev
//! cargo run --release -p softmoe-runner --features gym --example cartpole -- [DIRECTORY [SEED]]
//! ```
//!
//! Stopped and started again, it goes on from the newest checkpoint in the directory. A finished run ends with a mean return
//! of about 500, the largest there is, over its last 100 episodes.

use softmoe_config::{
    AgentSteps, BodySpec, EncoderSpec, EnvironmentConfig, Game, GymGame, InstructionSet, LearningConfig,
    NetworkSpec, RunConfig, RunDirectory, RunVersion, TrainingConfig, file,
};
use softmoe_runner::{Monitor, Options, Outcome, Progress, train};
use std::error::Error;

fn config(seed: u64) -> RunConfig {
    RunConfig {
        version: RunVersion,
        profile: "example".into(),
        arm: "dqn".into(),
        seed,
        environment: EnvironmentConfig::of(Game::Gym(GymGame::CartPole)),
        agent: LearningConfig::dqn_classic_control().into(),
        // Two hidden layers of 64: the encoder's and the body's.
        network: NetworkSpec {
            encoder: EncoderSpec::Dense { width: 64 },
            body: BodySpec::flat(),
            hidden: 64,
        },
        training: TrainingConfig {
            agent_steps: AgentSteps(100_000),
            evaluation_period: AgentSteps(10_000),
            evaluation_episodes: 10,
            final_evaluation_episodes: 100,
            checkpoint_period: AgentSteps(10_000),
        },
        instruction_set: InstructionSet::Auto,
    }
}

/// Prints each evaluation.
#[derive(Default)]
struct Printer(Option<f64>);

impl Monitor for Printer {
    fn report(&mut self, progress: &Progress) {
        if progress.evaluation_return != self.0 {
            self.0 = progress.evaluation_return;
            println!("{} steps: mean return {:.1}", progress.agent_steps, self.0.unwrap_or_default());
        }
    }

    fn warn(&mut self, message: &str) {
        eprintln!("{message}");
    }

    fn keep_going(&mut self) -> bool {
        true
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let root = arguments.next().unwrap_or_else(|| "runs".into());
    let config = config(arguments.next().map_or(Ok(1), |seed| seed.parse())?);
    config.validate()?;
    let directory = RunDirectory::of(root.as_ref(), &config);
    std::fs::create_dir_all(directory.path())?;
    file::write(&directory.run_ron(), &config)?;
    if let Outcome::Finished(done) = train(&config, &directory, &Options::default(), &mut Printer::default())?
    {
        println!("seed {}: mean return {:.1} over {} episodes", config.seed, done.score, done.returns.len());
    }
    Ok(())
}
