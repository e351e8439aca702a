//! Layers on the device engine, and tuples of them.

use super::DeviceWeights;
use crate::shapes::{Dim, Shape};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;
use std::ops::Add;

/// A shape (batch, ...) and the tensors that have it.
pub trait DeviceShape: Shape {
    /// A tensor of this shape's rank.
    type Tensor<B: Backend>: Clone + Add<Output = Self::Tensor<B>>;

    /// A batch of rows as tensors of this shape, for `(batch, values of one sample)`.
    ///
    /// # Panics
    /// If the rows are not as long as a sample of this shape.
    fn of_rows<B: Backend>(self, rows: Tensor<B, 2>) -> Self::Tensor<B>;

    /// One row per sample.
    fn into_rows<B: Backend>(tensor: Self::Tensor<B>) -> Tensor<B, 2>;
}

macro_rules! device_shape {
    ($rank:literal, $($axis:ident),+) => {
        impl<$($axis: Dim),+> DeviceShape for (usize, $($axis),+) {
            type Tensor<B: Backend> = Tensor<B, $rank>;

            fn of_rows<B: Backend>(self, rows: Tensor<B, 2>) -> Tensor<B, $rank> {
                rows.reshape(self.concrete())
            }

            fn into_rows<B: Backend>(tensor: Tensor<B, $rank>) -> Tensor<B, 2> {
                let sizes = tensor.dims();
                tensor.reshape([sizes[0], sizes[1..].iter().product()])
            }
        }
    };
}

device_shape!(2, A);
device_shape!(3, A, C);
device_shape!(4, A, C, D);

/// A differentiable function of a batch on burn's tensors, from a shape `In` to a shape [`Out`](DeviceLayer::Out).
///
/// It does not require a [`Layer`](crate::Layer): a new layer begins with its forward pass here, and gets hand-written
/// gradients later.
#[diagnostic::on_unimplemented(
    message = "the layer `{Self}` does not take the shape `{In}` on a device",
    label = "this layer's input and the output of the layer before it differ, or it has no forward pass for devices",
    note = "see the implementations of `DeviceLayer` listed here for the sizes that the layer takes"
)]
pub trait DeviceLayer<In: DeviceShape>: Send + Sync {
    /// Shape of the output.
    type Out: DeviceShape;

    /// Shape of the output for an input of shape `input`.
    ///
    /// # Panics
    /// If sizes that are only known at run time do not fit.
    fn output_shape_on(&self, input: In) -> Self::Out;

    /// The output for `x`. With tracked `weights`, burn can differentiate it.
    ///
    /// The compiler makes this function for every type of network and backend. A layer should leave the work to a
    /// function that is generic over the backend alone.
    ///
    /// # Shapes
    /// `x`: `In` -> [`Out`](DeviceLayer::Out)
    fn forward_on<B: Backend>(
        &self,
        weights: &DeviceWeights<B>,
        x: In::Tensor<B>,
    ) -> <Self::Out as DeviceShape>::Tensor<B>;
}

/// Implements [`DeviceLayer`] for a tuple of layers, each taking the output of the one before it.
macro_rules! tuple_of_layers {
    ($($layer:ident $index:tt),+) => {
        tuple_of_layers!(@next [In] [] [$($layer $index),+] $($layer),+);
    };
    (@next [$in:ty] [$($bounds:tt)*] [$($all:tt)*] $layer:ident $(, $($rest:tt)+)?) => {
        tuple_of_layers!(@next [<$layer as DeviceLayer<$in>>::Out] [$($bounds)* $layer: DeviceLayer<$in>,]
            [$($all)*] $($($rest)+)?);
    };
    (@next [$out:ty] [$($bounds:tt)*] [$($layer:ident $index:tt),*]) => {
        impl<In: DeviceShape, $($layer),*> DeviceLayer<In> for ($($layer,)*)
        where
            $($bounds)*
        {
            type Out = $out;

            fn output_shape_on(&self, input: In) -> Self::Out {
                $(let input = self.$index.output_shape_on(input);)*
                input
            }

            fn forward_on<B: Backend>(
                &self,
                weights: &DeviceWeights<B>,
                x: In::Tensor<B>,
            ) -> <Self::Out as DeviceShape>::Tensor<B> {
                $(let x = self.$index.forward_on(weights, x);)*
                x
            }
        }
    };
}

tuple_of_layers!(A 0, B0 1);
tuple_of_layers!(A 0, B0 1, C 2);
tuple_of_layers!(A 0, B0 1, C 2, D 3);
tuple_of_layers!(A 0, B0 1, C 2, D 3, F 4);
tuple_of_layers!(A 0, B0 1, C 2, D 3, F 4, G 5);
tuple_of_layers!(A 0, B0 1, C 2, D 3, F 4, G 5, H 6);
tuple_of_layers!(A 0, B0 1, C 2, D 3, F 4, G 5, H 6, I 7);

/// For a layer of the CPU engine: the output has the same shape on a device.
macro_rules! same_shapes {
    ($input:ty) => {
        type Out = <Self as $crate::Layer<$input>>::Out;

        fn output_shape_on(&self, input: $input) -> Self::Out {
            $crate::Layer::output_shape(self, input)
        }
    };
}

pub(crate) use same_shapes;
