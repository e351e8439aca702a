//! CartPole of gym-rs, which links SDL2.
//!
//! gym-rs 0.3.0 differs from gym's CartPole-v1 in three ways. Its episodes start anywhere within 0.5, most of them beyond
//! the angle at which they end, and have no time limit: here they start within 0.05, as gym's, and a [`TimeLimit`] cuts
//! them off. It adds the pole's mass and half length where the equations multiply them, so that the cart is thrown about
//! more; this is left as it is.
//!
//! [`TimeLimit`]: softmoe_env::TimeLimit

use gym_rs::core::Env;
use gym_rs::envs::classical_control::cartpole::{CartPoleEnv, CartPoleObservation};
use gym_rs::spaces::BoxR;
use gym_rs::utils::renderer::RenderMode;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use softmoe_env::{Element, Environment, EnvironmentSpec, RestoreError, SaveState, Step};
use std::cell::RefCell;

/// Divisors of the observed numbers, which bring them to about one size: the bounds of position and angle, and usual
/// velocities.
const SCALES: [f32; 4] = [2.4, 2.0, 0.21, 2.0];

/// Largest position, velocity, angle and angular velocity at an episode's start, as in gym.
const START: f64 = 0.05;

thread_local! {
    /// The equations of motion. A `CartPoleEnv` may hold a window, which no other thread may have, so that each thread
    /// has its own.
    static EQUATIONS: RefCell<CartPoleEnv> = RefCell::new(CartPoleEnv::new(RenderMode::None));
}

/// A cart that is pushed to the left or to the right, so that the pole on it does not fall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CartPole {
    /// Position and velocity of the cart, angle and angular velocity of the pole.
    state: [f64; 4],
    /// A seed for the start of each episode.
    seeds: Xoshiro256PlusPlus,
}

impl CartPole {
    /// The environment at the start of its first episode, with its random numbers drawn from `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        let mut environment = CartPole { state: [0.0; 4], seeds: Xoshiro256PlusPlus::seed_from_u64(seed) };
        environment.reset();
        environment
    }
}

fn observation([x, x_dot, theta, theta_dot]: [f64; 4]) -> CartPoleObservation {
    CartPoleObservation::new(x.into(), x_dot.into(), theta.into(), theta_dot.into())
}

fn numbers(observation: CartPoleObservation) -> [f64; 4] {
    let numbers = Vec::from(observation);
    std::array::from_fn(|i| numbers[i])
}

impl Environment for CartPole {
    type Element = f32;

    fn spec(&self) -> EnvironmentSpec {
        EnvironmentSpec { frame: [1, 1, 4], stack: 1, actions: 2, element: Element::Float }
    }

    fn reset(&mut self) {
        let starts = BoxR::new(observation([-START; 4]), observation([START; 4]));
        let seed = self.seeds.random();
        self.state = EQUATIONS
            .with_borrow_mut(|equations| numbers(equations.reset(Some(seed), false, Some(starts)).0));
    }

    fn step(&mut self, action: usize) -> Step {
        EQUATIONS.with_borrow_mut(|equations| {
            equations.state = observation(self.state);
            equations.steps_beyond_terminated = None;
            let step = equations.step(action);
            self.state = numbers(step.observation);
            Step { reward: step.reward.into_inner() as f32, terminal: step.done, ..Step::default() }
        })
    }

    fn observe(&self, frame: &mut [f32]) {
        assert_eq!(frame.len(), 4, "an observation of CartPole is 4 numbers");
        for ((value, &number), scale) in frame.iter_mut().zip(&self.state).zip(SCALES) {
            *value = number as f32 / scale;
        }
    }
}

impl SaveState for CartPole {
    type State = Self;

    fn save(&self) -> Self {
        self.clone()
    }

    fn restore(&mut self, state: Self) -> Result<(), RestoreError> {
        if !state.state.iter().all(|number| number.is_finite()) {
            let rule = "positions and velocities are finite";
            return Err(RestoreError::Impossible { environment: "cart_pole", rule });
        }
        *self = state;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use softmoe_env::DynEnvironment;

    /// Plays `steps` steps, and gives what was seen.
    fn play(environment: &mut dyn DynEnvironment, steps: usize) -> Vec<(Vec<u8>, Step)> {
        let mut seen = Vec::new();
        for t in 0..steps {
            let mut frame = vec![0; 16];
            environment.observe(&mut frame);
            let step = environment.step(t / 2 % 2);
            if step.ends_episode() {
                environment.reset();
            }
            seen.push((frame, step));
        }
        seen
    }

    #[test]
    fn a_restored_environment_continues_identically_in_another_thread() {
        let mut original = CartPole::new(1);
        play(&mut original, 30);
        let saved = DynEnvironment::save(&original);
        let expected = play(&mut original, 200);
        let restored = std::thread::spawn(move || {
            let mut restored = CartPole::new(2);
            DynEnvironment::restore(&mut restored, &saved).expect("its own state");
            play(&mut restored, 200)
        });
        assert_eq!(restored.join().expect("no panic"), expected);
        assert!(expected.iter().any(|(_, step)| step.terminal), "no episode ended: the test tests little");
    }

    #[test]
    fn episodes_start_within_a_twentieth_and_differ() {
        let mut environment = CartPole::new(3);
        let first = environment.state;
        Environment::reset(&mut environment);
        assert_ne!(environment.state, first);
        for _ in 0..100 {
            assert!(environment.state.iter().all(|number| number.abs() <= START), "{:?}", environment.state);
            Environment::reset(&mut environment);
        }
    }

    #[test]
    fn a_state_that_is_not_finite_is_refused() {
        let mut environment = CartPole::new(4);
        let mut broken = environment.clone();
        broken.state[2] = f64::NAN;
        let error = DynEnvironment::restore(&mut environment, &DynEnvironment::save(&broken));
        assert!(error.expect_err("NaN").to_string().contains("are finite"));
    }
}
