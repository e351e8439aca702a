//! New shapes of burn's tensors.

use super::{Flatten, PerConv, PerSample};
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, same_shapes};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;

impl<Tokens: Size, H: Size, W: Size, C: Size> DeviceLayer<(usize, H, W, C)> for PerConv<Tokens> {
    same_shapes!((usize, H, W, C));

    fn forward_on<B: Backend>(&self, _: &DeviceWeights<B>, x: Tensor<B, 4>) -> Tensor<B, 3> {
        x.flatten(1, 2)
    }
}

impl<Width: Size, H: Size, W: Size, C: Size> DeviceLayer<(usize, H, W, C)> for PerSample<Width> {
    same_shapes!((usize, H, W, C));

    fn forward_on<B: Backend>(&self, _: &DeviceWeights<B>, x: Tensor<B, 4>) -> Tensor<B, 3> {
        x.flatten::<2>(1, 3).unsqueeze_dim(1)
    }
}

impl<Features: Size, H: Size, W: Size, C: Size> DeviceLayer<(usize, H, W, C)> for Flatten<Features> {
    same_shapes!((usize, H, W, C));

    fn forward_on<B: Backend>(&self, _: &DeviceWeights<B>, x: Tensor<B, 4>) -> Tensor<B, 2> {
        x.flatten(1, 3)
    }
}

impl<Features: Size, Tokens: Size, Width: Size> DeviceLayer<(usize, Tokens, Width)> for Flatten<Features> {
    same_shapes!((usize, Tokens, Width));

    fn forward_on<B: Backend>(&self, _: &DeviceWeights<B>, x: Tensor<B, 3>) -> Tensor<B, 2> {
        x.flatten(1, 2)
    }
}
