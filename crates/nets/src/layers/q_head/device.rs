//! The head of mean returns on burn's tensors.

use super::QHead;
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, same_shapes};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;

impl<F: Size> DeviceLayer<(usize, F)> for QHead<F> {
    same_shapes!((usize, F));

    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
        self.head.forward_on(weights, x).squeeze_dim(2)
    }
}
