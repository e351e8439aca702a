//! PerPatch tokens: one token for each patch of the feature map.

#[cfg(feature = "burn")]
mod device;

use crate::layers::convolution::{Conv2d, Conv2dWorkspace};
use crate::layers::padding::{Valid, output_length};
use crate::size::{expect, product, valid};
use crate::{Backward, Builder, Inspection, Layer, LayerDescription, Scalar, Size, Weights};

/// The side of a patch, and the distance from one patch to the next.
const PATCH: usize = 3;

/// The number of patches along an axis of a map, if its length is known.
const fn patches(length: Option<usize>) -> Option<usize> {
    output_length::<Valid>(length, PATCH, PATCH)
}

/// PerPatch tokens: a 3x3 convolution of stride 3, VALID, embeds each patch of a feature map in a token as wide as
/// the map has channels. Rows and columns left over at the end are not read.
///
/// The paper's code leaves the width of the embedding open; the number of channels keeps the tokens as wide as
/// [`PerConv`](super::PerConv)'s. For patches averaged instead of embedded see [`AveragePool`](super::AveragePool).
///
/// # Shapes
/// (batch, height, width, `C`) -> (batch, `TOKENS` = (height / 3) x (width / 3), `C`), rounded down
#[derive(Clone, Debug, PartialEq)]
pub struct PerPatch<Tokens, C> {
    tokens: Tokens,
    channels: C,
    embedding: Conv2d<usize, usize, usize, PATCH, PATCH>,
}

impl<Tokens: Size, C: Size> PerPatch<Tokens, C> {
    /// Tokens of the patches of a map of `height` x `width` positions and `channels` channels, by a convolution with
    /// parameters as `<name>/..` (see [`Conv2d::new`]).
    ///
    /// # Panics
    /// If `tokens` is not the number of patches.
    pub fn new(
        builder: &mut Builder,
        name: &str,
        [height, width]: [usize; 2],
        tokens: Tokens,
        channels: C,
    ) -> Self {
        let [h, w] = [height, width].map(|length| valid(length, PATCH, PATCH));
        expect("PerPatch's number of tokens", Some(tokens.size()), Some(h * w));
        let c = channels.size();
        PerPatch { tokens, channels, embedding: Conv2d::new(builder, name, c, (h, w, c)) }
    }
}

impl<Tokens: Size, H: Size, W: Size, C: Size> Layer<(usize, H, W, C)> for PerPatch<Tokens, C> {
    type Out = (usize, Tokens, C);
    type Workspace<E: Scalar> = Conv2dWorkspace<E>;

    fn output_shape(&self, (batch, height, width, channels): (usize, H, W, C)) -> Self::Out {
        const {
            let patches = product(&[patches(H::STATIC), patches(W::STATIC)]);
            expect("PerPatch's number of tokens", Tokens::STATIC, patches);
        }
        // Compares the run-time sizes.
        self.embedding.output_shape((batch, height, width, channels.size()));
        (batch, self.tokens, self.channels)
    }

    fn describe(&self, input: (usize, H, W, C)) -> Vec<LayerDescription> {
        let (batch, height, width, channels) = input;
        let [embedding] = &self.embedding.describe((batch, height, width, channels.size()))[..] else {
            unreachable!("one convolution")
        };
        let row = LayerDescription::new("PerPatch 3x3, stride 3", self.output_shape(input));
        vec![row.of(embedding.parameters, embedding.multiply_adds)]
    }

    fn workspace<E: Scalar>(&self, input: (usize, H, W, C)) -> Conv2dWorkspace<E> {
        self.output_shape(input);
        let (batch, height, width, channels) = input;
        self.embedding.workspace((batch, height, width, channels.size()))
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        Layer::<(usize, H, W, usize)>::forward_into(&self.embedding, weights, x, workspace);
    }

    fn output<'t, E: Scalar>(&self, x: &'t [E], workspace: &'t Conv2dWorkspace<E>) -> &'t [E] {
        Layer::<(usize, H, W, usize)>::output(&self.embedding, x, workspace)
    }

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        Layer::<(usize, H, W, usize)>::backward_into(&self.embedding, pass, workspace);
    }

    fn d_input<'t, E: Scalar>(&self, dy: &'t [E], workspace: &'t Conv2dWorkspace<E>) -> &'t [E] {
        Layer::<(usize, H, W, usize)>::d_input(&self.embedding, dy, workspace)
    }

    fn inspect<E: Scalar>(&self, x: &[E], workspace: &Conv2dWorkspace<E>, inspection: &mut Inspection) {
        Layer::<(usize, H, W, usize)>::inspect(&self.embedding, x, workspace, inspection);
    }
}
