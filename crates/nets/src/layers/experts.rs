//! The experts of a mixture: one small network each, all of one shape, side by side.

#[cfg(feature = "burn")]
mod device;

use crate::inspection::Kernel;
use crate::kernels::{self, Matrix, MatrixMut, affine, product};
use crate::layers::dense::{disjoint, noisy_laws};
use crate::{Builder, Inspection, Law, Scalar, Size, Weights};
use std::ops::Range;

/// The shape of an expert, apart from the width of its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpertSettings {
    /// Hidden width h.
    pub hidden: usize,
    /// Hidden layers beyond the first, each h -> h.
    pub extra_layers: usize,
    /// Whether the hidden layers are noisy. All experts and slots share one draw of the noise; the output layer
    /// is never noisy.
    pub noisy: bool,
}

/// n experts, each dense d -> h, ReLU, (dense h -> h, ReLU,)* dense h -> d.
///
/// Inputs and outputs of all experts lie interleaved, (rows, n, d): row r of expert e at `(r * n + e) * d`, so
/// that the slots of one sample are contiguous whoever's they are.
#[derive(Clone, Debug)]
pub struct Experts<N, D> {
    experts: N,
    width: D,
    hidden: usize,
    hidden_layers: Vec<HiddenLayer>,
    output: [Range<usize>; 2],
}

/// Where the parameters of a hidden layer lie: kernel (n, inputs, h), bias (n, h).
#[derive(Clone, Debug)]
struct HiddenLayer {
    inputs: usize,
    /// Kernel and bias: mu of a noisy layer.
    mu: [Range<usize>; 2],
    noisy: Option<Noisy>,
}

/// What a noisy layer has besides.
#[derive(Clone, Debug)]
struct Noisy {
    sigma: [Range<usize>; 2],
    eps: [Range<usize>; 2],
}

/// Buffers of [`Experts`].
#[derive(Clone, Debug)]
pub struct ExpertsTape<E> {
    rows: usize,
    /// Output (rows, n, d).
    y: Vec<E>,
    /// Gradient of the input (rows, n, d).
    dx: Vec<E>,
    hidden: Vec<HiddenTape<E>>,
}

/// Buffers of a hidden layer.
#[derive(Clone, Debug)]
struct HiddenTape<E> {
    /// Output after the ReLU, (n, rows, h), and its gradient.
    y: Vec<E>,
    dy: Vec<E>,
    /// Noisy: kernel and bias with their noise.
    kernel: Vec<E>,
    bias: Vec<E>,
}

impl<E: Scalar> ExpertsTape<E> {
    /// What hidden layer `layer` put out behind its ReLU in the last forward pass, (n, rows, h).
    ///
    /// # Panics
    /// If there are no more than `layer` hidden layers.
    pub fn hidden(&self, layer: usize) -> &[E] {
        &self.hidden[layer].y
    }
}

impl<N: Size, D: Size> Experts<N, D> {
    /// `experts` experts over tokens of `width`, as `<name>/hidden/{kernel,bias}` (noisy: `.._mu`, `.._sigma`),
    /// `<name>/hidden_1/..` and so on, and `<name>/output/{kernel,bias}`; each expert's kernels drawn for itself.
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
        let law = Law::xavier_uniform(hidden, d);
        let kernel = builder.parameter(format!("{name}/output/kernel"), &[n, hidden, d], law);
        let bias = builder.parameter(format!("{name}/output/bias"), &[n, d], Law::Constant(0.0));
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

    /// What the experts are, in words.
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

    /// Buffers for `rows` inputs of each expert.
    pub fn tape<E: Scalar>(&self, rows: usize) -> ExpertsTape<E> {
        let (n, d, h) = self.sizes();
        let hidden = self.hidden_layers.iter().map(|layer| {
            let noisy = |len| vec![E::ZERO; if layer.noisy.is_some() { len } else { 0 }];
            HiddenTape {
                y: vec![E::ZERO; n * rows * h],
                dy: vec![E::ZERO; n * rows * h],
                kernel: noisy(n * layer.inputs * h),
                bias: noisy(n * h),
            }
        });
        ExpertsTape {
            rows,
            y: vec![E::ZERO; rows * n * d],
            dx: vec![E::ZERO; rows * n * d],
            hidden: hidden.collect(),
        }
    }

    /// Applies each expert to its rows.
    ///
    /// # Shapes
    /// x: (rows, n, d) -> (rows, n, d)
    pub fn forward<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &[E],
        tape: &'t mut ExpertsTape<E>,
    ) -> &'t [E] {
        let (n, d, h) = self.sizes();
        let rows = tape.rows;
        for (index, layer) in self.hidden_layers.iter().enumerate() {
            let (before, rest) = tape.hidden.split_at_mut(index);
            let HiddenTape { y, kernel, bias, .. } = &mut rest[0];
            let (kernel, bias) = layer.weights(weights, kernel, bias, n, h);
            for e in 0..n {
                let x = layer_input(x, before, e, rows, [n, d, h]);
                let y = &mut y[e * rows * h..][..rows * h];
                let bias = &bias[e * h..][..h];
                let kernel = Matrix::new(&kernel[e * layer.inputs * h..], layer.inputs, h);
                affine(MatrixMut::new(y, rows, h), x, kernel, bias);
                kernels::relu_in_place(y);
            }
        }
        let [kernel, bias] = self.output.clone().map(|range| &weights.parameters[range]);
        for e in 0..n {
            let y = MatrixMut::strided(&mut tape.y[e * d..], [rows, d], [n * d, 1]);
            let hidden = layer_input(x, &tape.hidden, e, rows, [n, d, h]);
            affine(y, hidden, Matrix::new(&kernel[e * h * d..], h, d), &bias[e * d..][..d]);
        }
        &tape.y
    }

    /// The output of the last [`forward`](Self::forward), (rows, n, d).
    pub fn output<'t, E: Scalar>(&self, tape: &'t ExpertsTape<E>) -> &'t [E] {
        &tape.y
    }

    /// The gradient of the input that the last [`backward`](Self::backward) left, (rows, n, d).
    pub fn d_input<'t, E: Scalar>(&self, tape: &'t ExpertsTape<E>) -> &'t [E] {
        &tape.dx
    }

    /// Gradient with respect to `x`, from that with respect to the output; the parameters' go to `gradient`.
    ///
    /// # Shapes
    /// x, dy: (rows, n, d) -> (rows, n, d)
    pub fn backward<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &[E],
        dy: &[E],
        tape: &'t mut ExpertsTape<E>,
        gradient: &mut [E],
    ) -> &'t [E] {
        let (n, d, h) = self.sizes();
        let rows = tape.rows;
        let depth = self.hidden_layers.len();

        let [d_kernel, d_bias] = disjoint(gradient, [&self.output[0], &self.output[1]]);
        d_bias.fill(E::ZERO);
        kernels::add_row_sums(d_bias, dy);
        let kernel = &weights.parameters[self.output[0].clone()];
        for e in 0..n {
            let HiddenTape { y, dy: d_hidden, .. } = &mut tape.hidden[depth - 1];
            let y = Matrix::new(&y[e * rows * h..], rows, h);
            let dy = Matrix::strided(&dy[e * d..], [rows, d], [n * d, 1]);
            product(MatrixMut::new(&mut d_kernel[e * h * d..][..h * d], h, d), y.transposed(), dy, false);
            let kernel = Matrix::new(&kernel[e * h * d..], h, d).transposed();
            product(MatrixMut::new(&mut d_hidden[e * rows * h..], rows, h), dy, kernel, false);
        }
        for (index, layer) in self.hidden_layers.iter().enumerate().rev() {
            let (before, rest) = tape.hidden.split_at_mut(index);
            let HiddenTape { y, dy, kernel, .. } = &mut rest[0];
            let noisy = layer.noisy.as_ref().zip(weights.noise);
            let kernel = match noisy {
                Some(_) => &*kernel,
                None => &weights.parameters[layer.mu[0].clone()],
            };
            let [d_kernel, d_bias] = disjoint(gradient, [&layer.mu[0], &layer.mu[1]]);
            kernels::relu_backward_in_place(dy, y);
            d_bias.fill(E::ZERO);
            let size = layer.inputs * h;
            for e in 0..n {
                let dy = &dy[e * rows * h..][..rows * h];
                kernels::add_row_sums(&mut d_bias[e * h..][..h], dy);
                let dy = Matrix::new(dy, rows, h);
                let x = layer_input(x, before, e, rows, [n, d, h]).transposed();
                product(MatrixMut::new(&mut d_kernel[e * size..][..size], layer.inputs, h), x, dy, false);
                let dx = match before.last_mut() {
                    Some(before) => MatrixMut::new(&mut before.dy[e * rows * h..], rows, h),
                    None => MatrixMut::strided(&mut tape.dx[e * d..], [rows, d], [n * d, 1]),
                };
                product(dx, dy, Matrix::new(&kernel[e * size..], layer.inputs, h).transposed(), false);
            }
            layer.noise_backward(weights, gradient, n, h);
        }
        &tape.dx
    }

    /// Shows each expert's hidden neurons: a layer of their own for each expert.
    pub(crate) fn inspect<E: Scalar>(&self, tape: &ExpertsTape<E>, inspection: &mut Inspection) {
        let (n, d, h) = self.sizes();
        for e in 0..n {
            let of_expert = |range: &Range<usize>| {
                let len = range.len() / n;
                range.start + e * len..range.start + (e + 1) * len
            };
            let kernel = |range: &Range<usize>, columns| Kernel { range: of_expert(range), columns };
            inspection.branch(|inspection| {
                for (layer, HiddenTape { y, .. }) in self.hidden_layers.iter().zip(&tape.hidden) {
                    let sigma = layer.noisy.as_ref().map(|noisy| &noisy.sigma);
                    let parts = || std::iter::once(&layer.mu).chain(sigma);
                    let kernels: Vec<Kernel> = parts().map(|[weights, _]| kernel(weights, h)).collect();
                    let biases: Vec<Range<usize>> = parts().map(|[_, bias]| of_expert(bias)).collect();
                    inspection.weights(&kernels, &biases);
                    let of_expert = y.len() / n;
                    inspection.rectified(&y[e * of_expert..(e + 1) * of_expert]);
                }
                let [weights, bias] = &self.output;
                inspection.weights(&[kernel(weights, d)], &[of_expert(bias)]);
            });
        }
        inspection.end();
    }

    /// (n, d, h)
    fn sizes(&self) -> (usize, usize, usize) {
        (self.experts.size(), self.width.size(), self.hidden)
    }
}

/// The input of expert `e` to the layer behind `before`: its rows of `x`, or the hidden values before.
fn layer_input<'a, E>(
    x: &'a [E],
    before: &'a [HiddenTape<E>],
    e: usize,
    rows: usize,
    [n, d, h]: [usize; 3],
) -> Matrix<'a, E> {
    match before.last() {
        Some(before) => Matrix::new(&before.y[e * rows * h..], rows, h),
        None => Matrix::strided(&x[e * d..], [rows, d], [n * d, 1]),
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
            let mu = pair("", Law::xavier_uniform(inputs, h), Law::Constant(0.0));
            HiddenLayer { inputs, mu, noisy: None }
        }
    }

    /// The kernels and biases of all experts, with their noise where there is any.
    fn weights<'a, E: Scalar>(
        &self,
        weights: Weights<'a, E>,
        kernel: &'a mut [E],
        bias: &'a mut [E],
        n: usize,
        h: usize,
    ) -> (&'a [E], &'a [E]) {
        let of = |range: &Range<usize>| &weights.parameters[range.clone()];
        let [mu, b_mu] = [of(&self.mu[0]), of(&self.mu[1])];
        let Some((noisy, noise)) = self.noisy.as_ref().zip(weights.noise) else {
            return (mu, b_mu);
        };
        let [eps_in, eps_out] = noisy.eps.clone().map(|range| &noise[range]);
        let [sigma, b_sigma] = [of(&noisy.sigma[0]), of(&noisy.sigma[1])];
        let size = self.inputs * h;
        for e in 0..n {
            let (of_kernel, of_bias) = (e * size..(e + 1) * size, e * h..(e + 1) * h);
            let (mu, sigma) = (&mu[of_kernel.clone()], &sigma[of_kernel.clone()]);
            kernels::multiply_outer(&mut kernel[of_kernel], Some(mu), sigma, eps_in, eps_out);
            let (mu, sigma) = (&b_mu[of_bias.clone()], &b_sigma[of_bias.clone()]);
            kernels::multiply_outer(&mut bias[of_bias], Some(mu), sigma, &[E::ONE], eps_out);
        }
        (kernel, bias)
    }

    /// The gradient of sigma from that of mu.
    fn noise_backward<E: Scalar>(&self, weights: Weights<'_, E>, gradient: &mut [E], n: usize, h: usize) {
        let Some(noisy) = &self.noisy else { return };
        let ranges = [&self.mu[0], &self.mu[1], &noisy.sigma[0], &noisy.sigma[1]];
        let [d_mu, d_b_mu, d_sigma, d_b_sigma] = disjoint(gradient, ranges);
        let Some(noise) = weights.noise else {
            d_sigma.fill(E::ZERO);
            d_b_sigma.fill(E::ZERO);
            return;
        };
        let [eps_in, eps_out] = noisy.eps.clone().map(|range| &noise[range]);
        let size = self.inputs * h;
        for e in 0..n {
            let (of_kernel, of_bias) = (e * size..(e + 1) * size, e * h..(e + 1) * h);
            let d_sigma = &mut d_sigma[of_kernel.clone()];
            kernels::multiply_outer(d_sigma, None, &d_mu[of_kernel], eps_in, eps_out);
            let d_b_sigma = &mut d_b_sigma[of_bias.clone()];
            kernels::multiply_outer(d_b_sigma, None, &d_b_mu[of_bias], &[E::ONE], eps_out);
        }
    }
}
