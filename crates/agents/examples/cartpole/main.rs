//! DQN over a small network of [`softmoe_nets`] on CartPole of gym-rs, outside the runner.
//!
//! ```sh
//! sudo apt install cmake g++ libsdl2-dev libsdl2-gfx-dev
//! cargo run --release -p softmoe-agents --features gym --example cartpole          # or: .. cartpole -- SEED
//! ```
//!
//! gym-rs 0.3.0 differs from gym's CartPole-v1 in three ways. Its episodes start anywhere within 0.5, most of them beyond
//! the angle at which they end, and have no time limit: here they start within 0.05, as gym's, and last 500 steps at most.
//! It adds the pole's mass and half length where the equations multiply them, so that the cart is thrown about more; this
//! is left as it is. The example `cartpole_dfdx` has the published equations.

mod task;

use gym_rs::core::Env;
use gym_rs::envs::classical_control::cartpole::{CartPoleEnv, CartPoleObservation};
use gym_rs::spaces::BoxR;
use gym_rs::utils::renderer::RenderMode;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_agents::dqn::{DqnLearner, DqnSettings, TdLoss};
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_agents::{Agent, UpdateSettings};
use softmoe_config::AgentSteps;
use softmoe_nets::layers::{CategoricalHead, Linear, Relu};
use softmoe_nets::shapes::Const;
use softmoe_nets::{ActionNetwork, BoxedNetwork, Builder};
use std::error::Error;
use std::time::Instant;
use task::{ACTIONS, CartPole};

const BUDGET: AgentSteps = AgentSteps(100_000);

/// gym-rs's CartPole.
struct GymCartPole {
    environment: CartPoleEnv,
    /// A seed for each episode.
    seeds: Xoshiro256PlusPlus,
}

impl GymCartPole {
    fn new(seed: u64) -> Self {
        let environment = CartPoleEnv::new(RenderMode::None);
        GymCartPole { environment, seeds: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }
}

impl CartPole for GymCartPole {
    fn reset(&mut self) {
        let all =
            |bound: f64| CartPoleObservation::new(bound.into(), bound.into(), bound.into(), bound.into());
        let starts = BoxR::new(all(-0.05), all(0.05));
        self.environment.reset(Some(self.seeds.random()), false, Some(starts));
    }

    fn state(&self) -> [f32; 4] {
        let state = Vec::<f64>::from(self.environment.state);
        std::array::from_fn(|i| state[i] as f32)
    }

    fn push(&mut self, action: usize) -> bool {
        self.environment.step(action).done
    }
}

/// Two hidden layers of 64 and a value for each action.
fn network() -> Box<dyn ActionNetwork> {
    type Hidden = (Linear<Const<4>, Const<64>>, Relu, Linear<Const<64>, Const<64>>, Relu);
    let mut parts = Builder::new();
    let hidden: Hidden = (
        Linear::new(&mut parts, "hidden", Const, Const),
        Relu,
        Linear::new(&mut parts, "hidden_1", Const, Const),
        Relu,
    );
    // The head apart, which alone is asked for single actions: one value each.
    let head = CategoricalHead::plain(&mut parts, "head", Const::<64>, ACTIONS, Const::<1>, false);
    let layers = (hidden, head);
    Box::new(BoxedNetwork::new(parts, layers, |batch| (batch, Const::<4>)))
}

fn main() -> Result<(), Box<dyn Error>> {
    let seed = std::env::args().nth(1).map_or(Ok(1), |seed| seed.parse())?;
    let seeds = Seeds::new(seed);
    let config = task::config();
    let settings =
        DqnSettings { loss: TdLoss::Huber, update: UpdateSettings::new(&config, task::SPEC.element) };
    let learner = DqnLearner::new(network(), settings, seeds);
    let mut agent = Agent::with_learner(Box::new(learner), &config.into(), &task::SPEC, seeds)?;

    let started = Instant::now();
    let mut environment = GymCartPole::new(seeds.seed(Role::Environment));
    task::train(&mut agent, &mut environment, BUDGET, |step, mean_return| {
        println!("{step} steps: mean return in training {mean_return:.1}");
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let mut environment = GymCartPole::new(seeds.seed(Role::Evaluation(0)));
    let mean_return = task::evaluate(&mut agent, &mut environment, seeds, 100);
    println!(
        "seed {seed}: mean return {mean_return:.1} over 100 episodes, after {} steps in {seconds:.1} s",
        BUDGET.0
    );
    Ok(())
}
