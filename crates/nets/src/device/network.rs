//! Networks on devices, with the type of their layers erased.

use super::{DeviceLayer, DeviceShape, DeviceWeights};
use crate::shapes::Shape;
use crate::{Builder, NoiseList, ParameterList};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;
use std::marker::PhantomData;

/// A network from observations to outputs on the tensors of a backend, with checked sizes.
pub trait DeviceNetwork<B: Backend>: Send + Sync {
    /// The parameters.
    fn parameters(&self) -> &ParameterList;
    /// The noise of the noisy layers.
    fn noise(&self) -> &NoiseList;
    /// Number of values of one sample's input.
    fn input_len(&self) -> usize;
    /// Shape of one sample's output.
    fn output_shape(&self) -> Vec<usize>;
    /// The outputs of a batch.
    ///
    /// # Shapes
    /// (batch, [`input_len`](Self::input_len)) -> (batch, values of one output)
    fn forward(&self, weights: &DeviceWeights<B>, x: Tensor<B, 2>) -> Tensor<B, 2>;
}

/// A network that consists of a [`DeviceLayer`], for samples of a fixed shape.
pub struct BoxedDeviceNetwork<L, S, In> {
    layer: L,
    shape: S,
    parameters: ParameterList,
    noise: NoiseList,
    input: PhantomData<fn() -> In>,
}

impl<L, S, In: DeviceShape> BoxedDeviceNetwork<L, S, In> {
    /// Erases the type of `layer`, whose parts were made with `builder`; `shape(batch)` is its input's.
    ///
    /// # Panics
    /// If sizes that are only known at run time do not fit.
    pub fn new(builder: Builder, layer: L, shape: S) -> Self
    where
        L: DeviceLayer<In>,
        S: Fn(usize) -> In + Send + Sync,
    {
        // Compares the layers' sizes.
        layer.output_shape_on(shape(1));
        let (parameters, noise) = builder.finish();
        BoxedDeviceNetwork { layer, shape, parameters, noise, input: PhantomData }
    }

    /// The parameters, for any backend.
    pub fn parameters_list(&self) -> &ParameterList {
        &self.parameters
    }
}

impl<B, L, S, In> DeviceNetwork<B> for BoxedDeviceNetwork<L, S, In>
where
    B: Backend,
    In: DeviceShape,
    L: DeviceLayer<In>,
    S: Fn(usize) -> In + Send + Sync,
{
    fn parameters(&self) -> &ParameterList {
        &self.parameters
    }

    fn noise(&self) -> &NoiseList {
        &self.noise
    }

    fn input_len(&self) -> usize {
        (self.shape)(1).num_elements()
    }

    fn output_shape(&self) -> Vec<usize> {
        let shape: Vec<usize> = self.layer.output_shape_on((self.shape)(1)).concrete().into();
        shape[1..].to_vec()
    }

    fn forward(&self, weights: &DeviceWeights<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let [batch, _] = x.dims();
        let x = (self.shape)(batch).of_rows(x);
        L::Out::into_rows(self.layer.forward_on(weights, x))
    }
}
