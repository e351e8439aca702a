//! Encoders: convolutional networks from an observation to a feature map; the paper's, and deeper ones for MinAtar.
//!
//! | encoder | observations | feature map | source |
//! |---|---|---|---|
//! | [`MinAtar`] | 10x10, with the game's channels | 8x8x16 | MinAtar's own agents (Young and Tian 2019, arXiv 1903.03176) |
//! | [`MinAtarDeep`] | as above | 10x10x32 | ours: three 3x3 convolutions |
//! | [`MinAtarPooledResidual`] | as above | 5x5x32 | ours: one stage of Impala |
//! | [`MinAtarResidual`] | as above | 10x10x32 | ours: the same stage without its pooling |
//! | [`Nature`] | 84x84x4 | 11x11x64 | Mnih et al. 2015, with SAME padding as in Dopamine |
//! | [`Impala`] | 84x84x4 | 11x11x32 | Espeholt et al. 2018, arXiv 1802.01561, figure 3 |
//!
//! The type parameters are the sizes of the maps, constant or `usize`. Their defaults are the sizes of the table. Sizes
//! that do not follow from each other do not compile, or are refused when the encoder is made. Divide pixels that are
//! bytes by 255 first, as `softmoe-agents` does; MinAtar's pixels are 0 or 1. Every encoder ends with a ReLU.
//!
//! ```
//! use softmoe_nets::shapes::Const;
//! use softmoe_nets::encoders::Impala;
//! use softmoe_nets::layers::PerConv;
//! use softmoe_nets::{BoxedNetwork, Builder, Network};
//!
//! let mut builder = Builder::new();
//! let impala: Impala = Impala::new(&mut builder, "encoder", [84, 84, 4], (Const, Const, Const));
//! let layers = (impala, PerConv(Const::<121>));
//! let network = BoxedNetwork::new(builder, layers, |batch| (batch, Const::<84>, Const::<84>, 4));
//! assert_eq!(network.output_shape(), [121, 32]);
//! ```

mod impala;
mod min_atar;
mod min_atar_deep;
mod nature;

pub use impala::Impala;
pub use min_atar::MinAtar;
pub use min_atar_deep::{MinAtarDeep, MinAtarPooledResidual, MinAtarResidual};
pub use nature::Nature;

use crate::Size;

/// A side of a feature map that follows from the observation's side, in the type that the encoder names.
///
/// # Panics
/// If the type is another constant.
fn side<S: Size>(size: usize) -> S {
    let named = S::STATIC.unwrap_or(size);
    S::from_size(size).unwrap_or_else(|| {
        panic!("a side of a feature map should be {size}, as the observation makes it, but is {named}")
    })
}

/// Implements [`Layer`](crate::Layer) for an encoder by the layers that it wraps.
macro_rules! encoder {
    ($encoder:ident<$($size:ident),+> -> ($side:ident, $width:ident)) => {
        impl<H, W, C, $($size),+> Layer<(usize, H, W, C)> for $encoder<$($size),+>
        where
            H: Size,
            W: Size,
            C: Size,
            $($size: Size),+
        {
            type Out = (usize, $side, $side, $width);
            type Workspace<E: Scalar> = <Layers<$($size),+> as Layer<(usize, H, W, C)>>::Workspace<E>;

            fn output_shape(&self, input: (usize, H, W, C)) -> Self::Out {
                self.0.output_shape(input)
            }

            fn describe(&self, input: (usize, H, W, C)) -> Vec<LayerDescription> {
                self.0.describe(input)
            }

            fn workspace<E: Scalar>(&self, input: (usize, H, W, C)) -> Self::Workspace<E> {
                self.0.workspace(input)
            }

            fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
                Layer::<(usize, H, W, C)>::forward_into(&self.0, weights, x, workspace);
            }

            fn output<'t, E: Scalar>(&self, x: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E] {
                Layer::<(usize, H, W, C)>::output(&self.0, x, workspace)
            }

            fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
                Layer::<(usize, H, W, C)>::backward_into(&self.0, pass, workspace);
            }

            fn d_input<'t, E: Scalar>(&self, dy: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E] {
                Layer::<(usize, H, W, C)>::d_input(&self.0, dy, workspace)
            }

            fn inspect<E: Scalar>(&self, x: &[E], workspace: &Self::Workspace<E>, inspection: &mut crate::Inspection) {
                Layer::<(usize, H, W, C)>::inspect(&self.0, x, workspace, inspection)
            }
        }

        #[cfg(feature = "burn")]
        impl<H, W, C, $($size),+> crate::device::DeviceLayer<(usize, H, W, C)> for $encoder<$($size),+>
        where
            H: Size,
            W: Size,
            C: Size,
            $($size: Size),+
        {
            type Out = (usize, $side, $side, $width);

            fn output_shape_on(&self, input: (usize, H, W, C)) -> Self::Out {
                crate::device::DeviceLayer::output_shape_on(&self.0, input)
            }

            fn forward_on<B: burn_tensor::backend::Backend>(
                &self,
                weights: &crate::device::DeviceWeights<B>,
                x: burn_tensor::Tensor<B, 4>,
            ) -> burn_tensor::Tensor<B, 4> {
                crate::device::DeviceLayer::<(usize, H, W, C)>::forward_on(&self.0, weights, x)
            }
        }
    };
}
use encoder;
