//! What every engine of this build needs to know of a network.

use softmoe_nets::Layer;
#[cfg(feature = "burn")]
use softmoe_nets::device::{DeviceLayer, DeviceShape};
use softmoe_nets::shapes::Shape;

/// A shape that the networks of the table take: what every engine needs to know of one.
#[cfg(not(feature = "burn"))]
pub trait RegisteredShape: Shape {}
#[cfg(not(feature = "burn"))]
impl<S: Shape> RegisteredShape for S {}

/// A layer that the table may use: what every engine needs to know of one.
#[cfg(not(feature = "burn"))]
pub trait RegisteredLayer<In: RegisteredShape>: Layer<In> + 'static {}
#[cfg(not(feature = "burn"))]
impl<In: RegisteredShape, L: Layer<In> + 'static> RegisteredLayer<In> for L {}

/// A shape that the networks of the table take: what every engine needs to know of one.
#[cfg(feature = "burn")]
pub trait RegisteredShape: Shape + DeviceShape {}
#[cfg(feature = "burn")]
impl<S: Shape + DeviceShape> RegisteredShape for S {}

/// A layer that the table may use: what every engine needs to know of one.
#[cfg(feature = "burn")]
pub trait RegisteredLayer<In: RegisteredShape>:
    Layer<In> + DeviceLayer<In, Out = <Self as Layer<In>>::Out> + 'static
{
}
#[cfg(feature = "burn")]
impl<In, L> RegisteredLayer<In> for L
where
    In: RegisteredShape,
    L: Layer<In> + DeviceLayer<In, Out = <L as Layer<In>>::Out> + 'static,
{
}

#[cfg(feature = "burn")]
pub use on_device::{OnDevice, build_on};

#[cfg(feature = "burn")]
mod on_device {
    use super::super::{NetworkVisitor, RegisteredNetwork, with_network};
    use super::RegisteredShape;
    use crate::AgentError;
    use burn_tensor::backend::Backend;
    use softmoe_config::Architecture;
    use softmoe_nets::Builder;
    use softmoe_nets::device::{Autodiff, BoxedDeviceNetwork, DeviceLayer, DeviceNetwork};
    use std::marker::PhantomData;

    /// Makes a network for the device engine.
    #[derive(Clone, Copy, Debug)]
    pub struct OnDevice<B>(PhantomData<B>);

    impl<B> Default for OnDevice<B> {
        fn default() -> Self {
            OnDevice(PhantomData)
        }
    }

    impl<B: Backend> NetworkVisitor for OnDevice<B> {
        type Output = Box<dyn DeviceNetwork<Autodiff<B>>>;

        fn visit<In, L, S>(self, builder: Builder, layer: L, shape: S) -> Self::Output
        where
            In: RegisteredShape,
            L: RegisteredNetwork<In>,
            S: Fn(usize) -> In + Send + Sync + 'static,
        {
            Box::new(BoxedDeviceNetwork::new(builder, layer, shape))
        }

        fn visit_on_device<In, L, S>(
            self,
            _: &Architecture,
            builder: Builder,
            layer: L,
            shape: S,
        ) -> Result<Self::Output, AgentError>
        where
            In: RegisteredShape,
            L: DeviceLayer<In> + 'static,
            S: Fn(usize) -> In + Send + Sync + 'static,
        {
            Ok(Box::new(BoxedDeviceNetwork::new(builder, layer, shape)))
        }
    }

    /// The network of `architecture` on the device engine.
    ///
    /// # Errors
    /// As [`with_network`].
    pub fn build_on<B: Backend>(
        architecture: &Architecture,
    ) -> Result<Box<dyn DeviceNetwork<Autodiff<B>>>, AgentError> {
        with_network(architecture, OnDevice::default())
    }
}
