//! Outputs of the experts and their derivative along a direction, in double precision.

use super::{Experts, HiddenLayer};
use crate::kernels::double::product;
use crate::{Scalar, Size, Weights};
use std::ops::Range;

/// The experts' weights in double precision.
#[derive(Clone, Debug)]
pub(crate) struct ExpertsTangent {
    /// The hidden layers and the output layer.
    layers: Vec<DenseLayers>,
}

/// A dense layer of each expert: kernels (n, inputs, outputs), biases (n, outputs).
#[derive(Clone, Debug)]
struct DenseLayers {
    inputs: usize,
    outputs: usize,
    kernel: Vec<f64>,
    bias: Vec<f64>,
}

/// Values and their derivative.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dual {
    pub(crate) value: Vec<f64>,
    pub(crate) tangent: Vec<f64>,
}

impl Dual {
    pub(crate) fn zeros(len: usize) -> Self {
        Dual { value: vec![0.0; len], tangent: vec![0.0; len] }
    }

    /// Room for `len` values: the capacity is enough for every layer, so nothing is allocated.
    fn resize(&mut self, len: usize) {
        self.value.resize(len, 0.0);
        self.tangent.resize(len, 0.0);
    }
}

impl ExpertsTangent {
    /// Buffers for the weights of `experts`.
    pub(crate) fn new<N: Size, D: Size>(experts: &Experts<N, D>) -> Self {
        let (n, d, h) = experts.sizes();
        let layer = |inputs: usize, outputs: usize| DenseLayers {
            inputs,
            outputs,
            kernel: vec![0.0; n * inputs * outputs],
            bias: vec![0.0; n * outputs],
        };
        let hidden = experts.hidden_layers.iter().map(|hidden| layer(hidden.inputs, h));
        ExpertsTangent { layers: hidden.chain([layer(h, d)]).collect() }
    }

    /// Buffers for the hidden values of `rows` inputs: a layer's input, and its output.
    pub(crate) fn scratch(&self, rows: usize) -> [Dual; 2] {
        let widest = self.layers.iter().map(|layer| layer.inputs.max(layer.outputs)).max().unwrap_or(0);
        [Dual::zeros(rows * widest), Dual::zeros(rows * widest)]
    }

    /// Takes the weights of `experts`, with their noise if there is any.
    pub(crate) fn load<E: Scalar, N: Size, D: Size>(&mut self, experts: &Experts<N, D>, weights: Weights<E>) {
        let widen = |wide: &mut [f64], range: &Range<usize>| {
            for (wide, value) in wide.iter_mut().zip(&weights.parameters[range.clone()]) {
                *wide = value.to_f64();
            }
        };
        for (layer, hidden) in self.layers.iter_mut().zip(&experts.hidden_layers) {
            widen(&mut layer.kernel, &hidden.mu[0]);
            widen(&mut layer.bias, &hidden.mu[1]);
            layer.add_noise(hidden, weights);
        }
        if let Some(output) = self.layers.last_mut() {
            widen(&mut output.kernel, &experts.output[0]);
            widen(&mut output.bias, &experts.output[1]);
        }
    }

    /// The outputs of expert `e`, from its inputs.
    ///
    /// # Shapes
    /// inputs: (rows, d) -> outputs: (rows, d)
    pub(crate) fn forward(
        &self,
        e: usize,
        [inputs, inputs_tangent]: [&[f64]; 2],
        [outputs, outputs_tangent]: [&mut [f64]; 2],
        [x, y]: &mut [Dual; 2],
    ) {
        let rows = inputs.len() / self.layers[0].inputs;
        x.resize(inputs.len());
        x.value.copy_from_slice(inputs);
        x.tangent.copy_from_slice(inputs_tangent);
        for (index, layer) in self.layers.iter().enumerate() {
            let shape @ [_, inputs, outputs] = [rows, layer.inputs, layer.outputs];
            y.resize(rows * outputs);
            let kernel = &layer.kernel[e * inputs * outputs..][..inputs * outputs];
            let bias = &layer.bias[e * outputs..][..outputs];
            product(&mut y.value, &x.value, kernel, shape);
            product(&mut y.tangent, &x.tangent, kernel, shape);
            let is_hidden = index + 1 < self.layers.len();
            let rows = y.value.chunks_exact_mut(outputs).zip(y.tangent.chunks_exact_mut(outputs));
            for (value, tangent) in rows {
                for ((value, tangent), bias) in value.iter_mut().zip(tangent).zip(bias) {
                    *value += bias;
                    if is_hidden && *value <= 0.0 {
                        (*value, *tangent) = (0.0, 0.0);
                    }
                }
            }
            std::mem::swap(x, y);
        }
        outputs.copy_from_slice(&x.value);
        outputs_tangent.copy_from_slice(&x.tangent);
    }
}

impl DenseLayers {
    /// Adds sigma * eps_in eps_out^T to the kernels, and sigma * eps_out to the biases.
    fn add_noise<E: Scalar>(&mut self, hidden: &HiddenLayer, weights: Weights<E>) {
        let Some((noisy, noise)) = hidden.noisy.as_ref().zip(weights.noise) else { return };
        let [sigma, bias_sigma] = noisy.sigma.clone().map(|range| &weights.parameters[range]);
        let [eps_in, eps_out] = noisy.eps.clone().map(|range| &noise[range]);
        let rows = self.kernel.chunks_exact_mut(self.outputs).zip(sigma.chunks_exact(self.outputs));
        for ((kernel, sigma), eps_in) in rows.zip(eps_in.iter().cycle()) {
            for ((kernel, sigma), eps_out) in kernel.iter_mut().zip(sigma).zip(eps_out) {
                *kernel += sigma.to_f64() * eps_in.to_f64() * eps_out.to_f64();
            }
        }
        for ((bias, sigma), eps_out) in self.bias.iter_mut().zip(bias_sigma).zip(eps_out.iter().cycle()) {
            *bias += sigma.to_f64() * eps_out.to_f64();
        }
    }
}
