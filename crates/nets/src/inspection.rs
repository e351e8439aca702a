//! Inspection of a forward pass: activity of neurons, features of the head, weights of mixtures.
//!
//! Layers report in their order ([`Layer::inspect`](crate::Layer::inspect)). An [`Inspection`] joins the reports: the
//! weights before a rectifier and the weights after it belong to the same neurons.

use crate::{ParameterList, Scalar};
use std::ops::Range;

/// A matrix among a network's parameters, row-major, with one row per input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Its range in the flat buffer.
    pub range: Range<usize>,
    /// Number of columns, one per output.
    pub columns: usize,
}

/// A layer of neurons: the outputs of a layer of weights before a rectifier. A convolution has one neuron per channel,
/// a mixture one layer per expert.
#[derive(Clone, Debug, PartialEq)]
pub struct Neurons {
    /// Mean of |h| of each neuron over the batch, and over positions, tokens or slots that share its weights.
    pub activity: Vec<f64>,
    /// The kernels whose columns lead to the neurons: mu, then sigma of a noisy layer.
    pub incoming: Vec<Kernel>,
    /// Their biases: mu, then sigma of a noisy layer.
    pub biases: Vec<Range<usize>>,
    /// The kernels that read the neurons. Row r belongs to neuron r modulo their number, as in a flattened feature map.
    pub outgoing: Vec<Kernel>,
    /// Whether the neurons are read by more than `outgoing`, so that weights alone cannot cut them off.
    pub is_read_elsewhere: bool,
}

impl Neurons {
    /// The name of the layer before the rectifier, e.g. `encoder`, or `soft_moe/experts/hidden/0` for expert 0.
    pub fn name(&self, parameters: &ParameterList) -> String {
        let Some(Kernel { range, .. }) = self.incoming.first() else { return "?".to_owned() };
        let is_around = |other: &Range<usize>| other.start <= range.start && range.end <= other.end;
        let Some(parameter) = parameters.iter().find(|parameter| is_around(&parameter.range)) else {
            return "?".to_owned();
        };
        let layer = parameter.name.rsplit_once('/').map_or(parameter.name.as_str(), |(layer, _)| layer);
        match parameter.shape.len() {
            // (experts, inputs, outputs)
            3 => format!("{layer}/{}", (range.start - parameter.range.start) / range.len()),
            _ => layer.to_owned(),
        }
    }
}

/// The input of the head: the penultimate activations.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Number of features of a sample.
    pub width: usize,
    /// (batch, width)
    pub values: Vec<f64>,
}

/// Dispatch and combine weights of a mixture, and its slots.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// Number of experts n.
    pub experts: usize,
    /// Slots p of each expert; 1 where a router gives each expert one probability.
    pub slots: usize,
    /// Combine weights of each token, (batch x tokens, n, p): rows sum to one. For a router that chooses, its
    /// probabilities.
    pub combine: Vec<f64>,
    /// Dispatch weights of each token, (batch x tokens, n, inputs of an expert): in a sample, the weights of a slot sum to one. For a
    /// router that chooses: one where a slot holds the token, else zero; a free slot has no weight.
    pub dispatch: Vec<f64>,
    /// Routing logits of each token, (batch x tokens, n, p), before the softmaxes of dispatch and combine; empty where the layer
    /// keeps nothing that they follow from (routers that choose, mixtures of whole networks).
    pub logits: Vec<f64>,
    /// Width d of a token.
    pub width: usize,
    /// Slots of a sample over all experts.
    pub inputs_per_sample: usize,
    /// The inputs of the experts, (batch, inputs of a sample, d). A slot without a token is zero.
    pub inputs: Vec<f64>,
}

/// The reports of a network's layers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inspection {
    /// The layers of neurons, in order.
    pub neurons: Vec<Neurons>,
    /// The input of the head.
    pub features: Option<Features>,
    /// The mixtures, in order.
    pub mixtures: Vec<Mixture>,
    /// Indices of the layers of neurons that the next layer reads.
    read: Vec<usize>,
    /// Weights whose rectifier has not been reported yet.
    weights: Option<Neurons>,
}

/// `values` in double precision.
pub(crate) fn doubles<E: Scalar>(values: &[E]) -> Vec<f64> {
    values.iter().map(|value| value.to_f64()).collect()
}

impl Inspection {
    /// An inspection without any report.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reports a layer of weights: `kernels` that read the previous layer (mu, then sigma), and their `biases`.
    pub fn weights(&mut self, kernels: &[Kernel], biases: &[Range<usize>]) {
        kernels.iter().for_each(|kernel| self.reader(kernel.clone()));
        self.read.clear();
        self.weights = Some(Neurons {
            activity: Vec::new(),
            incoming: kernels.to_vec(),
            biases: biases.to_vec(),
            outgoing: Vec::new(),
            is_read_elsewhere: false,
        });
    }

    /// Reports one of several kernels that read the previous layer.
    pub fn reader(&mut self, kernel: Kernel) {
        for &layer in &self.read {
            self.neurons[layer].outgoing.push(kernel.clone());
        }
    }

    /// Reports a rectifier's output, or values proportional to it, (.., neurons). Unless weights come directly before
    /// it, it reports nothing.
    ///
    /// # Panics
    /// If the values are not whole rows of the neurons.
    pub fn rectified<E: Scalar>(&mut self, values: &[E]) {
        let Some(mut neurons) = self.weights.take() else { return };
        let count = neurons.incoming.first().map_or(0, |kernel| kernel.columns);
        assert!(
            count > 0 && values.len().is_multiple_of(count),
            "{} values of {count} neurons",
            values.len()
        );
        neurons.activity = vec![0.0; count];
        for values in values.chunks_exact(count) {
            for (sum, value) in neurons.activity.iter_mut().zip(values) {
                *sum += value.to_f64().abs();
            }
        }
        let rows = (values.len() / count).max(1) as f64;
        neurons.activity.iter_mut().for_each(|sum| *sum /= rows);
        self.read = vec![self.neurons.len()];
        self.neurons.push(neurons);
    }

    /// Reports one of several readers of the previous layer.
    pub fn branch(&mut self, inspect: impl FnOnce(&mut Self)) {
        let read = self.read.clone();
        inspect(self);
        self.weights = None;
        self.read = read;
    }

    /// Reports that all readers of the previous layer are known, and that the next layer reads none of its neurons one
    /// by one.
    pub fn end(&mut self) {
        self.read.clear();
        self.weights = None;
    }

    /// Reports that the previous layer has a reader without weights.
    pub fn lose(&mut self) {
        for &layer in &self.read {
            self.neurons[layer].is_read_elsewhere = true;
        }
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::{Inspection, Kernel};
    use crate::layers::{Dense, HiddenLayers, Linear, Relu, Residual};
    use crate::{Builder, Layer, Weights};

    fn kernel(range: std::ops::Range<usize>, columns: usize) -> Kernel {
        Kernel { range, columns }
    }

    #[test]
    fn a_rectifier_makes_neurons_of_the_weights_before_it() {
        let mut builder = Builder::new();
        let layers = (
            HiddenLayers::new(&mut builder, "hidden", 3, 2, 2, true),
            Linear::new(&mut builder, "head", 2, 1),
        );
        let parameters: Vec<f64> = (0..builder.parameters().len()).map(|i| i as f64 * 0.1 - 1.0).collect();
        let weights = Weights { parameters: &parameters, noise: None };
        let x = [1.0, 2.0, -1.0, 0.5, 0.0, 3.0];
        let mut workspace = layers.workspace((2, 3));
        layers.forward(weights, &x, &mut workspace);
        let mut inspection = Inspection::new();
        layers.inspect(&x, &workspace, &mut inspection);

        let [first, second] = &inspection.neurons[..] else { panic!("two layers of neurons") };
        let list = builder.parameters();
        let of = |name: &str, columns| kernel(list.get(name).unwrap().range.clone(), columns);
        assert_eq!(first.name(list), "hidden");
        assert_eq!(second.name(list), "hidden_1");
        assert_eq!(first.incoming, [of("hidden/kernel_mu", 2), of("hidden/kernel_sigma", 2)]);
        assert_eq!(first.outgoing, [of("hidden_1/kernel_mu", 2), of("hidden_1/kernel_sigma", 2)]);
        assert_eq!(second.incoming, first.outgoing);
        assert_eq!(second.outgoing, [of("head/kernel", 1)]);
        assert!(!first.is_read_elsewhere && !second.is_read_elsewhere);
        // The first layer by hand: mu (3, 2) from -1 in steps of a tenth, bias -0.4, -0.3.
        let hidden = |x: &[f64], column: usize| -> f64 {
            let sum: f64 = (0..3).map(|row| x[row] * parameters[2 * row + column]).sum();
            (sum + parameters[6 + column]).max(0.0)
        };
        for column in 0..2 {
            let mean = (hidden(&x[..3], column) + hidden(&x[3..], column)) / 2.0;
            assert!((first.activity[column] - mean).abs() < 1e-12);
        }
    }

    #[test]
    fn what_is_added_to_its_input_cannot_be_cut_off() {
        let mut builder = Builder::new();
        let mut dense = |name: &str| Dense::new(&mut builder, name, 2, 2, false);
        let block = Residual((dense("a"), Relu, dense("b")));
        let layers = (dense("before"), Relu, block, dense("after"), Relu, dense("head"));
        let parameters = vec![0.5; builder.parameters().len()];
        let x = [1.0, 2.0];
        let mut workspace = layers.workspace::<f64>((1, 2));
        layers.forward(Weights { parameters: &parameters, noise: None }, &x, &mut workspace);
        let mut inspection = Inspection::new();
        layers.inspect(&x, &workspace, &mut inspection);
        let names = inspection.neurons.iter().map(|neurons| neurons.name(builder.parameters()));
        assert_eq!(names.collect::<Vec<_>>(), ["before", "a", "after"]);
        let elsewhere = inspection.neurons.iter().map(|neurons| neurons.is_read_elsewhere);
        assert_eq!(elsewhere.collect::<Vec<_>>(), [true, false, false]);
        assert_eq!(inspection.neurons[0].outgoing, []);
        assert_eq!(inspection.neurons[1].outgoing.len(), 1);
    }
}
