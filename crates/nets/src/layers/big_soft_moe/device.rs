//! Soft mixtures of whole networks on burn's tensors.

use super::BigSoftMoe;
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, same_shapes, tokens_times};
use burn_tensor::Tensor;
use burn_tensor::activation::softmax;
use burn_tensor::backend::Backend;

impl<M, D, N, S, X, F> DeviceLayer<(usize, M, D)> for BigSoftMoe<M, D, N, S, X>
where
    M: Size,
    D: Size,
    N: Size,
    S: Size,
    F: Size,
    X: crate::Layer<(usize, S, S, D), Out = (usize, F)> + DeviceLayer<(usize, S, S, D), Out = (usize, F)>,
{
    same_shapes!((usize, M, D));

    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let (_, d, n, p) = self.sizes();
        let (slots, combine) = mix(x, weights.parameter(&self.phi, [d, n * p]));
        let side = self.sizes.3.size();
        let outputs = (self.experts.iter().enumerate())
            .map(|(e, expert)| outputs(expert.forward_on(weights, image(&slots, e, p, side)), [p, d]));
        combine.matmul(Tensor::cat(outputs.collect(), 1))
    }
}

/// Slots, (batch, n p, d), and combine, (batch, m, n p).
fn mix<B: Backend>(x: Tensor<B, 3>, phi: Tensor<B, 2>) -> (Tensor<B, 3>, Tensor<B, 3>) {
    let logits = tokens_times(x.clone(), phi);
    let slots = softmax(logits.clone(), 1).swap_dims(1, 2).matmul(x);
    (slots, softmax(logits, 2))
}

/// The slots of expert `e` as images, (batch, side, side, d).
fn image<B: Backend>(slots: &Tensor<B, 3>, e: usize, p: usize, side: usize) -> Tensor<B, 4> {
    let [batch, all, d] = slots.dims();
    // Not a part of (batch, n p, d): for d = 1 that would lose its place as in `transposed`.
    slots.clone().reshape([batch, all / p, p * d]).narrow(1, e, 1).reshape([batch, side, side, d])
}

/// An expert's features as its slots' outputs, (batch, p, d).
fn outputs<B: Backend>(features: Tensor<B, 2>, [p, d]: [usize; 2]) -> Tensor<B, 3> {
    let [batch, _] = features.dims();
    features.reshape([batch, p, d])
}
