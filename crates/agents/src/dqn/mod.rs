#![doc = include_str!("../../docs/dqn.md")]

#[cfg(feature = "burn")]
pub mod device;
mod learner;
pub mod loss;

#[cfg(feature = "burn")]
pub use device::{DeviceActionValues, DeviceDqnLearner};
pub use learner::{ActionValues, DqnLearner, DqnSettings, TdLoss};
