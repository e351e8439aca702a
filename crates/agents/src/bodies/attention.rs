//! Tokens that attend to each other, without heads or normalisation (Vaswani et al. 2017, equation 1).

use super::{BodySizes, DeviceBody};
use burn_tensor::activation::softmax;
use burn_tensor::{Tensor, backend::Backend};
use softmoe_nets::device::{DeviceWeights, tokens_times};
use softmoe_nets::{Builder, Initializer};
use std::ops::Range;

/// Self-attention over tokens: each layer computes x + softmax(x Q (x K)^T / sqrt(h)) x V, with Q, K: (d, h) and V: (d,
/// d).
pub struct Attention {
    sizes: BodySizes,
    layers: Vec<[Range<usize>; 3]>,
}

impl Attention {
    /// Names the matrices of every layer: their shapes, and what they are drawn from.
    pub fn new(builder: &mut Builder, sizes: BodySizes, layers: usize) -> Self {
        let BodySizes { width, hidden, .. } = sizes;
        let mut matrix = |name: String, columns| {
            builder.parameter(name, &[width, columns], Initializer::lecun_normal(width))
        };
        let matrices = [("query", hidden), ("key", hidden), ("value", width)];
        let layer = |i| matrices.map(|(name, columns)| matrix(format!("attention_{i}/{name}"), columns));
        Attention { sizes, layers: (0..layers).map(layer).collect() }
    }
}

impl DeviceBody for Attention {
    fn outputs(&self) -> usize {
        self.sizes.tokens * self.sizes.width
    }

    fn forward<B: Backend>(&self, weights: &DeviceWeights<B>, tokens: Tensor<B, 3>) -> Tensor<B, 2> {
        let BodySizes { width, hidden, .. } = self.sizes;
        let attend = |x: Tensor<B, 3>, [query, key, value]: &[Range<usize>; 3]| {
            let times = |range, columns| tokens_times(x.clone(), weights.parameter(range, [width, columns]));
            let logits = times(query, hidden).matmul(times(key, hidden).transpose());
            x.clone() + softmax(logits.div_scalar((hidden as f32).sqrt()), 2).matmul(times(value, width))
        };
        self.layers.iter().fold(tokens, attend).flatten(1, 2)
    }
}
