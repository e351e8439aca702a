//! The CPU engine of the dense layers.

use super::{Dense, Linear, NoisyLinear};
use crate::inspection::Kernel;
use crate::kernels::{self, Matrix, MatrixMut, product};
use crate::layer::y_and_dx;
use crate::size::expect;
use crate::{Backward, Inspection, Layer, LayerDescription, Scalar, Size, Weights};
use std::ops::Range;

/// Buffers of a dense layer.
#[derive(Clone, Debug)]
pub struct DenseWorkspace<E> {
    y: Vec<E>,
    dx: Vec<E>,
    /// Noisy: the kernel with its noise (for one sample, in the backward pass alone).
    kernel: Vec<E>,
    /// Noisy: the bias with its noise.
    bias: Vec<E>,
    /// Noisy, one sample: x * eps_in, and its product with sigma.
    scaled: Vec<E>,
    noisy: Vec<E>,
}

impl<E: Scalar> DenseWorkspace<E> {
    fn new(batch: usize, inputs: usize, outputs: usize, noisy: bool) -> Self {
        let zeros = |len| vec![E::ZERO; len];
        let if_noisy = |len| zeros(if noisy { len } else { 0 });
        DenseWorkspace {
            y: zeros(batch * outputs),
            dx: zeros(batch * inputs),
            kernel: if_noisy(inputs * outputs),
            bias: if_noisy(outputs),
            scaled: if_noisy(inputs),
            noisy: if_noisy(outputs),
        }
    }
}

/// y = x kernel + bias.
fn affine<E: Scalar>(y: &mut [E], x: &[E], kernel: &[E], bias: &[E]) {
    let inputs = kernel.len() / bias.len();
    if x.len() == inputs {
        y.copy_from_slice(bias);
        kernels::vector_matrix(y, x, kernel);
    } else {
        let (batch, outputs) = (x.len() / inputs, bias.len());
        let (x, kernel) = (Matrix::new(x, batch, inputs), Matrix::new(kernel, inputs, outputs));
        kernels::affine(MatrixMut::new(y, batch, outputs), x, kernel, bias);
    }
}

/// The gradients of [`affine`].
fn affine_backward<E: Scalar>(
    dx: Option<&mut [E]>,
    d_kernel: &mut [E],
    d_bias: &mut [E],
    dy: &[E],
    x: &[E],
    kernel: &[E],
) {
    let outputs = d_bias.len();
    let (inputs, batch) = (d_kernel.len() / outputs, dy.len() / outputs);
    d_bias.fill(E::ZERO);
    kernels::add_row_sums(d_bias, dy);
    let dy = Matrix::new(dy, batch, outputs);
    product(MatrixMut::new(d_kernel, inputs, outputs), Matrix::new(x, batch, inputs).transposed(), dy, false);
    if let Some(dx) = dx {
        let kernel = Matrix::new(kernel, inputs, outputs).transposed();
        product(MatrixMut::new(dx, batch, inputs), dy, kernel, false);
    }
}

impl<I: Size, O: Size> NoisyLinear<I, O> {
    /// Computes the kernel and the bias with their noise, if there is any.
    fn draw<E: Scalar>(&self, weights: Weights<'_, E>, kernel: &mut [E], bias: &mut [E]) {
        let Some(noise) = weights.noise else { return };
        let of = |range: &Range<usize>| &weights.parameters[range.clone()];
        let [eps_in, eps_out] = [&noise[self.eps[0].clone()], &noise[self.eps[1].clone()]];
        kernels::multiply_outer(kernel, Some(of(&self.mu.kernel)), of(&self.sigma.kernel), eps_in, eps_out);
        kernels::multiply_outer(bias, Some(of(&self.mu.bias)), of(&self.sigma.bias), &[E::ONE], eps_out);
    }

    /// The gradient of sigma, from the gradient of mu.
    fn noise_backward<E: Scalar>(&self, weights: Weights<'_, E>, gradient: &mut [E]) {
        let ranges = [&self.mu.kernel, &self.mu.bias, &self.sigma.kernel, &self.sigma.bias];
        let [d_mu, d_b_mu, d_sigma, d_b_sigma] = disjoint(gradient, ranges);
        let Some(noise) = weights.noise else {
            d_sigma.fill(E::ZERO);
            d_b_sigma.fill(E::ZERO);
            return;
        };
        let [eps_in, eps_out] = [&noise[self.eps[0].clone()], &noise[self.eps[1].clone()]];
        kernels::multiply_outer(d_sigma, None, d_mu, eps_in, eps_out);
        kernels::multiply_outer(d_b_sigma, None, d_b_mu, &[E::ONE], eps_out);
    }
}

/// For a head that computes some of a dense layer's outputs.
impl<I: Size, O: Size> Dense<I, O> {
    /// The kernel and the bias, with noise if there is any. `draw` computes them in `workspace` first; otherwise they
    /// are as the last call left them.
    pub(crate) fn weights<'a, E: Scalar>(
        &self,
        weights: Weights<'a, E>,
        workspace: &'a mut DenseWorkspace<E>,
        draw: bool,
    ) -> (&'a [E], &'a [E]) {
        let [kernel, bias] = self.ranges();
        match self {
            Dense::Noisy(layer) if weights.noise.is_some() => {
                if draw {
                    layer.draw(weights, &mut workspace.kernel, &mut workspace.bias);
                }
                (&workspace.kernel, &workspace.bias)
            }
            _ => (&weights.parameters[kernel.clone()], &weights.parameters[bias.clone()]),
        }
    }

    /// The ranges of kernel and bias; of mu in a noisy layer.
    pub(crate) fn ranges(&self) -> [&Range<usize>; 2] {
        let (Dense::Plain(layer) | Dense::Noisy(NoisyLinear { mu: layer, .. })) = self;
        [&layer.kernel, &layer.bias]
    }

    /// The gradient of a noisy layer's sigma, from the gradient of its mu.
    pub(crate) fn noise_backward<E: Scalar>(&self, weights: Weights<'_, E>, gradient: &mut [E]) {
        if let Dense::Noisy(layer) = self {
            layer.noise_backward(weights, gradient);
        }
    }
}

/// The items of [`Layer`] that are the same for every dense layer.
macro_rules! dense_layer {
    () => {
        type Out = (usize, O);
        type Workspace<E: Scalar> = DenseWorkspace<E>;

        y_and_dx!();
    };
}

impl<I: Size, O: Size> Layer<(usize, I)> for Linear<I, O> {
    dense_layer!();

    fn output_shape(&self, (batch, inputs): (usize, I)) -> (usize, O) {
        expect("a dense layer's number of inputs", Some(self.inputs.size()), Some(inputs.size()));
        (batch, self.outputs)
    }

    fn describe(&self, input: (usize, I)) -> Vec<LayerDescription> {
        let (i, o) = (self.inputs.size(), self.outputs.size());
        vec![LayerDescription::new("dense", self.output_shape(input)).of((i + 1) * o, i * o)]
    }

    fn workspace<E: Scalar>(&self, input: (usize, I)) -> DenseWorkspace<E> {
        let (batch, outputs) = self.output_shape(input);
        DenseWorkspace::new(batch, self.inputs.size(), outputs.size(), false)
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        let parameters = weights.parameters;
        affine(&mut workspace.y, x, &parameters[self.kernel.clone()], &parameters[self.bias.clone()]);
    }

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { weights, x, dy, gradient, wants_dx } = pass;
        let [d_kernel, d_bias] = disjoint(gradient, [&self.kernel, &self.bias]);
        let dx = wants_dx.then_some(workspace.dx.as_mut_slice());
        affine_backward(dx, d_kernel, d_bias, dy, x, &weights.parameters[self.kernel.clone()]);
    }

    fn inspect<E: Scalar>(&self, _: &[E], _: &DenseWorkspace<E>, inspection: &mut Inspection) {
        let kernel = Kernel { range: self.kernel.clone(), columns: self.outputs.size() };
        inspection.weights(&[kernel], std::slice::from_ref(&self.bias));
    }
}

impl<I: Size, O: Size> Layer<(usize, I)> for NoisyLinear<I, O> {
    dense_layer!();

    fn output_shape(&self, input: (usize, I)) -> (usize, O) {
        self.mu.output_shape(input)
    }

    fn describe(&self, input: (usize, I)) -> Vec<LayerDescription> {
        let (i, o) = (self.mu.inputs.size(), self.mu.outputs.size());
        vec![LayerDescription::new("noisy dense", self.output_shape(input)).of(2 * (i + 1) * o, i * o)]
    }

    fn workspace<E: Scalar>(&self, input: (usize, I)) -> DenseWorkspace<E> {
        let (batch, outputs) = self.output_shape(input);
        DenseWorkspace::new(batch, self.mu.inputs.size(), outputs.size(), true)
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        let Some(noise) = weights.noise else {
            return self.mu.forward_into(weights, x, workspace);
        };
        let [eps_in, eps_out] = [&noise[self.eps[0].clone()], &noise[self.eps[1].clone()]];
        let parameters = weights.parameters;
        let [mu, b_mu] = [&parameters[self.mu.kernel.clone()], &parameters[self.mu.bias.clone()]];
        let [sigma, b_sigma] = [&parameters[self.sigma.kernel.clone()], &parameters[self.sigma.bias.clone()]];
        if x.len() == eps_in.len() {
            // One sample: x (sigma * eps_in eps_out^T) = ((x * eps_in) sigma) * eps_out moves less memory.
            kernels::multiply_outer(&mut workspace.bias, Some(b_mu), b_sigma, &[E::ONE], eps_out);
            affine(&mut workspace.y, x, mu, &workspace.bias);
            kernels::multiply_outer(&mut workspace.scaled, None, x, &[E::ONE], eps_in);
            workspace.noisy.fill(E::ZERO);
            kernels::vector_matrix(&mut workspace.noisy, &workspace.scaled, sigma);
            for ((y, &noisy), &eps) in workspace.y.iter_mut().zip(&workspace.noisy).zip(eps_out) {
                *y += noisy * eps;
            }
        } else {
            self.draw(weights, &mut workspace.kernel, &mut workspace.bias);
            affine(&mut workspace.y, x, &workspace.kernel, &workspace.bias);
        }
    }

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { weights, x, dy, gradient, wants_dx } = pass;
        let [d_mu, d_b_mu] = disjoint(gradient, [&self.mu.kernel, &self.mu.bias]);
        let dx = wants_dx.then_some(workspace.dx.as_mut_slice());
        let mut kernel = &weights.parameters[self.mu.kernel.clone()];
        if weights.noise.is_some() {
            if x.len() == self.mu.inputs.size() {
                // The forward pass of one sample did not need the noisy kernel.
                self.draw(weights, &mut workspace.kernel, &mut workspace.bias);
            }
            kernel = &workspace.kernel;
        }
        affine_backward(dx, d_mu, d_b_mu, dy, x, kernel);
        self.noise_backward(weights, gradient);
    }

    fn inspect<E: Scalar>(&self, _: &[E], _: &DenseWorkspace<E>, inspection: &mut Inspection) {
        let parts = [&self.mu, &self.sigma];
        let kernels = parts.map(|part| Kernel { range: part.kernel.clone(), columns: part.outputs.size() });
        inspection.weights(&kernels, &parts.map(|part| part.bias.clone()));
    }
}

impl<I: Size, O: Size> Layer<(usize, I)> for Dense<I, O> {
    dense_layer!();

    fn output_shape(&self, input: (usize, I)) -> (usize, O) {
        match self {
            Dense::Plain(layer) => layer.output_shape(input),
            Dense::Noisy(layer) => layer.output_shape(input),
        }
    }

    fn describe(&self, input: (usize, I)) -> Vec<LayerDescription> {
        match self {
            Dense::Plain(layer) => layer.describe(input),
            Dense::Noisy(layer) => layer.describe(input),
        }
    }

    fn workspace<E: Scalar>(&self, input: (usize, I)) -> DenseWorkspace<E> {
        match self {
            Dense::Plain(layer) => layer.workspace(input),
            Dense::Noisy(layer) => layer.workspace(input),
        }
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        match self {
            Dense::Plain(layer) => layer.forward_into(weights, x, workspace),
            Dense::Noisy(layer) => layer.forward_into(weights, x, workspace),
        }
    }

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        match self {
            Dense::Plain(layer) => layer.backward_into(pass, workspace),
            Dense::Noisy(layer) => layer.backward_into(pass, workspace),
        }
    }

    fn inspect<E: Scalar>(&self, x: &[E], workspace: &DenseWorkspace<E>, inspection: &mut Inspection) {
        match self {
            Dense::Plain(layer) => layer.inspect(x, workspace, inspection),
            Dense::Noisy(layer) => layer.inspect(x, workspace, inspection),
        }
    }
}

/// The ranges of `gradient`, to write to.
pub(crate) fn disjoint<'g, E, const N: usize>(
    gradient: &'g mut [E],
    ranges: [&Range<usize>; N],
) -> [&'g mut [E]; N] {
    gradient
        .get_disjoint_mut(ranges.map(Clone::clone))
        .expect("parameters do not overlap and end within the list")
}
