//! CartPole-v1 by its published equations.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use softmoe_env::{Element, Environment, EnvironmentSpec, RestoreError, SaveState, Step};

// Metres, kilograms, seconds, newtons: those of gym's CartPole-v1.
const GRAVITY: f64 = 9.8;
const CART_MASS: f64 = 1.0;
const POLE_MASS: f64 = 0.1;
/// Half the length of the pole.
const LENGTH: f64 = 0.5;
const FORCE: f64 = 10.0;
const TIME_STEP: f64 = 0.02;
/// How far the cart may be from the middle.
const TRACK: f64 = 2.4;
const MOST_DEGREES: f64 = 12.0;
/// Every number of a new state is within this.
const START: f64 = 0.05;

/// Divisors of the observed numbers, which bring them to about one size: the bounds of position and angle, and usual
/// velocities.
const SCALES: [f32; 4] = [2.4, 2.0, 0.21, 2.0];

pub(crate) const ACTIONS: usize = 2;

/// Four floats and two actions.
pub(crate) const SPEC: EnvironmentSpec =
    EnvironmentSpec { frame: [1, 1, 4], stack: 1, actions: ACTIONS, element: Element::Float };

/// The cart and the pole, without friction (Barto, Sutton and Anderson 1983, doi 10.1109/TSMC.1983.6313077, appendix).
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Equations {
    /// Position and velocity of the cart, angle and angular velocity of the pole.
    state: [f64; 4],
    rng: Xoshiro256PlusPlus,
}

impl Equations {
    pub(crate) fn new(seed: u64) -> Self {
        let mut equations = Equations { state: [0.0; 4], rng: Xoshiro256PlusPlus::seed_from_u64(seed) };
        equations.reset();
        equations
    }

    /// Pushes to the left (0) or to the right (1): whether the pole has fallen or the cart has left the track.
    fn push(&mut self, action: usize) -> bool {
        let force = if action == 1 { FORCE } else { -FORCE };
        let [position, velocity, angle, angular_velocity] = self.state;
        let (sin, cos) = angle.sin_cos();
        let mass = CART_MASS + POLE_MASS;

        let push = (force + POLE_MASS * LENGTH * angular_velocity * angular_velocity * sin) / mass;
        let inertia = LENGTH * (4.0 / 3.0 - POLE_MASS * cos * cos / mass);
        let angular_acceleration = (GRAVITY * sin - push * cos) / inertia;
        let acceleration = push - POLE_MASS * LENGTH * angular_acceleration * cos / mass;

        // Euler's method, all from the state before.
        self.state = [
            position + TIME_STEP * velocity,
            velocity + TIME_STEP * acceleration,
            angle + TIME_STEP * angular_velocity,
            angular_velocity + TIME_STEP * angular_acceleration,
        ];
        self.state[0].abs() > TRACK || self.state[2].abs() > MOST_DEGREES.to_radians()
    }
}

impl Environment for Equations {
    type Element = f32;

    fn spec(&self) -> EnvironmentSpec {
        SPEC
    }

    fn reset(&mut self) {
        self.state = std::array::from_fn(|_| self.rng.random_range(-START..START));
    }

    fn step(&mut self, action: usize) -> Step {
        Step { reward: 1.0, terminal: self.push(action), ..Step::default() }
    }

    fn observe(&self, frame: &mut [f32]) {
        for ((value, &number), scale) in frame.iter_mut().zip(&self.state).zip(SCALES) {
            *value = number as f32 / scale;
        }
    }
}

impl SaveState for Equations {
    type State = Self;

    fn save(&self) -> Self {
        self.clone()
    }

    fn restore(&mut self, state: Self) -> Result<(), RestoreError> {
        *self = state;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From rest: push = 10 / 1.1, inertia = 1/2 (4/3 - 1/11), in fractions: the pole's acceleration is -600/41, the
    /// cart's 400/41.
    #[test]
    fn the_first_push_is_the_closed_form() {
        for (action, sign) in [(1, 1.0), (0, -1.0)] {
            let mut cart_pole = Equations { state: [0.0; 4], ..Equations::new(0) };
            assert!(!cart_pole.push(action));
            let expected = [0.0, sign * 8.0 / 41.0, 0.0, -sign * 12.0 / 41.0];
            for (number, expected) in cart_pole.state.iter().zip(expected) {
                assert!((number - expected).abs() < 1e-12, "{number} and {expected}");
            }
        }
    }

    #[test]
    fn a_pole_left_alone_falls_and_a_cart_pushed_one_way_lets_it() {
        let mut cart_pole = Equations::new(0);
        cart_pole.reset();
        assert!(cart_pole.state.iter().all(|number| number.abs() <= START));
        let steps = (1..500).find(|_| cart_pole.push(1)).unwrap();
        assert!((5..20).contains(&steps), "{steps}");
    }
}
