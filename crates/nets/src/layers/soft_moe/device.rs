//! The soft mixture on burn's tensors.

use super::SoftMoe;
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, same_shapes, tokens_times};
use burn_tensor::Tensor;
use burn_tensor::activation::softmax;
use burn_tensor::backend::Backend;

impl<M: Size, D: Size, N: Size, P: Size> DeviceLayer<(usize, M, D)> for SoftMoe<M, D, N, P> {
    same_shapes!((usize, M, D));

    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let (_, d, n, p) = self.sizes();
        let phi = weights.parameter(&self.phi, [d, n * p]);
        let phi = if self.fixed_phi { phi.detach() } else { phi };
        let logits = match &self.scale {
            Some(scale) => normalised_logits(x.clone(), phi, weights.parameter(scale, [1])),
            None => tokens_times(x.clone(), phi),
        };
        let dispatch = mixing(logits.clone(), 1, self.learned.dispatch);
        let combine = mixing(logits, 2, self.learned.combine);
        let slots = dispatch.swap_dims(1, 2).matmul(x);
        combine.matmul(self.experts.forward_on(weights, slots))
    }
}

/// The softmax of the logits along an axis; if it is not `learned`, the same weight everywhere along it.
fn mixing<B: Backend>(logits: Tensor<B, 3>, axis: usize, learned: bool) -> Tensor<B, 3> {
    if learned {
        softmax(logits, axis)
    } else {
        let size = logits.dims()[axis] as f32;
        logits.detach().full_like(1.0 / size)
    }
}

/// The logits of the tokens and of Phi's columns scaled to length one, times `scale`, (1).
fn normalised_logits<B: Backend>(x: Tensor<B, 3>, phi: Tensor<B, 2>, scale: Tensor<B, 1>) -> Tensor<B, 3> {
    tokens_times(unit(x, 2), unit(phi, 0) * scale.unsqueeze())
}

/// Vectors v along an axis as v / (|v| + 1e-6).
fn unit<B: Backend, const D: usize>(x: Tensor<B, D>, axis: usize) -> Tensor<B, D> {
    // Below the least square the length is taken to be constant: at zero it has no gradient.
    const LEAST_SQUARE: f32 = 1e-30;
    let length = (x.clone() * x.clone()).sum_dim(axis).clamp_min(LEAST_SQUARE).sqrt();
    x / length.add_scalar(1e-6)
}
