//! PerFeat tokens of burn's tensors.

use super::PerFeature;
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, same_shapes};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;

impl<Width: Size, H: Size, W: Size, C: Size> DeviceLayer<(usize, H, W, C)> for PerFeature<Width> {
    same_shapes!((usize, H, W, C));

    fn forward_on<B: Backend>(&self, _: &DeviceWeights<B>, x: Tensor<B, 4>) -> Tensor<B, 3> {
        x.flatten::<3>(1, 2).swap_dims(1, 2)
    }
}
