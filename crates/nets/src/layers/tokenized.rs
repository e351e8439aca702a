//! The tokenized baseline: one dense layer for all tokens, whose outputs are pooled.
//!
//! This file is the definition; [`cpu`] has the CPU engine's passes.

mod cpu;

pub use cpu::TokenizedWorkspace;

#[cfg(feature = "burn")]
use crate::device::prelude::*;
use crate::layers::dense::Dense;
use crate::{Builder, Scalar, Size};
use std::ops::Range;

/// How the tokens of a sample are pooled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
}

/// The place of the rectifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReluPlace {
    /// Before the pooling, on every token: the default of the experiments.
    BeforePooling,
    /// After the pooling. With the mean, this is [`GlobalAveragePool`](super::GlobalAveragePool) and a dense layer.
    AfterPooling,
}

/// The settings of a [`Tokenized`] body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenizedSettings {
    /// Sum or mean.
    pub pooling: Pooling,
    /// Before or after the pooling.
    pub relu: ReluPlace,
    /// Whether the dense layer is noisy, with one draw for all tokens.
    pub noisy: bool,
}

/// The tokenized baseline: one dense layer for all tokens, a ReLU, and the sum or the mean over the tokens. Tokens do
/// not mix before the pooling.
///
/// With tokens x_t, t = 1..m:
/// - y = sum or mean over t of relu(x_t W + b), or
/// - y = relu(sum or mean over t of (x_t W + b)), computed as c relu(mean over t of x_t W + b) with c = m or 1
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

#[cfg(feature = "burn")]
impl<M: Size, D: Size, Hidden: Size> DeviceLayer<(usize, M, D)> for Tokenized<D, Hidden> {
    same_shapes!((usize, M, D));

    /// The definition, on burn's tensors. Tests compare the CPU engine with it.
    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 3>) -> Tensor<B, 2> {
        let [batch, tokens, width] = x.dims();
        let x = match self.settings.relu {
            ReluPlace::BeforePooling => x.reshape([batch * tokens, width]),
            ReluPlace::AfterPooling => x.mean_dim(1).squeeze_dim(1),
        };
        pooled(relu(self.dense.forward_on(weights, x)), batch, self.scale(tokens))
    }
}

/// `scale` times the sum over each sample's rows.
///
/// # Shapes
/// (batch rows, columns) -> (batch, columns)
#[cfg(feature = "burn")]
fn pooled<B: Backend>(x: Tensor<B, 2>, batch: usize, scale: f32) -> Tensor<B, 2> {
    let [rows, columns] = x.dims();
    x.reshape([batch, rows / batch, columns]).sum_dim(1).squeeze_dim(1).mul_scalar(scale)
}

impl<D: Size, Hidden: Size> Tokenized<D, Hidden> {
    /// A body for tokens of width `width`, with the parameters `<name>/..` of a [`Dense`].
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

    /// The number of tokens of a sample that the dense layer sees.
    fn dense_tokens(&self, tokens: usize) -> usize {
        match self.settings.relu {
            ReluPlace::BeforePooling => tokens,
            ReluPlace::AfterPooling => 1,
        }
    }

    /// The factor of the sum of the rectified outputs.
    fn scale<E: Scalar>(&self, tokens: usize) -> E {
        let tokens = E::from_f64(tokens as f64);
        match (self.settings.relu, self.settings.pooling) {
            (ReluPlace::BeforePooling, Pooling::Sum) | (ReluPlace::AfterPooling, Pooling::Mean) => E::ONE,
            (ReluPlace::BeforePooling, Pooling::Mean) => E::ONE / tokens,
            (ReluPlace::AfterPooling, Pooling::Sum) => tokens,
        }
    }
}
