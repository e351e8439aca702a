//! Experts that choose their tokens, on burn's tensors.

use super::ExpertChoice;
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, one_hot, ranks, same_shapes, tokens_times, transposed};
use burn_tensor::Tensor;
use burn_tensor::activation::softmax;
use burn_tensor::backend::Backend;

impl<M: Size, D: Size, N: Size, P: Size> DeviceLayer<(usize, M, D)> for ExpertChoice<M, D, N, P> {
    same_shapes!((usize, M, D));

    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let (_, d, n, p) = self.sizes();
        let scores = softmax(tokens_times(x.clone(), weights.parameter(&self.router, [d, n])), 2);
        // The k-th slot of an expert takes the token that k others come before.
        let order = transposed(ranks(transposed(scores.clone())));
        self.experts.of_dispatched_on(weights, x, one_hot(order, p), scores)
    }
}
