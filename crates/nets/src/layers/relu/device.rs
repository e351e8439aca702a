//! The rectifier on burn's tensors.

use super::Relu;
use crate::device::{DeviceLayer, DeviceWeights, same_shapes};
use crate::shapes::Dim;
use burn_tensor::Tensor;
use burn_tensor::activation::relu;
use burn_tensor::backend::Backend;

macro_rules! on_rank {
    ($rank:literal, $($axis:ident),+) => {
        impl<$($axis: Dim),+> DeviceLayer<(usize, $($axis),+)> for Relu {
            same_shapes!((usize, $($axis),+));

            fn forward_on<B: Backend>(&self, _: &DeviceWeights<B>, x: Tensor<B, $rank>) -> Tensor<B, $rank> {
                relu(x)
            }
        }
    };
}

on_rank!(2, A);
on_rank!(3, A, C);
on_rank!(4, A, C, D);
