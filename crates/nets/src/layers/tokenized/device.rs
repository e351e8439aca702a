//! The tokenized baseline on burn's tensors.

use super::{ReluPlace, Tokenized};
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, same_shapes};
use burn_tensor::Tensor;
use burn_tensor::activation::relu;
use burn_tensor::backend::Backend;

impl<M: Size, D: Size, Hidden: Size> DeviceLayer<(usize, M, D)> for Tokenized<D, Hidden> {
    same_shapes!((usize, M, D));

    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 3>) -> Tensor<B, 2> {
        let [batch, tokens, width] = x.dims();
        let x = match self.settings.relu {
            ReluPlace::BeforePooling => x.reshape([batch * tokens, width]),
            ReluPlace::AfterPooling => x.mean_dim(1).squeeze_dim(1),
        };
        pooled(relu(self.dense.forward_on(weights, x)), batch, self.scale(tokens))
    }
}

/// `scale` times the sum over each sample's rows.
///
/// # Shapes
/// (batch rows, columns) -> (batch, columns)
fn pooled<B: Backend>(x: Tensor<B, 2>, batch: usize, scale: f32) -> Tensor<B, 2> {
    let [rows, columns] = x.dims();
    x.reshape([batch, rows / batch, columns]).sum_dim(1).squeeze_dim(1).mul_scalar(scale)
}
