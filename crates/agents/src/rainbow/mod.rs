#![doc = include_str!("../../../../docs/agents/rainbow.md")]

mod learner;
pub mod loss;

pub use learner::{RainbowLearner, RainbowSettings};
