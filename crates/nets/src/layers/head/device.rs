//! The categorical head on burn's tensors.

use super::CategoricalHead;
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, same_shapes};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;

impl<F: Size, Z: Size> DeviceLayer<(usize, F)> for CategoricalHead<F, Z> {
    same_shapes!((usize, F));

    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 2>) -> Tensor<B, 3> {
        let value = self.value.as_ref().map(|value| value.forward_on(weights, x.clone()));
        logits(self.advantage.forward_on(weights, x), value, [self.actions, self.atoms.size()])
    }
}

/// value + advantage - mean advantage, atom by atom, where there is a value.
///
/// # Shapes
/// advantage: (batch, actions x atoms); value: (batch, atoms) -> (batch, actions, atoms)
fn logits<B: Backend>(
    advantage: Tensor<B, 2>,
    value: Option<Tensor<B, 2>>,
    [actions, atoms]: [usize; 2],
) -> Tensor<B, 3> {
    let [batch, _] = advantage.dims();
    let advantage = advantage.reshape([batch, actions, atoms]);
    match value {
        Some(value) => advantage.clone() + (value.unsqueeze_dim(1) - advantage.mean_dim(1)),
        None => advantage,
    }
}
