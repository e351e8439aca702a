//! Rainbow's learner on the device engine, and the losses of a categorical agent on a device's tensors: the functions
//! of [`loss`](super::loss) for a whole batch.

use super::{RainbowSettings, loss};
use crate::learner::{DeviceLearner, DeviceObjective};
use crate::seeds::Seeds;
use burn_tensor::Tensor;
use burn_tensor::activation::{log_softmax, softmax};
use burn_tensor::backend::Backend;
use softmoe_nets::device::{Autodiff, DeviceNetwork, from_values};

/// [`RainbowLearner`](super::RainbowLearner) on a device.
pub type DeviceRainbowLearner<B> = DeviceLearner<B, DeviceCategorical<B>>;

impl<B: Backend> DeviceRainbowLearner<B> {
    /// A learner whose `network` maps observations to logits (actions, atoms), its weights drawn from `seeds`.
    ///
    /// # Panics
    /// If the network's output does not have two axes.
    pub fn new(
        network: Box<dyn DeviceNetwork<Autodiff<B>>>,
        settings: RainbowSettings,
        seeds: Seeds,
        device: B::Device,
    ) -> Self {
        let RainbowSettings { v_max, update } = settings;
        let [_, atoms] =
            network.output_shape().try_into().expect("a categorical network's output is (actions, atoms)");
        let support = from_values(&loss::support(v_max, atoms), [atoms], &device);
        let objective = DeviceCategorical { support, v_max: v_max as f32 };
        DeviceLearner::with_objective(objective, network, update, seeds, device)
    }
}

/// Rainbow's objective on a device: the network's outputs are logits of the atoms of every action's return.
#[derive(Clone, Debug)]
pub struct DeviceCategorical<B: Backend> {
    /// (atoms)
    support: Tensor<B, 1>,
    /// Largest value of the support; the smallest is its negative.
    v_max: f32,
}

impl<B: Backend> DeviceObjective<B> for DeviceCategorical<B> {
    fn q_values(&self, logits: Tensor<B, 3>) -> Tensor<B, 2> {
        q_values(softmax(logits, 2), self.support.clone())
    }

    /// The next states' distributions for their greedy actions, shifted by the rewards and projected.
    fn target(&self, logits_t: Tensor<B, 2>, r_t: Tensor<B, 1>, discount_t: Tensor<B, 1>) -> Tensor<B, 2> {
        let ends = [-self.v_max, self.v_max];
        project(softmax(logits_t, 1), r_t, discount_t, self.support.clone(), ends)
    }

    fn loss(
        &self,
        target: Tensor<Autodiff<B>, 2>,
        logits_tm1: Tensor<Autodiff<B>, 2>,
    ) -> Tensor<Autodiff<B>, 1> {
        cross_entropy(target, logits_tm1)
    }
}

/// Action values q_a = sum_z z p_az.
///
/// # Shapes
/// probabilities: (batch, actions, atoms); support: (atoms) -> (batch, actions)
pub fn q_values<B: Backend>(probabilities: Tensor<B, 3>, support: Tensor<B, 1>) -> Tensor<B, 2> {
    let [batch, actions, _] = probabilities.dims();
    (probabilities * support.unsqueeze()).sum_dim(2).reshape([batch, actions])
}

/// The target distributions of a batch; [`project`](super::loss::project) computes a single one.
///
/// The last argument is the smallest and the largest value of the support.
///
/// # Shapes
/// probabilities_t: (batch, atoms); r_t, discount_t: (batch); support: (atoms) -> (batch, atoms)
pub fn project<B: Backend>(
    probabilities_t: Tensor<B, 2>,
    r_t: Tensor<B, 1>,
    discount_t: Tensor<B, 1>,
    support: Tensor<B, 1>,
    [v_min, v_max]: [f32; 2],
) -> Tensor<B, 2> {
    let [batch, atoms] = probabilities_t.dims();
    let spacing = (v_max - v_min) / (atoms - 1) as f32;
    let moved =
        r_t.unsqueeze_dim::<2>(1) + discount_t.unsqueeze_dim::<2>(1) * support.clone().unsqueeze::<2>();
    let value = moved.clamp(v_min, v_max).reshape([batch, 1, atoms]);
    let distance = (value - support.reshape([1, atoms, 1])).abs();
    let nearness = (distance.div_scalar(spacing).neg() + 1.0).clamp(0.0, 1.0);
    (nearness * probabilities_t.unsqueeze_dim(1)).sum_dim(2).reshape([batch, atoms])
}

/// Cross-entropies, -sum_z target_z log softmax(logits)_z, from the logits of the actions taken.
///
/// # Shapes
/// target, logits: (batch, atoms) -> (batch)
pub fn cross_entropy<B: Backend>(target: Tensor<B, 2>, logits: Tensor<B, 2>) -> Tensor<B, 1> {
    let [batch, _] = logits.dims();
    (target * log_softmax(logits, 1)).sum_dim(1).reshape([batch]).neg()
}
