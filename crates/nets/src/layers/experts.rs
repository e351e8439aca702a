//! The experts of a mixture: small networks of one shape, side by side.
//!
//! This file is the definition; [`cpu`] has the CPU engine's passes, and [`tangent`] has derivatives along a
//! direction, in double precision.

mod cpu;
mod tangent;

pub use cpu::ExpertsWorkspace;
pub(crate) use tangent::{Dual, ExpertsTangent};

#[cfg(feature = "burn")]
use crate::device::prelude::*;
use crate::layers::dense::noisy_laws;
use crate::{Builder, Initializer, Size};
use std::ops::Range;

/// The settings of an expert: its layers, apart from the width of its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpertSettings {
    /// Hidden width h.
    pub hidden: usize,
    /// Hidden layers beyond the first, each h -> h.
    pub extra_layers: usize,
    /// Whether the hidden layers are noisy. All experts and slots share one draw of the noise. The output layer is
    /// never noisy.
    pub noisy: bool,
}

/// n experts. Each is a network: dense d -> h, ReLU, (dense h -> h, ReLU,)* dense h -> d.
///
/// # Shapes
/// (rows, n, d) -> (rows, n, d): inputs and outputs of all experts are interleaved, so that the slots of one sample are
/// contiguous. Row r of expert e lies at `(r * n + e) * d`.
#[derive(Clone, Debug)]
pub struct Experts<N, D> {
    experts: N,
    width: D,
    hidden: usize,
    hidden_layers: Vec<HiddenLayer>,
    output: [Range<usize>; 2],
}

/// The parameters of a hidden layer: kernel (n, inputs, h), bias (n, h).
#[derive(Clone, Debug)]
struct HiddenLayer {
    inputs: usize,
    /// Kernel and bias: mu of a noisy layer.
    mu: [Range<usize>; 2],
    noisy: Option<Noisy>,
}

/// The further parameters of a noisy layer, and its noise.
#[derive(Clone, Debug)]
struct Noisy {
    sigma: [Range<usize>; 2],
    eps: [Range<usize>; 2],
}

#[cfg(feature = "burn")]
impl<N: Size, D: Size> Experts<N, D> {
    /// The definition, on burn's tensors: applies each expert to its slots. Tests compare the CPU engine with it.
    ///
    /// # Shapes
    /// x: (batch, n p, d), the slots of one expert next to each other -> (batch, n p, d)
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

impl<N: Size, D: Size> Experts<N, D> {
    /// `experts` experts over tokens of `width`, with the parameters `<name>/hidden/{kernel,bias}` (noisy: `.._mu`,
    /// `.._sigma`), `<name>/hidden_1/..` and so on, and `<name>/output/{kernel,bias}`. Kernels are Xavier-uniform and
    /// biases zero, or as of [`NoisyLinear`](super::NoisyLinear), for each expert.
    pub fn new(builder: &mut Builder, name: &str, experts: N, width: D, settings: ExpertSettings) -> Self {
        let ExpertSettings { hidden, extra_layers, noisy } = settings;
        let (n, d) = (experts.size(), width.size());
        let hidden_layers = (0..=extra_layers)
            .map(|layer| {
                let inputs = if layer == 0 { d } else { hidden };
                let name =
                    if layer == 0 { format!("{name}/hidden") } else { format!("{name}/hidden_{layer}") };
                HiddenLayer::new(builder, &name, [n, inputs, hidden], noisy)
            })
            .collect();
        let initializer = Initializer::xavier_uniform(hidden, d);
        let kernel = builder.parameter(format!("{name}/output/kernel"), &[n, hidden, d], initializer);
        let bias = builder.parameter(format!("{name}/output/bias"), &[n, d], Initializer::Constant(0.0));
        Experts { experts, width, hidden, hidden_layers, output: [kernel, bias] }
    }

    /// Parameters of all experts, and multiply-adds for `rows` inputs of each.
    pub fn costs(&self, rows: usize) -> (usize, usize) {
        let (n, d, h) = self.sizes();
        let of_layer = |layer: &HiddenLayer| layer.inputs * h;
        let products = n * (self.hidden_layers.iter().map(of_layer).sum::<usize>() + h * d);
        let noisy = |layer: &HiddenLayer| if layer.noisy.is_some() { 2 } else { 1 };
        let hidden = self.hidden_layers.iter().map(|layer| noisy(layer) * (layer.inputs + 1) * h);
        (n * (hidden.sum::<usize>() + (h + 1) * d), rows * products)
    }

    /// (n, d)
    pub(crate) fn number_and_width(&self) -> (usize, usize) {
        (self.experts.size(), self.width.size())
    }

    /// A description of the experts in a few words.
    pub(crate) fn in_words(&self) -> String {
        let (n, _, h) = self.sizes();
        let experts = if n == 1 { "expert" } else { "experts" };
        let noisy = if self.hidden_layers[0].noisy.is_some() { "noisy " } else { "" };
        let layers = match self.hidden_layers.len() {
            1 => String::new(),
            layers => format!(" x {layers}"),
        };
        format!("{n} {noisy}{experts} of hidden {h}{layers}")
    }

    /// (n, d, h)
    fn sizes(&self) -> (usize, usize, usize) {
        (self.experts.size(), self.width.size(), self.hidden)
    }
}

impl HiddenLayer {
    fn new(builder: &mut Builder, name: &str, [n, inputs, h]: [usize; 3], noisy: bool) -> Self {
        let mut pair = |suffix: &str, kernel, bias| {
            let kernel = builder.parameter(format!("{name}/kernel{suffix}"), &[n, inputs, h], kernel);
            [kernel, builder.parameter(format!("{name}/bias{suffix}"), &[n, h], bias)]
        };
        if noisy {
            let (mu, sigma) = noisy_laws(inputs);
            let (mu, sigma) = (pair("_mu", mu, mu), pair("_sigma", sigma, sigma));
            let eps = builder.noise_source(name, inputs, h);
            HiddenLayer { inputs, mu, noisy: Some(Noisy { sigma, eps }) }
        } else {
            let mu = pair("", Initializer::xavier_uniform(inputs, h), Initializer::Constant(0.0));
            HiddenLayer { inputs, mu, noisy: None }
        }
    }
}

#[cfg(feature = "burn")]
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
#[cfg(feature = "burn")]
fn affine<B: Backend>(x: Tensor<B, 3>, (kernel, bias): (Tensor<B, 3>, Tensor<B, 2>)) -> Tensor<B, 3> {
    x.matmul(kernel) + bias.unsqueeze_dim(1)
}

/// (batch, n p, d) -> (n, batch p, d)
#[cfg(feature = "burn")]
fn by_expert<B: Backend>(x: Tensor<B, 3>, n: usize) -> Tensor<B, 3> {
    let [batch, slots, d] = x.dims();
    let p = slots / n;
    x.reshape([batch, n, p, d]).swap_dims(0, 1).reshape([n, batch * p, d])
}

/// (n, batch p, d) -> (batch, n p, d)
#[cfg(feature = "burn")]
fn by_sample<B: Backend>(x: Tensor<B, 3>, batch: usize) -> Tensor<B, 3> {
    let [n, rows, d] = x.dims();
    let p = rows / batch;
    x.reshape([n, batch, p, d]).swap_dims(0, 1).reshape([batch, n * p, d])
}
