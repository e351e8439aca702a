//! Residual blocks on burn's tensors.

use super::Residual;
use crate::device::{DeviceLayer, DeviceShape, DeviceWeights};
use burn_tensor::backend::Backend;

impl<S: DeviceShape, L: DeviceLayer<S, Out = S>> DeviceLayer<S> for Residual<L> {
    type Out = S;

    fn output_shape_on(&self, input: S) -> S {
        let output = self.0.output_shape_on(input);
        assert_eq!(output, input, "a residual block's layer should keep the shape of its input");
        output
    }

    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: S::Tensor<B>) -> S::Tensor<B> {
        x.clone() + self.0.forward_on(weights, x)
    }
}
