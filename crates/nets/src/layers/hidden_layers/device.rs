//! Hidden layers on burn's tensors.

use super::HiddenLayers;
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, same_shapes};
use burn_tensor::Tensor;
use burn_tensor::activation::relu;
use burn_tensor::backend::Backend;

impl<I: Size> DeviceLayer<(usize, I)> for HiddenLayers<I> {
    same_shapes!((usize, I));

    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
        self.layers.iter().fold(x, |x, layer| relu(layer.forward_on(weights, x)))
    }
}
