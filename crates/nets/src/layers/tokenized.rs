//! One dense layer shared by all tokens, whose outputs are pooled.

#[cfg(feature = "burn")]
mod device;

use crate::kernels;
use crate::layers::dense::{Dense, DenseWorkspace};
use crate::layers::global_average_pool::{mean_of_rows, mean_of_rows_backward};
use crate::{Backward, Builder, Inspection, Layer, LayerDescription, Scalar, Size, Weights};
use std::ops::Range;

/// What becomes of a sample's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
}

/// Where the rectifier stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReluPlace {
    /// On every token, then they are pooled: the default of the experiments.
    BeforePooling,
    /// On the pooled tokens. With the mean that is [`GlobalAveragePool`](super::GlobalAveragePool) and a dense layer.
    AfterPooling,
}

/// What a [`Tokenized`] body is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenizedSettings {
    /// Sum or mean.
    pub pooling: Pooling,
    /// Before or after it.
    pub relu: ReluPlace,
    /// Whether the dense layer is noisy, with one draw for all tokens.
    pub noisy: bool,
}

/// The tokenized baseline: one dense layer for all tokens, a ReLU, and the sum or the mean over the tokens. No token
/// is mixed with another before they are pooled.
///
/// With tokens x_t, t = 1..m:
/// - y = sum or mean over t of relu(x_t W + b), or
/// - y = relu(sum or mean over t of (x_t W + b)), which is computed as c relu(mean over t of x_t W + b), c = m or 1
///
/// # Shapes
/// (batch, m, `D`) -> (batch, `Hidden`), for any number of tokens m
#[derive(Clone, Debug, PartialEq)]
pub struct Tokenized<D, Hidden> {
    settings: TokenizedSettings,
    dense: Dense<D, Hidden>,
    bias: Range<usize>,
    /// Noisy: where the bias's sigma lies, and its noise.
    sigma: Option<[Range<usize>; 2]>,
}

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

impl<D: Size, Hidden: Size> Tokenized<D, Hidden> {
    /// A body for tokens of width `width`, with the parameters of a [`Dense`] as `<name>/..`.
    pub fn new(
        builder: &mut Builder,
        name: &str,
        width: D,
        hidden: Hidden,
        settings: TokenizedSettings,
    ) -> Self {
        let dense = Dense::new(builder, name, width, hidden, settings.noisy);
        let range = |part: &str| {
            let bias = builder.parameters().get(&format!("{name}/{part}"));
            bias.expect("a dense layer has a bias").range.clone()
        };
        let (bias, sigma) = if settings.noisy {
            let noise = builder.noise().iter().find(|source| source.name == name);
            let eps = noise.expect("a noisy layer has noise").outputs.clone();
            (range("bias_mu"), Some([range("bias_sigma"), eps]))
        } else {
            (range("bias"), None)
        };
        Tokenized { settings, dense, bias, sigma }
    }

    /// Tokens of a sample that the dense layer sees.
    fn dense_tokens(&self, tokens: usize) -> usize {
        match self.settings.relu {
            ReluPlace::BeforePooling => tokens,
            ReluPlace::AfterPooling => 1,
        }
    }

    /// What the rectified outputs of the dense layer are multiplied with.
    fn scale<E: Scalar>(&self, tokens: usize) -> E {
        let tokens = E::from_f64(tokens as f64);
        match (self.settings.relu, self.settings.pooling) {
            (ReluPlace::BeforePooling, Pooling::Sum) | (ReluPlace::AfterPooling, Pooling::Mean) => E::ONE,
            (ReluPlace::BeforePooling, Pooling::Mean) => E::ONE / tokens,
            (ReluPlace::AfterPooling, Pooling::Sum) => tokens,
        }
    }
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

/// The gradient of [`pool_rectified`], and in `d_bias` that of a bias that was added to every row.
///
/// The rows of a sample that pass the ReLU all have the same gradient, so that the bias has it times their number.
/// Adding it up row by row would repeat the same rounding error as often. `active` holds a row.
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

    /// The pooled outputs are in proportion to the mean over the tokens: no rectified value is negative.
    fn inspect<E: Scalar>(&self, x: &[E], workspace: &TokenizedWorkspace<E>, inspection: &mut Inspection) {
        self.dense.inspect(x, &workspace.dense, inspection);
        inspection.rectified(&workspace.y);
    }
}
