//! The CPU engine of the tokenized baseline.

use super::{Pooling, ReluPlace, Tokenized, TokenizedSettings};
use crate::kernels;
use crate::layers::dense::DenseWorkspace;
use crate::layers::global_average_pool::{mean_of_rows, mean_of_rows_backward};
use crate::{Backward, Inspection, Layer, LayerDescription, Scalar, Size, Weights};

/// Buffers of a [`Tokenized`].
#[derive(Clone, Debug)]
pub struct TokenizedWorkspace<E> {
    /// (m, width, hidden)
    sizes: [usize; 3],
    /// Of every token, or of the mean token if the ReLU stands after the pooling.
    dense: DenseWorkspace<E>,
    /// Gradient of the dense layer's output, and of its bias.
    d_hidden: Vec<E>,
    d_bias: Vec<E>,
    /// Tokens of a sample that pass the ReLU, for each hidden unit.
    active: Vec<E>,
    y: Vec<E>,
    /// ReLU after pooling: the mean token, (batch, d).
    mean: Vec<E>,
    /// ReLU after pooling: (batch, m, d).
    dx: Vec<E>,
}

/// y = `scale` times the sum over rows of max(x, 0), for each sample.
///
/// # Shapes
/// y: (batch, columns); x: (batch, rows, columns)
fn pool_rectified<E: Scalar>(y: &mut [E], x: &[E], columns: usize, scale: E) {
    let rows = x.len() / y.len();
    kernels::vectorised(
        #[inline(always)]
        || {
            for (y, x) in y.chunks_exact_mut(columns).zip(x.chunks_exact(rows * columns)) {
                y.fill(E::ZERO);
                for x in x.chunks_exact(columns) {
                    for (y, &x) in y.iter_mut().zip(x) {
                        *y += if x > E::ZERO { x } else { E::ZERO };
                    }
                }
                for y in y.iter_mut() {
                    *y *= scale;
                }
            }
        },
    );
}

/// The gradient of [`pool_rectified`], and in `d_bias` the gradient of a bias that was added to every row.
///
/// All rows of a sample that pass the ReLU have the same gradient, so the bias has their number times this gradient. A
/// sum row by row would repeat one rounding error as often. `active` holds a row.
fn pool_rectified_backward<E: Scalar>([dx, d_bias, active]: [&mut [E]; 3], dy: &[E], x: &[E], scale: E) {
    let columns = d_bias.len();
    let rows = x.len() / dy.len();
    d_bias.fill(E::ZERO);
    kernels::vectorised(
        #[inline(always)]
        || {
            let samples = dy.chunks_exact(columns).zip(x.chunks_exact(rows * columns));
            for (dx, (dy, x)) in dx.chunks_exact_mut(rows * columns).zip(samples) {
                active.fill(E::ZERO);
                for (dx, x) in dx.chunks_exact_mut(columns).zip(x.chunks_exact(columns)) {
                    for (((dx, &dy), &x), active) in dx.iter_mut().zip(dy).zip(x).zip(active.iter_mut()) {
                        let passes = x > E::ZERO;
                        *dx = if passes { dy * scale } else { E::ZERO };
                        *active += if passes { E::ONE } else { E::ZERO };
                    }
                }
                for ((d_bias, &dy), &active) in d_bias.iter_mut().zip(dy).zip(active.iter()) {
                    *d_bias += dy * scale * active;
                }
            }
        },
    );
}

impl<M: Size, D: Size, Hidden: Size> Layer<(usize, M, D)> for Tokenized<D, Hidden> {
    type Out = (usize, Hidden);
    type Workspace<E: Scalar> = TokenizedWorkspace<E>;

    fn output_shape(&self, (batch, _, width): (usize, M, D)) -> (usize, Hidden) {
        self.dense.output_shape((batch, width))
    }

    fn describe(&self, input: (usize, M, D)) -> Vec<LayerDescription> {
        let (batch, tokens, width) = input;
        let [dense] = &self.dense.describe((batch, width))[..] else { unreachable!("one dense layer") };
        let TokenizedSettings { pooling, relu, noisy } = self.settings;
        let pooling = match pooling {
            Pooling::Sum => "sum",
            Pooling::Mean => "mean",
        };
        let order = match relu {
            ReluPlace::BeforePooling => format!("ReLU, {pooling}"),
            ReluPlace::AfterPooling => format!("{pooling}, ReLU"),
        };
        let noisy = if noisy { "noisy " } else { "" };
        let row =
            LayerDescription::new(format!("tokenized: {noisy}dense, {order}"), self.output_shape(input));
        vec![row.of(dense.parameters, self.dense_tokens(tokens.size()) * dense.multiply_adds)]
    }

    fn workspace<E: Scalar>(&self, input: (usize, M, D)) -> TokenizedWorkspace<E> {
        let (batch, hidden) = self.output_shape(input);
        let sizes = [input.1.size(), input.2.size(), hidden.size()];
        let [tokens, width, hidden] = sizes;
        let dense_tokens = batch * self.dense_tokens(tokens);
        let zeros = |len| vec![E::ZERO; len];
        let if_after = |len| zeros(if self.settings.relu == ReluPlace::AfterPooling { len } else { 0 });
        TokenizedWorkspace {
            sizes,
            dense: self.dense.workspace((dense_tokens, input.2)),
            d_hidden: zeros(dense_tokens * hidden),
            d_bias: zeros(hidden),
            active: zeros(hidden),
            y: zeros(batch * hidden),
            mean: if_after(batch * width),
            dx: if_after(batch * tokens * width),
        }
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        let [tokens, width, hidden] = workspace.sizes;
        let x = match self.settings.relu {
            ReluPlace::BeforePooling => x,
            ReluPlace::AfterPooling => {
                mean_of_rows(&mut workspace.mean, x, width);
                &workspace.mean
            }
        };
        let outputs = self.dense.forward(weights, x, &mut workspace.dense);
        pool_rectified(&mut workspace.y, outputs, hidden, self.scale(tokens));
    }

    fn output<'t, E: Scalar>(&self, _: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E] {
        &workspace.y
    }

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { weights, x, dy, gradient, wants_dx } = pass;
        let [tokens, width, _] = workspace.sizes;
        let x = match self.settings.relu {
            ReluPlace::BeforePooling => x,
            ReluPlace::AfterPooling => &workspace.mean,
        };
        let outputs = self.dense.output(x, &workspace.dense);
        let buffers = [workspace.d_hidden.as_mut_slice(), &mut workspace.d_bias, &mut workspace.active];
        pool_rectified_backward(buffers, dy, outputs, self.scale(tokens));
        let dx =
            self.dense.backward(weights, x, &workspace.d_hidden, &mut workspace.dense, gradient, wants_dx);
        gradient[self.bias.clone()].copy_from_slice(&workspace.d_bias);
        if let (Some([sigma, eps]), Some(noise)) = (&self.sigma, weights.noise) {
            let d_sigma = gradient[sigma.clone()].iter_mut().zip(&workspace.d_bias);
            d_sigma.zip(&noise[eps.clone()]).for_each(|((d_sigma, &d_bias), &eps)| *d_sigma = d_bias * eps);
        }
        if wants_dx && self.settings.relu == ReluPlace::AfterPooling {
            mean_of_rows_backward(&mut workspace.dx, dx, width);
        }
    }

    fn d_input<'t, E: Scalar>(&self, dy: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E] {
        match self.settings.relu {
            ReluPlace::BeforePooling => self.dense.d_input(dy, &workspace.dense),
            ReluPlace::AfterPooling => &workspace.dx,
        }
    }

    /// The pooled outputs are proportional to the mean over the tokens, because no rectified value is negative.
    fn inspect<E: Scalar>(&self, x: &[E], workspace: &TokenizedWorkspace<E>, inspection: &mut Inspection) {
        self.dense.inspect(x, &workspace.dense, inspection);
        inspection.rectified(&workspace.y);
    }
}
