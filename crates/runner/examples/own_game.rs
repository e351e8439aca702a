//! Your own environment, trained with `train_in`: Rainbow with a soft mixture of experts learns to catch falling drops.
//!
//! ```sh
//! cargo run --release -p softmoe-runner --example own_game -- [DIRECTORY]
//! ```
//!
//! The run directory has the files of every run: checkpoints, metrics, TensorBoard events, weights. If you stop the program and start it
//! again, the run continues from its newest checkpoint. A random policy catches 2.8 of 10 drops.
//!
//! You write three things: `Environment` (what the agent sees and does), `SaveState` (so that a run can resume), and the configuration.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use softmoe_config::{
    AgentSteps, BodySpec, EncoderSpec, EnvironmentConfig, InstructionSet, LearningConfig, NetworkSpec,
    RunConfig, RunDirectory, RunVersion, TrainingConfig, file,
};
use softmoe_env::{Element, Environment, EnvironmentSpec, RestoreError, SaveState, Step};
use softmoe_runner::{Monitor, Options, Outcome, Progress, train_in};
use std::error::Error;

const SIDE: usize = 10;
/// Ten by ten cells; a channel for the drop and one for the bucket; left, stay, right.
const SPEC: EnvironmentSpec =
    EnvironmentSpec { frame: [SIDE, SIDE, 2], stack: 1, actions: 3, element: Element::Byte { scale: 1 } };

/// Drops fall from the top, one after the other, and a bucket at the bottom catches them: a point each. An episode has ten drops.
#[derive(Clone, Serialize, Deserialize)]
struct Drops {
    rng: Xoshiro256PlusPlus,
    drop: [usize; 2],
    bucket: usize,
    fallen: u32,
}

impl Drops {
    fn new(seed: u64) -> Self {
        let rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut drops = Drops { rng, drop: [0; 2], bucket: 0, fallen: 0 };
        drops.reset();
        drops
    }
}

impl Environment for Drops {
    type Element = u8;

    fn spec(&self) -> EnvironmentSpec {
        SPEC
    }

    fn reset(&mut self) {
        (self.drop, self.bucket, self.fallen) = ([0, self.rng.random_range(0..SIDE)], SIDE / 2, 0);
    }

    fn step(&mut self, action: usize) -> Step {
        self.bucket = (self.bucket + action).saturating_sub(1).min(SIDE - 1);
        self.drop[0] += 1;
        let [row, column] = self.drop;
        if row < SIDE - 1 {
            return Step::default();
        }
        self.drop = [0, self.rng.random_range(0..SIDE)];
        self.fallen += 1;
        // The bucket is three cells wide.
        let reward = if column.abs_diff(self.bucket) <= 1 { 1.0 } else { 0.0 };
        Step { reward, terminal: self.fallen == 10, ..Step::default() }
    }

    fn observe(&self, frame: &mut [u8]) {
        frame.fill(0);
        let [row, column] = self.drop;
        frame[2 * (row * SIDE + column)] = 1;
        frame[2 * ((SIDE - 1) * SIDE + self.bucket) + 1] = 1;
    }
}

impl SaveState for Drops {
    type State = Drops;

    fn save(&self) -> Drops {
        self.clone()
    }

    fn restore(&mut self, state: Drops) -> Result<(), RestoreError> {
        // A damaged checkpoint must not lead outside of the grid.
        if state.drop.into_iter().chain([state.bucket]).any(|cell| cell >= SIDE) {
            return Err(RestoreError::Impossible {
                environment: "Drops",
                rule: "a cell lies outside of the grid",
            });
        }
        *self = state;
        Ok(())
    }
}

fn config() -> RunConfig {
    RunConfig {
        version: RunVersion,
        profile: "drops".into(),
        arm: "softmoe-4".into(),
        seed: 0,
        environment: EnvironmentConfig::Own { spec: SPEC, max_episode_steps: 1_000 },
        // The settings of MinAtar, but for fast learning: a large step size, and n-step returns as long as a drop falls.
        agent: LearningConfig {
            min_replay: 500,
            replay_capacity: 10_000,
            learning_rate: 1e-3,
            n_step: 9,
            discount: 0.95,
            target_period: AgentSteps(500),
            ..LearningConfig::rainbow_minatar()
        }
        .into(),
        network: NetworkSpec { encoder: EncoderSpec::MinAtar, body: BodySpec::soft_moe(4), hidden: 64 },
        training: TrainingConfig {
            agent_steps: AgentSteps(15_000),
            evaluation_period: AgentSteps(3_000),
            evaluation_episodes: 10,
            final_evaluation_episodes: 30,
            checkpoint_period: AgentSteps(3_000),
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
    let root = std::env::args().nth(1).unwrap_or_else(|| "runs".into());
    let config = config();
    config.validate()?;
    let directory = RunDirectory::of(root.as_ref(), &config);
    std::fs::create_dir_all(directory.path())?;
    file::write(&directory.run_ron(), &config)?;
    if let Outcome::Finished(done) =
        train_in(Drops::new, &config, &directory, &Options::default(), &mut Printer::default())?
    {
        println!(
            "mean return {:.1} of 10 over {} episodes: {}",
            done.score,
            done.returns.len(),
            directory.path().display()
        );
    }
    Ok(())
}
