//! Environments small enough to know every frame of.
#![allow(dead_code, reason = "each test binary uses some")]

use serde::{Deserialize, Serialize};
use softmoe_env::{Element, Environment, EnvironmentSpec, RestoreError, SaveState, Step};

/// Counts its steps from 1 in two pixels of two channels. A life is lost every other step, and the episode ends by
/// its own rules after `length` steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counter {
    pub(crate) count: u8,
    pub(crate) length: u8,
    pub(crate) stack: usize,
}

impl Counter {
    pub(crate) fn new(length: u8, stack: usize) -> Self {
        Counter { count: 1, length, stack }
    }

    /// The frame after `count - 1` steps.
    pub(crate) fn frame(count: u8) -> [u8; 4] {
        [count, count + 100, count, count + 200]
    }
}

impl Environment for Counter {
    type Element = u8;

    fn spec(&self) -> EnvironmentSpec {
        let element = Element::Byte { scale: 1 };
        EnvironmentSpec { frame: [1, 2, 2], stack: self.stack, actions: 3, element }
    }

    fn reset(&mut self) {
        self.count = 1;
    }

    fn step(&mut self, action: usize) -> Step {
        assert!(action < 3);
        self.count = self.count.wrapping_add(1);
        let terminal = self.count > self.length;
        let life_lost = !terminal && self.count.is_multiple_of(2);
        Step { reward: action as f32, terminal, life_lost, truncated: false }
    }

    fn observe(&self, frame: &mut [u8]) {
        frame.copy_from_slice(&Counter::frame(self.count));
    }
}

impl SaveState for Counter {
    type State = Counter;

    fn save(&self) -> Counter {
        self.clone()
    }

    fn restore(&mut self, state: Counter) -> Result<(), RestoreError> {
        if state.count > 50 {
            return Err(RestoreError::Impossible { environment: "counter", rule: "it counts to 50" });
        }
        *self = state;
        Ok(())
    }
}

/// A vector of three floats, each step a quarter larger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Floats(pub(crate) f32);

impl Environment for Floats {
    type Element = f32;

    fn spec(&self) -> EnvironmentSpec {
        EnvironmentSpec { frame: [1, 1, 3], stack: 2, actions: 1, element: Element::Float }
    }

    fn reset(&mut self) {
        self.0 = 0.0;
    }

    fn step(&mut self, _: usize) -> Step {
        self.0 += 0.25;
        Step::default()
    }

    fn observe(&self, frame: &mut [f32]) {
        frame.copy_from_slice(&[self.0, -self.0, 1.0]);
    }
}

impl SaveState for Floats {
    type State = Floats;

    fn save(&self) -> Floats {
        self.clone()
    }

    fn restore(&mut self, state: Floats) -> Result<(), RestoreError> {
        *self = state;
        Ok(())
    }
}
