//! Tokens of a feature map whose values are shuffled.

#[cfg(feature = "burn")]
mod device;

use crate::layer::y_and_dx;
use crate::permutation::Permutation;
use crate::size::{expect, product};
use crate::{Backward, Layer, LayerDescription, Scalar, Size, Weights};

/// Shuffled tokens: [`PerConv`](super::PerConv) tokens of a feature map after a fixed permutation of all its values,
/// across positions and channels.
///
/// The paper does not specify its permutation. A permutation of whole tokens would change nothing, because a mixture's
/// outputs move with its tokens.
///
/// # Shapes
/// (batch, height, width, channels) -> (batch, `TOKENS` = height x width, channels)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shuffled<Tokens> {
    tokens: Tokens,
    permutation: Permutation,
}

/// Buffers of a [`Shuffled`].
#[derive(Clone, Debug)]
pub struct ShuffledWorkspace<E> {
    y: Vec<E>,
    dx: Vec<E>,
}

impl<Tokens: Size> Shuffled<Tokens> {
    /// `tokens` tokens of a map whose values, (height, width, channels), `permutation` moves.
    pub fn new(tokens: Tokens, permutation: Permutation) -> Self {
        Shuffled { tokens, permutation }
    }

    /// The permutation of the values. It is no parameter, so it has to be stored beside the weights.
    pub fn permutation(&self) -> &Permutation {
        &self.permutation
    }
}

impl<Tokens: Size, H: Size, W: Size, C: Size> Layer<(usize, H, W, C)> for Shuffled<Tokens> {
    type Out = (usize, Tokens, C);
    type Workspace<E: Scalar> = ShuffledWorkspace<E>;

    fn output_shape(&self, (batch, height, width, channels): (usize, H, W, C)) -> Self::Out {
        const { expect("Shuffled's number of tokens", Tokens::STATIC, product(&[H::STATIC, W::STATIC])) }
        let positions = height.size() * width.size();
        expect("Shuffled's number of tokens", Some(self.tokens.size()), Some(positions));
        let values = positions * channels.size();
        expect("the length of Shuffled's permutation", Some(self.permutation.len()), Some(values));
        (batch, self.tokens, channels)
    }

    fn describe(&self, input: (usize, H, W, C)) -> Vec<LayerDescription> {
        vec![LayerDescription::new("Shuffled", self.output_shape(input))]
    }

    fn workspace<E: Scalar>(&self, input: (usize, H, W, C)) -> ShuffledWorkspace<E> {
        let (batch, ..) = self.output_shape(input);
        let zeros = vec![E::ZERO; batch * self.permutation.len()];
        ShuffledWorkspace { y: zeros.clone(), dx: zeros }
    }

    fn forward_into<E: Scalar>(&self, _: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        let len = self.permutation.len();
        for (y, x) in workspace.y.chunks_exact_mut(len).zip(x.chunks_exact(len)) {
            for (y, &from) in y.iter_mut().zip(self.permutation.sources()) {
                *y = x[from];
            }
        }
    }

    y_and_dx!();

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { dy, wants_dx, .. } = pass;
        if wants_dx {
            let len = self.permutation.len();
            for (dx, dy) in workspace.dx.chunks_exact_mut(len).zip(dy.chunks_exact(len)) {
                for (&dy, &to) in dy.iter().zip(self.permutation.sources()) {
                    dx[to] = dy;
                }
            }
        }
    }
}
