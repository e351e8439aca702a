//! DQN's learner on the device engine, and its losses on a device's tensors: the functions of [`loss`](super::loss) for
//! a whole batch.

use super::{DqnSettings, TdLoss};
use crate::learner::{DeviceLearner, DeviceObjective};
use crate::seeds::Seeds;
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;
use softmoe_nets::device::{Autodiff, DeviceNetwork};

/// [`DqnLearner`](super::DqnLearner) on a device.
pub type DeviceDqnLearner<B> = DeviceLearner<B, DeviceActionValues>;

impl<B: Backend> DeviceDqnLearner<B> {
    /// A learner whose `network` maps observations to values (actions, 1), its weights drawn from `seeds`.
    ///
    /// # Panics
    /// If the network's output does not have these axes.
    pub fn new(
        network: Box<dyn DeviceNetwork<Autodiff<B>>>,
        settings: DqnSettings,
        seeds: Seeds,
        device: B::Device,
    ) -> Self {
        let DqnSettings { loss, update } = settings;
        assert_eq!(network.output_shape()[1..], [1], "a network of action values has one output an action");
        DeviceLearner::with_objective(DeviceActionValues { loss }, network, update, seeds, device)
    }
}

/// DQN's objective on a device: the value of an action is the network's output itself.
#[derive(Clone, Debug)]
pub struct DeviceActionValues {
    loss: TdLoss,
}

impl<B: Backend> DeviceObjective<B> for DeviceActionValues {
    fn q_values(&self, q_values: Tensor<B, 3>) -> Tensor<B, 2> {
        q_values.flatten(1, 2)
    }

    fn target(&self, q_target_t: Tensor<B, 2>, r_t: Tensor<B, 1>, discount_t: Tensor<B, 1>) -> Tensor<B, 2> {
        r_t.unsqueeze_dim(1) + discount_t.unsqueeze_dim(1) * q_target_t
    }

    fn loss(&self, target: Tensor<Autodiff<B>, 2>, q_tm1: Tensor<Autodiff<B>, 2>) -> Tensor<Autodiff<B>, 1> {
        let losses = match self.loss {
            TdLoss::Mse => squared_error(target, q_tm1),
            TdLoss::Huber => huber(target, q_tm1),
        };
        losses.flatten(0, 1)
    }
}

/// The squared errors (target - q_tm1)^2.
///
/// # Shapes
/// (batch, 1) -> (batch, 1)
pub fn squared_error<B: Backend>(target: Tensor<B, 2>, q_tm1: Tensor<B, 2>) -> Tensor<B, 2> {
    let error = target - q_tm1;
    error.clone() * error
}

/// The Huber losses: half the square of errors of at most 1, |error| - 1/2 beyond.
///
/// # Shapes
/// (batch, 1) -> (batch, 1)
pub fn huber<B: Backend>(target: Tensor<B, 2>, q_tm1: Tensor<B, 2>) -> Tensor<B, 2> {
    let error = (target - q_tm1).abs();
    // One expression for both: with c = min(|error|, 1), c (|error| - c / 2).
    let clipped = error.clone().clamp_max(1.0);
    clipped.clone() * (error - clipped.div_scalar(2.0))
}
