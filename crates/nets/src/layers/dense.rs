//! Dense layers, plain and with factorised noise.
//!
//! This file is the definition: the layers, their parameters, and their forward pass. [`cpu`] has the CPU engine's
//! passes.

mod cpu;

pub use cpu::DenseWorkspace;
pub(crate) use cpu::disjoint;

#[cfg(feature = "burn")]
use crate::device::prelude::*;
use crate::{Builder, Initializer, Size};
use std::ops::Range;

/// A dense layer, y = x W + b.
///
/// # Shapes
/// (batch, `I`) -> (batch, `O`); kernel W: (`I`, `O`)
#[derive(Clone, Debug, PartialEq)]
pub struct Linear<I, O> {
    inputs: I,
    outputs: O,
    kernel: Range<usize>,
    bias: Range<usize>,
}

/// A dense layer with factorised noise (Fortunato et al. 2018, arXiv 1706.10295, equations 9 to 11):
/// y = x (mu + sigma * eps_in eps_out^T) + b_mu + b_sigma * eps_out, with one draw of the noise for the whole batch.
/// Without noise, y = x mu + b_mu.
///
/// # Shapes
/// (batch, `I`) -> (batch, `O`); mu, sigma: (`I`, `O`); eps_in: (`I`); eps_out, b: (`O`)
#[derive(Clone, Debug, PartialEq)]
pub struct NoisyLinear<I, O> {
    mu: Linear<I, O>,
    sigma: Linear<I, O>,
    eps: [Range<usize>; 2],
}

/// A dense layer that is plain or noisy, as a setting decides.
#[derive(Clone, Debug, PartialEq)]
pub enum Dense<I, O> {
    /// Without noise.
    Plain(Linear<I, O>),
    /// With factorised noise.
    Noisy(NoisyLinear<I, O>),
}

#[cfg(feature = "burn")]
impl<I: Size, O: Size> Linear<I, O> {
    /// Kernel and bias.
    fn on<B: Backend>(&self, weights: &DeviceWeights<B>) -> (Tensor<B, 2>, Tensor<B, 1>) {
        let (i, o) = (self.inputs.size(), self.outputs.size());
        (weights.parameter(&self.kernel, [i, o]), weights.parameter(&self.bias, [o]))
    }
}

#[cfg(feature = "burn")]
impl<I: Size, O: Size> DeviceLayer<(usize, I)> for Linear<I, O> {
    same_shapes!((usize, I));

    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
        affine(x, self.on(weights))
    }
}

#[cfg(feature = "burn")]
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

#[cfg(feature = "burn")]
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
#[cfg(feature = "burn")]
fn affine<B: Backend>(x: Tensor<B, 2>, (kernel, bias): (Tensor<B, 2>, Tensor<B, 1>)) -> Tensor<B, 2> {
    x.matmul(kernel) + bias.unsqueeze()
}

/// Equation 9 of Fortunato et al. (2018).
#[cfg(feature = "burn")]
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

impl<I: Size, O: Size> Linear<I, O> {
    /// A dense layer with the parameters `<name>/kernel`, Xavier-uniform, and `<name>/bias`, zero.
    pub fn new(builder: &mut Builder, name: &str, inputs: I, outputs: O) -> Self {
        let (i, o) = (inputs.size(), outputs.size());
        Linear {
            inputs,
            outputs,
            kernel: builder.parameter(format!("{name}/kernel"), &[i, o], Initializer::xavier_uniform(i, o)),
            bias: builder.parameter(format!("{name}/bias"), &[o], Initializer::Constant(0.0)),
        }
    }
}

impl<I: Size, O: Size> NoisyLinear<I, O> {
    /// A noisy layer with the parameters `<name>/{kernel,bias}_{mu,sigma}`. As in Dopamine, mu is uniform in
    /// +-1/sqrt(inputs) and sigma is 0.1/sqrt(inputs) everywhere. (Fortunato et al. use 0.5/sqrt(inputs).)
    pub fn new(builder: &mut Builder, name: &str, inputs: I, outputs: O) -> Self {
        let (i, o) = (inputs.size(), outputs.size());
        let (mu, sigma) = noisy_laws(i);
        let mut linear = |part, initializer| Linear {
            inputs,
            outputs,
            kernel: builder.parameter(format!("{name}/kernel_{part}"), &[i, o], initializer),
            bias: builder.parameter(format!("{name}/bias_{part}"), &[o], initializer),
        };
        let (mu, sigma) = (linear("mu", mu), linear("sigma", sigma));
        NoisyLinear { mu, sigma, eps: builder.noise_source(name, i, o) }
    }
}

impl<I: Size, O: Size> Dense<I, O> {
    /// A [`NoisyLinear`] if `noisy`, else a [`Linear`].
    pub fn new(builder: &mut Builder, name: &str, inputs: I, outputs: O, noisy: bool) -> Self {
        if noisy {
            Dense::Noisy(NoisyLinear::new(builder, name, inputs, outputs))
        } else {
            Dense::Plain(Linear::new(builder, name, inputs, outputs))
        }
    }
}

/// The initializers of mu and sigma of a noisy layer with `inputs` inputs.
pub(crate) fn noisy_laws(inputs: usize) -> (Initializer, Initializer) {
    let scale = 1.0 / (inputs as f64).sqrt();
    (Initializer::Uniform { bound: scale }, Initializer::Constant(0.1 * scale))
}
