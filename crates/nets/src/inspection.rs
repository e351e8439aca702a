//! What a forward pass left to be seen: which neurons were active, what the head read, how a mixture mixed.
//!
//! Layers show themselves in their order ([`Layer::inspect`](crate::Layer::inspect)), and an [`Inspection`] puts
//! together what belongs together: the weights in front of a rectifier and those behind it are the weights of the same
//! neurons.

use crate::{ParameterList, Scalar};
use std::ops::Range;

/// A matrix among a network's parameters, row-major, one row an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Where it lies in the flat buffer.
    pub range: Range<usize>,
    /// Its columns, one an output.
    pub columns: usize,
}

/// A layer of neurons: the outputs of a layer of weights that a rectifier follows. A convolution has one for each
/// channel, a mixture a layer for each expert.
#[derive(Clone, Debug, PartialEq)]
pub struct Neurons {
    /// Mean of |h| of each neuron over the batch, and over what else shares its weights: positions, tokens, slots.
    pub activity: Vec<f64>,
    /// The kernels whose columns lead to the neurons: mu, then sigma of a noisy layer.
    pub incoming: Vec<Kernel>,
    /// Their biases: mu, then sigma of a noisy layer.
    pub biases: Vec<Range<usize>>,
    /// The kernels that read the neurons: row r is of neuron r modulo their number, as a flattened feature map has it.
    pub outgoing: Vec<Kernel>,
    /// Whether something else reads the neurons besides `outgoing`, so that they cannot be cut off by weights.
    pub is_read_elsewhere: bool,
}

impl Neurons {
    /// The name of the layer in front of the rectifier, e.g. `encoder`; that of expert 0 is `soft_moe/experts/hidden/0`.
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

/// What the head read: the penultimate activations.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Features of a sample.
    pub width: usize,
    /// (batch, width)
    pub values: Vec<f64>,
}

/// How a mixture mixed.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// Number of experts n.
    pub experts: usize,
    /// Slots p of each that a token is combined of; 1 where a router gives each expert one probability.
    pub slots: usize,
    /// The weights that each token's output is combined with, (batch x tokens, n, p): rows sum to one. Of experts that
    /// are chosen, the router's probabilities.
    pub combine: Vec<f64>,
    /// Width d of a token.
    pub width: usize,
    /// Slots of a sample, of all experts together.
    pub inputs_per_sample: usize,
    /// What went into the experts, (batch, inputs of a sample, d). A slot that no token took is zero.
    pub inputs: Vec<f64>,
}

/// What the layers of a network have shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inspection {
    /// The layers of neurons, in order.
    pub neurons: Vec<Neurons>,
    /// What the head read.
    pub features: Option<Features>,
    /// The mixtures, in order.
    pub mixtures: Vec<Mixture>,
    /// The layers of neurons that the next layer reads.
    read: Vec<usize>,
    /// Weights that no rectifier has followed yet.
    weights: Option<Neurons>,
}

/// The numbers in double precision.
pub(crate) fn doubles<E: Scalar>(values: &[E]) -> Vec<f64> {
    values.iter().map(|value| value.to_f64()).collect()
}

impl Inspection {
    /// Nothing was shown yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A layer of weights: `kernels` that read what came before (mu, then sigma), and their `biases`.
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

    /// A kernel that reads what came before, with others beside it.
    pub fn reader(&mut self, kernel: Kernel) {
        for &layer in &self.read {
            self.neurons[layer].outgoing.push(kernel.clone());
        }
    }

    /// A rectifier's output, or what it is in proportion to, (.., neurons). Behind anything but weights it shows
    /// nothing.
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

    /// One of several things that read what came before.
    pub fn branch(&mut self, inspect: impl FnOnce(&mut Self)) {
        let read = self.read.clone();
        inspect(self);
        self.weights = None;
        self.read = read;
    }

    /// Everything that reads what came before has been shown, and what follows reads none of it neuron by neuron.
    pub fn end(&mut self) {
        self.read.clear();
        self.weights = None;
    }

    /// What came before is read by something that cannot be shown.
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
