//! Dense layers on burn's tensors.

use super::{Dense, Linear, NoisyLinear};
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, same_shapes};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;

impl<I: Size, O: Size> Linear<I, O> {
    /// Kernel and bias.
    fn on<B: Backend>(&self, weights: &DeviceWeights<B>) -> (Tensor<B, 2>, Tensor<B, 1>) {
        let (i, o) = (self.inputs.size(), self.outputs.size());
        (weights.parameter(&self.kernel, [i, o]), weights.parameter(&self.bias, [o]))
    }
}

impl<I: Size, O: Size> DeviceLayer<(usize, I)> for Linear<I, O> {
    same_shapes!((usize, I));

    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
        affine(x, self.on(weights))
    }
}

impl<I: Size, O: Size> DeviceLayer<(usize, I)> for NoisyLinear<I, O> {
    same_shapes!((usize, I));

    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let mu = self.mu.on(weights);
        match (weights.noise(&self.eps[0]), weights.noise(&self.eps[1])) {
            (Some(eps_in), Some(eps_out)) => noisy(x, mu, self.sigma.on(weights), eps_in, eps_out),
            _ => affine(x, mu),
        }
    }
}

impl<I: Size, O: Size> DeviceLayer<(usize, I)> for Dense<I, O> {
    same_shapes!((usize, I));

    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
        match self {
            Dense::Plain(layer) => layer.forward_on(weights, x),
            Dense::Noisy(layer) => layer.forward_on(weights, x),
        }
    }
}

/// x kernel + bias.
fn affine<B: Backend>(x: Tensor<B, 2>, (kernel, bias): (Tensor<B, 2>, Tensor<B, 1>)) -> Tensor<B, 2> {
    x.matmul(kernel) + bias.unsqueeze()
}

/// Equation 9 of Fortunato et al. (2018).
fn noisy<B: Backend>(
    x: Tensor<B, 2>,
    (mu, b_mu): (Tensor<B, 2>, Tensor<B, 1>),
    (sigma, b_sigma): (Tensor<B, 2>, Tensor<B, 1>),
    eps_in: Tensor<B, 1>,
    eps_out: Tensor<B, 1>,
) -> Tensor<B, 2> {
    let eps = eps_in.unsqueeze_dim::<2>(1) * eps_out.clone().unsqueeze::<2>();
    affine(x, (mu + sigma * eps, b_mu + b_sigma * eps_out))
}
