//! Learners by device.

use crate::dqn::{DqnLearner, DqnSettings, TdLoss};
use crate::learner::UpdateSettings;
use crate::networks;
use crate::rainbow::{RainbowLearner, RainbowSettings};
use crate::seeds::Seeds;
use crate::{AgentError, Learner};
use softmoe_config::{AgentConfig, Architecture, Device, LossSpec};

/// Checks that this build can compute on `device` on this machine.
///
/// # Errors
/// [`AgentError::Device`], with the feature to build or the software to install.
pub fn check(device: Device) -> Result<(), AgentError> {
    match device {
        Device::Cpu => Ok(()),
        Device::Flex => cfg!(feature = "flex").then_some(()).ok_or_else(|| not_built_in(device, "flex")),
        #[cfg(feature = "wgpu")]
        Device::Wgpu => softmoe_nets::device::wgpu().map(drop).map_err(|missing| not_there(device, &missing)),
        #[cfg(not(feature = "wgpu"))]
        Device::Wgpu => Err(not_built_in(device, "wgpu")),
        #[cfg(feature = "cuda")]
        Device::Cuda(index) => {
            softmoe_nets::device::cuda(index).map(drop).map_err(|missing| not_there(device, &missing))
        }
        #[cfg(not(feature = "cuda"))]
        Device::Cuda(_) => Err(not_built_in(device, "cuda")),
    }
}

/// The name of the graphics card that `device` is, if its driver tells it.
pub fn name(device: Device) -> Option<String> {
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(index) => softmoe_nets::device::cuda_name(index),
        _ => None,
    }
}

#[cfg(feature = "burn")]
mod step;
#[cfg(feature = "burn")]
pub use step::{FixedBatch, TrainingStep, training_step};

/// The learner of `config` on `device`.
///
/// # Errors
/// If the device cannot be used ([`check`]), or the network is not in this build.
///
/// # Panics
/// If `config` is the random policy.
pub fn learner(
    device: Device,
    config: &AgentConfig,
    architecture: &Architecture,
    update: UpdateSettings,
    seeds: Seeds,
) -> Result<Box<dyn Learner>, AgentError> {
    let settings = match config {
        AgentConfig::Random => unreachable!("the random policy has no learner"),
        AgentConfig::Learning(config) => match config.loss {
            LossSpec::Mse => LearnerSettings::Dqn(DqnSettings { loss: TdLoss::Mse, update }),
            LossSpec::Huber => LearnerSettings::Dqn(DqnSettings { loss: TdLoss::Huber, update }),
            LossSpec::C51 { v_max, .. } => LearnerSettings::Rainbow(RainbowSettings { v_max, update }),
        },
    };
    match device {
        Device::Cpu => {
            let network = networks::build(architecture)?;
            Ok(match settings {
                LearnerSettings::Dqn(settings) => Box::new(DqnLearner::new(network, settings, seeds)),
                LearnerSettings::Rainbow(settings) => Box::new(RainbowLearner::new(network, settings, seeds)),
            })
        }
        #[cfg(feature = "flex")]
        Device::Flex => {
            use softmoe_nets::device::{Flex, FlexDevice};
            on_device::<Flex>(FlexDevice, settings, architecture, seeds)
        }
        #[cfg(feature = "wgpu")]
        Device::Wgpu => {
            let found = softmoe_nets::device::wgpu().map_err(|missing| not_there(device, &missing))?;
            on_device::<softmoe_nets::device::Wgpu>(found, settings, architecture, seeds)
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(index) => {
            let found = softmoe_nets::device::cuda(index).map_err(|missing| not_there(device, &missing))?;
            on_device::<softmoe_nets::device::Cuda>(found, settings, architecture, seeds)
        }
        #[allow(unreachable_patterns, reason = "every device may be built in")]
        other => {
            check(other)?;
            unreachable!("a device of this build has a learner")
        }
    }
}

/// The kind of a learner and its settings, on any device.
enum LearnerSettings {
    Dqn(DqnSettings),
    Rainbow(RainbowSettings),
}

#[cfg(feature = "burn")]
#[allow(dead_code, reason = "there may be no device to call it for")]
fn on_device<B: burn_tensor::backend::Backend>(
    device: B::Device,
    settings: LearnerSettings,
    architecture: &Architecture,
    seeds: Seeds,
) -> Result<Box<dyn Learner>, AgentError> {
    use crate::{dqn::DeviceDqnLearner, rainbow::DeviceRainbowLearner};
    let network = networks::build_on::<B>(architecture)?;
    Ok(match settings {
        LearnerSettings::Dqn(settings) => Box::new(DeviceDqnLearner::new(network, settings, seeds, device)),
        LearnerSettings::Rainbow(settings) => {
            Box::new(DeviceRainbowLearner::new(network, settings, seeds, device))
        }
    })
}

#[allow(dead_code, reason = "every device may be built in")]
fn not_built_in(device: Device, feature: &str) -> AgentError {
    AgentError::Device(format!(
        "the device `{device}` is not in this build; for one that has it: \
         `cargo build --release -p softmoe --features {feature}`"
    ))
}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn not_there(device: Device, missing: &softmoe_nets::device::Missing) -> AgentError {
    AgentError::Device(format!("the device `{device}` cannot be used: {missing}"))
}
