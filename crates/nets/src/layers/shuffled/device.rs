//! Shuffled tokens of burn's tensors.

use super::Shuffled;
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, from_integers, same_shapes};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;

impl<Tokens: Size, H: Size, W: Size, C: Size> DeviceLayer<(usize, H, W, C)> for Shuffled<Tokens> {
    same_shapes!((usize, H, W, C));

    fn forward_on<B: Backend>(&self, _: &DeviceWeights<B>, x: Tensor<B, 4>) -> Tensor<B, 3> {
        let [batch, _, _, channels] = x.dims();
        shuffled(x, self.permutation.sources()).reshape([batch, self.tokens.size(), channels])
    }
}

/// (batch, ...) -> (batch, values), each value from where `sources` says.
fn shuffled<B: Backend>(x: Tensor<B, 4>, sources: &[usize]) -> Tensor<B, 2> {
    let len = sources.len();
    let sources: Vec<i32> = sources.iter().map(|&source| source as i32).collect();
    let sources = from_integers::<B, 1>(sources, [len], &x.device());
    x.flatten::<2>(1, 3).select(1, sources)
}
