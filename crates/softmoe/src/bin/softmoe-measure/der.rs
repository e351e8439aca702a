//! DER on a game of Atari, from the emulator to the update: agent steps a second, and milliseconds of a step by part.
//!
//! The loop is the runner's, without evaluations and checkpoints: a game's evaluation takes longer than all that is timed.

use crate::clock::{Clock, Figure};
use crate::{Figures, Measurement};
use anyhow::{Context, Result, ensure};
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_agents::{Agent, Phases, Training};
use softmoe_config::{
    AgentConfig, AgentSteps, BodySpec, EncoderSpec, EnvironmentConfig, Game, Games, InstructionSet,
    LearningConfig, NetworkSpec, RunConfig, RunVersion, TrainingConfig,
};
use softmoe_runner::make;
use std::time::Duration;

/// Steps with updates before the first that is timed.
const WARM_UP: u64 = 20;

/// A run whose replay has its first transitions, so that every step has an update.
pub(crate) struct Der {
    training: Training,
    steps: u64,
}

impl Der {
    /// DER with the preset's settings and Nature's encoder on `game`; `steps` agent steps in a round.
    pub(crate) fn new(game: &str, steps: u64) -> Result<Self> {
        let config = config(Games::Atari(Vec::new()).game(game)?);
        config.validate()?;
        let seeds = Seeds::new(config.seed);
        let architecture = config.architecture(0).context("a run without a network")?;
        let agent = Agent::new(&config.agent, &architecture, &config.environment.spec(), seeds)?;
        let environment = make(&config.environment, seeds.seed(Role::Environment))?;
        let mut training = Training::new(agent, environment, &config.training, seeds);
        while training.agent().updates() < WARM_UP {
            let action = training.choose();
            training.step(action)?;
        }
        Ok(Der { training, steps })
    }
}

impl Measurement for Der {
    fn round(&mut self, clock: Clock) -> Result<Figures> {
        let Der { training, steps } = self;
        training.time_by(match clock {
            Clock::Wall => || Duration::from_secs_f64(Clock::Wall.now()),
            Clock::Cpu => || Duration::from_secs_f64(Clock::Cpu.now()),
        });
        training.take_phases();
        let updates = training.agent().updates();
        let start = clock.now();
        for _ in 0..*steps {
            let action = training.choose();
            training.step(action)?;
        }
        let seconds = clock.now() - start;
        let updates = training.agent().updates() - updates;
        ensure!(updates == *steps, "{updates} updates in {steps} steps");
        let Phases { environment, act, sample, update } = training.take_phases();
        let of_a_step = |time: Duration| Figure::of([time.as_secs_f64() * 1e3 / *steps as f64]);
        Ok(Figures::from([
            ("agent_steps", Figure::of([*steps as f64 / seconds])),
            ("environment", of_a_step(environment)),
            ("act", of_a_step(act)),
            ("sample", of_a_step(sample)),
            ("update", of_a_step(update)),
        ]))
    }
}

/// DER as Atari 100k has it; never evaluated.
fn config(game: Game) -> RunConfig {
    let agent = AgentConfig::Learning(LearningConfig::der_atari());
    let encoder = EncoderSpec::Nature;
    let never = AgentSteps(1_000_000_000);
    RunConfig {
        version: RunVersion,
        profile: "benchmark".into(),
        arm: "flat".into(),
        seed: 0,
        environment: EnvironmentConfig::played_by(&agent, game),
        agent,
        network: NetworkSpec { encoder, body: BodySpec::flat(), hidden: encoder.usual_hidden() },
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

#[cfg(test)]
mod tests {
    use super::*;
    use softmoe_config::AtariGame;

    #[test]
    fn the_run_can_be_run() {
        config(Game::Atari(AtariGame::RoadRunner)).validate().expect("a run for speed");
    }
}
