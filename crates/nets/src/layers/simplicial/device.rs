//! Simplicial embeddings of burn's tensors.

use super::{SimplicialGroups, SimplicialMap};
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, same_shapes};
use burn_tensor::Tensor;
use burn_tensor::activation::softmax;
use burn_tensor::backend::Backend;

impl<H: Size, W: Size, C: Size> DeviceLayer<(usize, H, W, C)> for SimplicialMap {
    same_shapes!((usize, H, W, C));

    fn forward_on<B: Backend>(&self, _: &DeviceWeights<B>, x: Tensor<B, 4>) -> Tensor<B, 4> {
        softmax(x.div_scalar(self.temperature as f32), 2)
    }
}

impl<N: Size, F: Size> DeviceLayer<(usize, F)> for SimplicialGroups<N> {
    same_shapes!((usize, F));

    fn forward_on<B: Backend>(&self, _: &DeviceWeights<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let ([batch, features], groups) = (x.dims(), self.groups.size());
        let x = x.div_scalar(self.temperature as f32).reshape([batch, groups, features / groups]);
        softmax(x, 2).reshape([batch, features])
    }
}
