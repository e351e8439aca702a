//! DQN with a network of another library, dfdx, as its [`Learner`], on CartPole by its published equations.
//!
//! ```sh
//! cargo run --release -p softmoe-agents --example cartpole_dfdx          # or: .. cartpole_dfdx -- SEED
//! ```
//!
//! [`Learner`]: softmoe_agents::Learner

mod equations;
mod learner;
mod task;

use equations::SPEC;
use learner::DfdxLearner;
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_agents::{Agent, AgentError, UpdateSettings};
use softmoe_config::{AgentSteps, LearningConfig};
use std::error::Error;
use std::time::Instant;

const BUDGET: AgentSteps = AgentSteps(100_000);

fn agent(seeds: Seeds) -> Result<Agent, AgentError> {
    let config = LearningConfig::dqn_classic_control();
    let learner = DfdxLearner::new(UpdateSettings::new(&config, SPEC.element), seeds);
    Agent::with_learner(Box::new(learner), &config.into(), &SPEC, seeds)
}

fn main() -> Result<(), Box<dyn Error>> {
    let seed = std::env::args().nth(1).map_or(Ok(1), |seed| seed.parse())?;
    let seeds = Seeds::new(seed);
    let mut agent = agent(seeds)?;

    let started = Instant::now();
    task::train(&mut agent, seeds.seed(Role::Environment), BUDGET, |step, mean_return| {
        println!("{step} steps: mean return in training {mean_return:.1}");
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let mean_return = task::evaluate(&mut agent, seeds.seed(Role::Evaluation(0)), 100);
    println!(
        "seed {seed}: mean return {mean_return:.1} over 100 episodes, after {} steps in {seconds:.1} s",
        BUDGET.0
    );
    Ok(())
}

#[cfg(test)]
mod tests;
