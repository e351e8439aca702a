//! Experts on burn's tensors.

use super::{Experts, HiddenLayer};
use crate::Size;
use crate::device::DeviceWeights;
use burn_tensor::Tensor;
use burn_tensor::activation::relu;
use burn_tensor::backend::Backend;

impl<N: Size, D: Size> Experts<N, D> {
    /// Applies each expert to its slots.
    ///
    /// # Shapes
    /// x: (batch, n p, d), the slots of one expert behind each other -> (batch, n p, d)
    pub(crate) fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let (n, d, h) = self.sizes();
        let [batch, ..] = x.dims();
        let mut values = by_expert(x, n);
        for layer in &self.hidden_layers {
            values = relu(affine(values, layer.on(weights, n, h)));
        }
        let [kernel, bias] = &self.output;
        let output = (weights.parameter(kernel, [n, h, d]), weights.parameter(bias, [n, d]));
        by_sample(affine(values, output), batch)
    }
}

impl HiddenLayer {
    /// The kernels and biases of all experts, with their noise where there is any.
    fn on<B: Backend>(&self, weights: &DeviceWeights<B>, n: usize, h: usize) -> (Tensor<B, 3>, Tensor<B, 2>) {
        let [kernel, bias] = &self.mu;
        let (mu, b_mu) = (weights.parameter(kernel, [n, self.inputs, h]), weights.parameter(bias, [n, h]));
        let Some(noisy) = &self.noisy else {
            return (mu, b_mu);
        };
        let (Some(eps_in), Some(eps_out)) = (weights.noise(&noisy.eps[0]), weights.noise(&noisy.eps[1]))
        else {
            return (mu, b_mu);
        };
        let [kernel, bias] = &noisy.sigma;
        let (sigma, b_sigma) =
            (weights.parameter::<3>(kernel, [n, self.inputs, h]), weights.parameter::<2>(bias, [n, h]));
        let eps = eps_in.reshape([1, self.inputs, 1]) * eps_out.clone().reshape([1, 1, h]);
        (mu + sigma * eps, b_mu + b_sigma * eps_out.unsqueeze())
    }
}

/// (n, rows, inputs) times (n, inputs, outputs), and a bias (n, outputs).
fn affine<B: Backend>(x: Tensor<B, 3>, (kernel, bias): (Tensor<B, 3>, Tensor<B, 2>)) -> Tensor<B, 3> {
    x.matmul(kernel) + bias.unsqueeze_dim(1)
}

/// (batch, n p, d) -> (n, batch p, d)
fn by_expert<B: Backend>(x: Tensor<B, 3>, n: usize) -> Tensor<B, 3> {
    let [batch, slots, d] = x.dims();
    let p = slots / n;
    x.reshape([batch, n, p, d]).swap_dims(0, 1).reshape([n, batch * p, d])
}

/// (n, batch p, d) -> (batch, n p, d)
fn by_sample<B: Backend>(x: Tensor<B, 3>, batch: usize) -> Tensor<B, 3> {
    let [n, rows, d] = x.dims();
    let p = rows / batch;
    x.reshape([n, batch, p, d]).swap_dims(0, 1).reshape([batch, n * p, d])
}
