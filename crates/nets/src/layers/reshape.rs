//! Layers that only name a new shape: the values stay in place.

#[cfg(feature = "burn")]
mod device;

use crate::shapes::Const;
use crate::size::{expect, product};
use crate::{Backward, Inspection, Layer, LayerDescription, Scalar, Size, Weights};

/// PerConv tokens: a feature map's positions become tokens, its channels their width.
///
/// # Shapes
/// (batch, height, width, channels) -> (batch, `TOKENS` = height x width, channels)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerConv<Tokens>(
    /// The number of tokens.
    pub Tokens,
);

/// PerSample tokens: one token, the whole feature map, the last axis fastest.
///
/// # Shapes
/// (batch, height, width, channels) -> (batch, 1, `WIDTH` = height x width x channels)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerSample<Width>(
    /// The token's width: the product of the sizes of the map.
    pub Width,
);

/// Flattening: all values of a sample in one row, the last axis fastest.
///
/// # Shapes
/// (batch, ...) -> (batch, `FEATURES`)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flatten<Features>(
    /// The number of features: the product of the sizes that are flattened.
    pub Features,
);

/// Implements [`Layer`] for a reshape, given its shapes (the output's as types and as values) and the relation
/// between their sizes.
macro_rules! reshape {
    ($layer:ident<$size:ident>, ($($axis:ident),+) -> ($($out:ty),+) = ($($value:expr),+), $what:literal,
        [$($factor:ident),+]) => {
        impl<$size: Size, $($axis: Size),+> Layer<(usize, $($axis),+)> for $layer<$size> {
            type Out = (usize, $($out),+);
            type Workspace<E: Scalar> = ();

            fn output_shape(&self, input: (usize, $($axis),+)) -> Self::Out {
                const { expect($what, $size::STATIC, product(&[$($factor::STATIC),+])) }
                #[allow(non_snake_case, unused_variables)]
                let (batch, $($axis),+) = input;
                expect($what, Some(self.0.size()), Some([$($factor.size()),+].into_iter().product()));
                #[allow(non_snake_case)]
                let $size = self.0;
                (batch, $($value),+)
            }

            fn describe(&self, input: (usize, $($axis),+)) -> Vec<LayerDescription> {
                vec![LayerDescription::new(stringify!($layer), self.output_shape(input))]
            }

            fn workspace<E: Scalar>(&self, input: (usize, $($axis),+)) {
                self.output_shape(input);
            }

            fn forward_into<E: Scalar>(&self, _: Weights<E>, _: &[E], (): &mut ()) {}

            fn output<'t, E: Scalar>(&self, x: &'t [E], (): &'t ()) -> &'t [E] {
                x
            }

            fn backward_into<E: Scalar>(&self, _: Backward<E>, (): &mut ()) {}

            fn d_input<'t, E: Scalar>(&self, dy: &'t [E], (): &'t ()) -> &'t [E] {
                dy
            }

            /// The last axis stays the fastest, so a channel is still the same neuron.
            fn inspect<E: Scalar>(&self, _: &[E], (): &(), _: &mut Inspection) {}
        }
    };
}

reshape!(PerConv<Tokens>, (H, W, C) -> (Tokens, C) = (Tokens, C), "PerConv's number of tokens", [H, W]);
reshape!(PerSample<Width>, (H, W, C) -> (Const<1>, Width) = (Const, Width), "PerSample's token width", [H, W, C]);
reshape!(Flatten<Features>, (H, W, C) -> (Features) = (Features), "Flatten's number of features", [H, W, C]);
reshape!(Flatten<Features>, (Tokens, Width) -> (Features) = (Features), "Flatten's number of features", [Tokens, Width]);
