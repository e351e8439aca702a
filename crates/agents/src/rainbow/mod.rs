#![doc = include_str!("../../../../docs/agents/rainbow.md")]

#[cfg(feature = "burn")]
pub mod device;
#[cfg(feature = "burn")]
mod device_learner;
mod learner;
pub mod loss;

#[cfg(feature = "burn")]
pub use device_learner::DeviceRainbowLearner;
pub use learner::{Categorical, RainbowLearner, RainbowSettings};
