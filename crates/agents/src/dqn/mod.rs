#![doc = include_str!("../../../../docs/agents/dqn.md")]

mod learner;
pub mod loss;

pub use learner::{ActionValues, DqnLearner, DqnSettings};
