//! Averages of burn's tensors over all positions.

use super::GlobalAveragePool;
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, same_shapes};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;

impl<H: Size, W: Size, C: Size> DeviceLayer<(usize, H, W, C)> for GlobalAveragePool {
    same_shapes!((usize, H, W, C));

    fn forward_on<B: Backend>(&self, _: &DeviceWeights<B>, x: Tensor<B, 4>) -> Tensor<B, 2> {
        x.flatten::<3>(1, 2).mean_dim(1).squeeze_dim(1)
    }
}
