//! The CPU engine of the experts.
//!
//! Experts are computed block by block, from their slots to their outputs and back, so that hidden values are used
//! while the second cache holds them.

use super::{Experts, HiddenLayer};
use crate::inspection::Kernel;
use crate::kernels::{self, Matrix, MatrixMut, affine, affine_relu, product};
use crate::layers::dense::disjoint;
use crate::{Inspection, Scalar, Size, Weights};
use std::ops::Range;

/// The number of hidden values of a block, approximately: the second cache holds them.
const VALUES_AT_A_TIME: usize = 1 << 16;

/// Buffers of [`Experts`].
#[derive(Clone, Debug)]
pub struct ExpertsWorkspace<E> {
    rows: usize,
    /// Output (rows, n, d).
    y: Vec<E>,
    /// Gradient of the input (rows, n, d).
    dx: Vec<E>,
    /// Gradient of one expert's output kernel, transposed: (d, h). Hidden values need not be transposed for it.
    d_output: Vec<E>,
    hidden: Vec<HiddenWorkspace<E>>,
}

/// Buffers of a hidden layer.
#[derive(Clone, Debug)]
struct HiddenWorkspace<E> {
    /// Output after the ReLU, (n, rows, h).
    y: Vec<E>,
    /// The gradient of `y` for a block of one expert's rows.
    dy: Vec<E>,
    /// Noisy: kernel and bias with their noise.
    kernel: Vec<E>,
    bias: Vec<E>,
}

impl<E: Scalar> ExpertsWorkspace<E> {
    /// The output of hidden layer `layer` after its ReLU in the last forward pass, (n, rows, h).
    ///
    /// # Panics
    /// If there are no more than `layer` hidden layers.
    pub fn hidden(&self, layer: usize) -> &[E] {
        &self.hidden[layer].y
    }
}

impl<N: Size, D: Size> Experts<N, D> {
    /// Buffers for `rows` inputs of each expert.
    pub fn workspace<E: Scalar>(&self, rows: usize) -> ExpertsWorkspace<E> {
        let (n, d, h) = self.sizes();
        let hidden = self.hidden_layers.iter().map(|layer| {
            let noisy = |len| vec![E::ZERO; if layer.noisy.is_some() { len } else { 0 }];
            HiddenWorkspace {
                y: vec![E::ZERO; n * rows * h],
                dy: vec![E::ZERO; self.rows_at_a_time(rows) * h],
                kernel: noisy(n * layer.inputs * h),
                bias: noisy(n * h),
            }
        });
        ExpertsWorkspace {
            rows,
            y: vec![E::ZERO; rows * n * d],
            dx: vec![E::ZERO; rows * n * d],
            d_output: vec![E::ZERO; d * h],
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
        workspace: &'t mut ExpertsWorkspace<E>,
    ) -> &'t [E] {
        let (n, d, h) = self.sizes();
        let rows = workspace.rows;
        for (layer, hidden) in self.hidden_layers.iter().zip(&mut workspace.hidden) {
            layer.draw(weights, hidden, n, h);
        }
        let [kernel, bias] = self.output.clone().map(|range| &weights.parameters[range]);
        for (e, rows) in self.blocks(rows) {
            for (index, layer) in self.hidden_layers.iter().enumerate() {
                let (before, rest) = workspace.hidden.split_at_mut(index);
                let HiddenWorkspace { y, kernel, bias, .. } = &mut rest[0];
                let (kernel, bias) = layer.weights(weights, kernel, bias);
                let x = layer_input(x, before, e, rows.clone(), [n, d, h]);
                let y = &mut y[(e * workspace.rows + rows.start) * h..];
                let kernel = Matrix::new(&kernel[e * layer.inputs * h..], layer.inputs, h);
                affine_relu(MatrixMut::new(y, rows.len(), h), x, kernel, &bias[e * h..][..h]);
            }
            let hidden = layer_input(x, &workspace.hidden, e, rows.clone(), [n, d, h]);
            let y = &mut workspace.y[(rows.start * n + e) * d..];
            let y = MatrixMut::strided(y, [rows.len(), d], [n * d, 1]);
            affine(y, hidden, Matrix::new(&kernel[e * h * d..], h, d), &bias[e * d..][..d]);
        }
        &workspace.y
    }

    /// The output of the last [`forward`](Self::forward), (rows, n, d).
    pub fn output<'t, E: Scalar>(&self, workspace: &'t ExpertsWorkspace<E>) -> &'t [E] {
        &workspace.y
    }

    /// The gradient of the input that the last [`backward`](Self::backward) left, (rows, n, d).
    pub fn d_input<'t, E: Scalar>(&self, workspace: &'t ExpertsWorkspace<E>) -> &'t [E] {
        &workspace.dx
    }

    /// The gradient with respect to `x`, from the gradient with respect to the output. Writes the gradients of the
    /// parameters to `gradient`.
    ///
    /// # Shapes
    /// x, dy: (rows, n, d) -> (rows, n, d)
    pub fn backward<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &[E],
        dy: &[E],
        workspace: &'t mut ExpertsWorkspace<E>,
        gradient: &mut [E],
    ) -> &'t [E] {
        let (n, _, h) = self.sizes();
        let d_bias = &mut gradient[self.output[1].clone()];
        d_bias.fill(E::ZERO);
        kernels::add_row_sums(d_bias, dy);
        for layer in &self.hidden_layers {
            gradient[layer.mu[1].clone()].fill(E::ZERO);
        }
        for (e, rows) in self.blocks(workspace.rows) {
            self.block_backward((e, rows), weights, x, dy, workspace, gradient);
        }
        for layer in &self.hidden_layers {
            layer.noise_backward(weights, gradient, n, h);
        }
        &workspace.dx
    }

    /// The gradients of a block of rows of expert `e`, except the output's bias and the noise.
    fn block_backward<E: Scalar>(
        &self,
        (e, rows): (usize, Range<usize>),
        weights: Weights<'_, E>,
        x: &[E],
        dy: &[E],
        workspace: &mut ExpertsWorkspace<E>,
        gradient: &mut [E],
    ) {
        let (n, d, h) = self.sizes();
        let (len, accumulate) = (rows.len(), rows.start > 0);
        let place = (rows.start * n + e) * d;

        let last = workspace.hidden.len() - 1;
        let kernel = &weights.parameters[self.output[0].clone()][e * h * d..][..h * d];
        let dy = Matrix::strided(&dy[place..], [len, d], [n * d, 1]);
        let y = layer_input(x, &workspace.hidden, e, rows.clone(), [n, d, h]);
        product(MatrixMut::new(&mut workspace.d_output, d, h), dy.transposed(), y, accumulate);
        if rows.end == workspace.rows {
            let d_kernel = &mut gradient[self.output[0].clone()][e * h * d..][..h * d];
            kernels::transpose(d_kernel, &workspace.d_output, h);
        }
        let d_hidden = MatrixMut::new(&mut workspace.hidden[last].dy, len, h);
        product(d_hidden, dy, Matrix::new(kernel, h, d).transposed(), false);

        for (index, layer) in self.hidden_layers.iter().enumerate().rev() {
            let (before, rest) = workspace.hidden.split_at_mut(index);
            let HiddenWorkspace { y, dy, kernel, bias } = &mut rest[0];
            let (kernel, _) = layer.weights(weights, kernel, bias);
            let [d_kernel, d_bias] = disjoint(gradient, [&layer.mu[0], &layer.mu[1]]);
            let size = layer.inputs * h;
            let dy = &mut dy[..len * h];
            let y = &y[(e * workspace.rows + rows.start) * h..][..len * h];
            kernels::relu_backward_with_row_sums(dy, y, &mut d_bias[e * h..][..h]);
            let dy = Matrix::new(dy, len, h);
            let x = layer_input(x, before, e, rows.clone(), [n, d, h]).transposed();
            product(MatrixMut::new(&mut d_kernel[e * size..][..size], layer.inputs, h), x, dy, accumulate);
            let dx = match before.last_mut() {
                Some(before) => MatrixMut::new(&mut before.dy, len, h),
                None => MatrixMut::strided(&mut workspace.dx[place..], [len, d], [n * d, 1]),
            };
            product(dx, dy, Matrix::new(&kernel[e * size..], layer.inputs, h).transposed(), false);
        }
    }

    /// Shows each expert's hidden neurons: a layer of their own for each expert.
    pub(crate) fn inspect<E: Scalar>(&self, workspace: &ExpertsWorkspace<E>, inspection: &mut Inspection) {
        let (n, d, h) = self.sizes();
        for e in 0..n {
            let of_expert = |range: &Range<usize>| {
                let len = range.len() / n;
                range.start + e * len..range.start + (e + 1) * len
            };
            let kernel = |range: &Range<usize>, columns| Kernel { range: of_expert(range), columns };
            inspection.branch(|inspection| {
                for (layer, HiddenWorkspace { y, .. }) in self.hidden_layers.iter().zip(&workspace.hidden) {
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

    /// Each expert and each block of its rows.
    fn blocks(&self, rows: usize) -> impl Iterator<Item = (usize, Range<usize>)> + use<N, D> {
        let at_a_time = self.rows_at_a_time(rows).max(1);
        let blocks =
            move |e| (0..rows).step_by(at_a_time).map(move |row| (e, row..rows.min(row + at_a_time)));
        (0..self.experts.size()).flat_map(blocks)
    }

    /// Rows in a block: blocks of about one size, and of whole tiles.
    fn rows_at_a_time(&self, rows: usize) -> usize {
        const TILES: usize = 24;
        let blocks = (rows * self.hidden).div_ceil(VALUES_AT_A_TIME).max(1);
        rows.div_ceil(blocks).next_multiple_of(TILES).min(rows)
    }
}

/// Some rows of the input of expert `e` to the layer after `before`: rows of the last hidden values, or of `x`.
fn layer_input<'a, E>(
    x: &'a [E],
    before: &'a [HiddenWorkspace<E>],
    e: usize,
    rows: Range<usize>,
    [n, d, h]: [usize; 3],
) -> Matrix<'a, E> {
    match before.last() {
        Some(before) => {
            let of_expert = before.y.len() / n;
            Matrix::new(&before.y[e * of_expert + rows.start * h..], rows.len(), h)
        }
        None => Matrix::strided(&x[(rows.start * n + e) * d..], [rows.len(), d], [n * d, 1]),
    }
}

impl HiddenLayer {
    /// Computes the kernels and biases of all experts with their noise, if there is any.
    fn draw<E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        workspace: &mut HiddenWorkspace<E>,
        n: usize,
        h: usize,
    ) {
        let Some((noisy, noise)) = self.noisy.as_ref().zip(weights.noise) else { return };
        let of = |range: &Range<usize>| &weights.parameters[range.clone()];
        let [mu, b_mu] = [of(&self.mu[0]), of(&self.mu[1])];
        let [sigma, b_sigma] = [of(&noisy.sigma[0]), of(&noisy.sigma[1])];
        let [eps_in, eps_out] = noisy.eps.clone().map(|range| &noise[range]);
        let size = self.inputs * h;
        for e in 0..n {
            let (of_kernel, of_bias) = (e * size..(e + 1) * size, e * h..(e + 1) * h);
            let (mu, sigma) = (&mu[of_kernel.clone()], &sigma[of_kernel.clone()]);
            kernels::multiply_outer(&mut workspace.kernel[of_kernel], Some(mu), sigma, eps_in, eps_out);
            let (mu, sigma) = (&b_mu[of_bias.clone()], &b_sigma[of_bias.clone()]);
            kernels::multiply_outer(&mut workspace.bias[of_bias], Some(mu), sigma, &[E::ONE], eps_out);
        }
    }

    /// The kernels and biases of all experts: with noise, as the last [`draw`](Self::draw) left them.
    fn weights<'a, E: Scalar>(
        &self,
        weights: Weights<'a, E>,
        kernel: &'a [E],
        bias: &'a [E],
    ) -> (&'a [E], &'a [E]) {
        match self.noisy.is_some() && weights.noise.is_some() {
            true => (kernel, bias),
            false => {
                let [kernel, bias] = &self.mu;
                (&weights.parameters[kernel.clone()], &weights.parameters[bias.clone()])
            }
        }
    }

    /// The gradient of sigma, from the gradient of mu.
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

#[cfg(test)]
mod tests {
    use super::{Experts, VALUES_AT_A_TIME};
    use crate::ExpertSettings;
    use crate::{Builder, Weights};
    use rand::{RngExt, SeedableRng};

    /// Rows are independent, so a gradient is the sum of the gradients of parts, each small enough for one block.
    #[test]
    fn blocks_of_rows_equal_experts_on_parts_of_the_rows() {
        const ROWS: usize = 300;
        const AT_A_TIME: usize = 100;
        let [n, d, hidden] = [2, 3, 512];
        let mut builder = Builder::new();
        let settings = ExpertSettings { hidden, extra_layers: 1, noisy: true };
        let experts = Experts::new(&mut builder, "experts", n, d, settings);
        let blocks = |rows| experts.blocks(rows).count();
        assert_eq!((blocks(ROWS), blocks(AT_A_TIME), ROWS * hidden / VALUES_AT_A_TIME), (3 * n, n, 2));

        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1);
        let mut random = |len: usize| -> Vec<f64> { (0..len).map(|_| rng.random_range(-1.0..1.0)).collect() };
        let (parameters, noise) = (random(builder.parameters().len()), random(builder.noise().len()));
        let (x, dy) = (random(ROWS * n * d), random(ROWS * n * d));
        let weights = Weights { parameters: &parameters, noise: Some(&noise) };
        let pass = |x: &[f64], dy: &[f64]| {
            let mut workspace = experts.workspace(x.len() / (n * d));
            let mut gradient = vec![f64::NAN; parameters.len()];
            let y = experts.forward(weights, x, &mut workspace).to_vec();
            let dx = experts.backward(weights, x, dy, &mut workspace, &mut gradient).to_vec();
            (y, dx, gradient)
        };

        let (y, dx, gradient) = pass(&x, &dy);
        let part = AT_A_TIME * n * d;
        let (mut want_y, mut want_dx, mut want_gradient) = (vec![], vec![], vec![0.0; parameters.len()]);
        for (x, dy) in x.chunks(part).zip(dy.chunks(part)) {
            let (y, dx, gradient) = pass(x, dy);
            want_y.extend(y);
            want_dx.extend(dx);
            want_gradient.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum += gradient);
        }
        let all = |y: Vec<f64>, dx: Vec<f64>, gradient: Vec<f64>| [y, dx, gradient].concat();
        for (got, want) in all(y, dx, gradient).iter().zip(all(want_y, want_dx, want_gradient)) {
            assert!((got - want).abs() <= 1e-9 * want.abs().max(1.0), "{got}, should be {want}");
        }
    }
}
