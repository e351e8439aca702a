//! PerPatch tokens of burn's tensors.

use super::PerPatch;
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, same_shapes};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;

impl<Tokens: Size, H: Size, W: Size, C: Size> DeviceLayer<(usize, H, W, C)> for PerPatch<Tokens, C> {
    same_shapes!((usize, H, W, C));

    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 4>) -> Tensor<B, 3> {
        let patches = DeviceLayer::<(usize, usize, usize, usize)>::forward_on(&self.embedding, weights, x);
        patches.flatten(1, 2)
    }
}
