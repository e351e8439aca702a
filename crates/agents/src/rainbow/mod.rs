#![doc = include_str!("../../docs/rainbow.md")]

#[cfg(feature = "burn")]
pub mod device;
mod learner;
pub mod loss;

#[cfg(feature = "burn")]
pub use device::{DeviceCategorical, DeviceRainbowLearner};
pub use learner::{Categorical, RainbowLearner, RainbowSettings};
