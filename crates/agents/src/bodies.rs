//! Bodies that are defined by their forward pass alone. They train on every device; the CPU engine needs gradients.
//!
//! A new body is a file of [`bodies`](self) with its [`DeviceBody`], a line in the list at the end of this one, and a
//! variant of [`DeviceBodySpec`] with its settings. When it has proved worth gradients, it becomes a
//! [`Layer`](softmoe_nets::Layer) and a variant of [`BodySpec`](softmoe_config::BodySpec).

mod attention;

pub use attention::Attention;

use burn_tensor::Tensor;
use burn_tensor::backend::Backend;
use softmoe_config::DeviceBodySpec;
use softmoe_nets::Builder;
use softmoe_nets::device::{DeviceLayer, DeviceWeights};
use softmoe_nets::shapes::Dim;

/// A body that is defined by its forward pass, from the tokens to the input of the head.
pub trait DeviceBody: Send + Sync {
    /// Number of values per sample for the head.
    fn outputs(&self) -> usize;

    /// The values for the head. burn differentiates them with respect to `weights`.
    ///
    /// # Shapes
    /// tokens: (batch, m, d) -> (batch, [`outputs`](Self::outputs))
    fn forward<B: Backend>(&self, weights: &DeviceWeights<B>, tokens: Tensor<B, 3>) -> Tensor<B, 2>;
}

/// The sizes that a body is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodySizes {
    /// Number of tokens m.
    pub tokens: usize,
    /// Width of a token d.
    pub width: usize,
    /// Hidden width of the network.
    pub hidden: usize,
    /// Whether the network's dense layers are noisy.
    pub noisy: bool,
}

/// Joins the bodies in one type, and makes each from its settings: `new(builder, sizes, settings..)`.
macro_rules! bodies {
    ($($name:ident { $($setting:ident),* },)+) => {
        /// Any of the bodies.
        pub(crate) enum AnyBody {
            $($name($name),)+
        }

        /// The body that `spec` describes.
        pub(crate) fn make(spec: DeviceBodySpec, builder: &mut Builder, sizes: BodySizes) -> AnyBody {
            match spec {
                $(DeviceBodySpec::$name { $($setting),* } => {
                    AnyBody::$name($name::new(builder, sizes, $($setting),*))
                })+
            }
        }

        impl DeviceBody for AnyBody {
            fn outputs(&self) -> usize {
                match self {
                    $(AnyBody::$name(body) => body.outputs(),)+
                }
            }

            fn forward<B: Backend>(&self, weights: &DeviceWeights<B>, tokens: Tensor<B, 3>) -> Tensor<B, 2> {
                match self {
                    $(AnyBody::$name(body) => body.forward(weights, tokens),)+
                }
            }
        }
    };
}

impl<M: Dim, D: Dim> DeviceLayer<(usize, M, D)> for AnyBody {
    type Out = (usize, usize);

    fn output_shape_on(&self, (batch, ..): (usize, M, D)) -> (usize, usize) {
        (batch, self.outputs())
    }

    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 3>) -> Tensor<B, 2> {
        self.forward(weights, x)
    }
}

bodies! {
    Attention { layers },
}
