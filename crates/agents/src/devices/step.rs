//! A training step of any network on a device, for benchmarks.

#[cfg(any(feature = "wgpu", feature = "cuda"))]
use super::not_there;
use crate::{AgentError, networks};
use burn_tensor::Tensor;
use burn_tensor::activation::log_softmax;
use burn_tensor::backend::Backend;
use softmoe_config::{Architecture, Device};
use softmoe_nets::device::{
    Autodiff, DeviceAdam, DeviceNetwork, DeviceWeights, from_values, to_values, wait,
};
use softmoe_nets::{Adam, AdamSettings};

/// A training step on one batch in the device's memory, with forward pass, backward pass and Adam: the cross-entropy of
/// the logits of all actions against a fixed target, without noise and without a second network.
pub trait TrainingStep {
    /// Hands a step to the device, without waiting for it.
    fn step(&mut self);

    /// Waits for every step so far.
    ///
    /// # Errors
    /// [`AgentError::Device`] if the device fails.
    fn wait(&mut self) -> Result<(), AgentError>;

    /// Waits for the loss before the next step.
    fn loss(&mut self) -> f32;
}

/// A batch to train on.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedBatch {
    /// (batch, values of an observation)
    pub observations: Vec<f32>,
    /// Probabilities, (batch, actions, atoms).
    pub target: Vec<f32>,
    /// The network's parameters before the first step.
    pub parameters: Vec<f32>,
    /// The optimizer.
    pub optimizer: AdamSettings,
}

/// The training steps of the network of `architecture` on `device`.
///
/// # Errors
/// If the device cannot be used or is the CPU engine, or the network is not in this build.
///
/// # Panics
/// If the batch's lengths do not fit the network.
pub fn training_step(
    device: Device,
    architecture: &Architecture,
    batch: &FixedBatch,
) -> Result<Box<dyn TrainingStep>, AgentError> {
    match device {
        #[cfg(feature = "flex")]
        Device::Flex => {
            use softmoe_nets::device::{Flex, FlexDevice};
            on::<Flex>(FlexDevice, architecture, batch)
        }
        #[cfg(feature = "wgpu")]
        Device::Wgpu => {
            let found = softmoe_nets::device::wgpu().map_err(|missing| not_there(device, &missing))?;
            on::<softmoe_nets::device::Wgpu>(found, architecture, batch)
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(index) => {
            let found = softmoe_nets::device::cuda(index).map_err(|missing| not_there(device, &missing))?;
            on::<softmoe_nets::device::Cuda>(found, architecture, batch)
        }
        other => {
            super::check(other)?;
            Err(AgentError::Device("the CPU engine has no training step of the device engine".into()))
        }
    }
}

#[allow(dead_code, reason = "there may be no device to call it for")]
fn on<B: Backend>(
    device: B::Device,
    architecture: &Architecture,
    batch: &FixedBatch,
) -> Result<Box<dyn TrainingStep>, AgentError> {
    let network = networks::build_on::<B>(architecture)?;
    let shape = [architecture.actions, architecture.head.values()];
    let rows = batch.target.len() / (shape[0] * shape[1]);
    let adam = Adam::new(batch.optimizer, batch.parameters.len());
    Ok(Box::new(OnDevice::<B> {
        x: from_values(&batch.observations, [rows, network.input_len()], &device),
        target: from_values(&batch.target, [rows, shape[0], shape[1]], &device),
        parameters: from_values(&batch.parameters, [batch.parameters.len()], &device),
        optimizer: DeviceAdam::new(&adam, &device),
        network,
        device,
    }))
}

struct OnDevice<B: Backend> {
    network: Box<dyn DeviceNetwork<Autodiff<B>>>,
    device: B::Device,
    parameters: Tensor<B, 1>,
    optimizer: DeviceAdam<B>,
    /// (batch, values of an observation)
    x: Tensor<B, 2>,
    /// (batch, actions, atoms)
    target: Tensor<B, 3>,
}

impl<B: Backend> OnDevice<B> {
    fn tracked_loss(&self) -> (DeviceWeights<Autodiff<B>>, Tensor<Autodiff<B>, 1>) {
        let weights = DeviceWeights::tracked(self.network.parameters(), &self.parameters);
        let logits = self.network.forward(&weights, Tensor::from_inner(self.x.clone()));
        let shape = self.target.dims();
        let target = Tensor::from_inner(self.target.clone());
        let terms = target * log_softmax(logits.reshape(shape), 2);
        (weights, terms.sum().div_scalar(shape[0] as f32).neg())
    }
}

impl<B: Backend> TrainingStep for OnDevice<B> {
    fn step(&mut self) {
        let (weights, loss) = self.tracked_loss();
        let gradient = weights.gradient(&mut weights.with_added_losses(loss).backward());
        (self.parameters, self.optimizer) = self.optimizer.step(self.parameters.clone(), gradient);
    }

    fn wait(&mut self) -> Result<(), AgentError> {
        wait::<B>(&self.device).map_err(|error| AgentError::Device(error.to_string()))
    }

    fn loss(&mut self) -> f32 {
        to_values(self.tracked_loss().1)[0]
    }
}
