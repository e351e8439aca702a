//! Convolutions of burn's tensors.

use super::Conv2d;
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, same_shapes};
use crate::layers::padding::{Padding, beyond};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;
use burn_tensor::module::conv2d;
use burn_tensor::ops::PaddedConvOptions;

impl<H, W, C, HIn, WIn, CIn, const KERNEL: usize, const STRIDE: usize, P> DeviceLayer<(usize, HIn, WIn, CIn)>
    for Conv2d<H, W, C, KERNEL, STRIDE, P>
where
    H: Size,
    W: Size,
    C: Size,
    HIn: Size,
    WIn: Size,
    CIn: Size,
    P: Padding,
{
    same_shapes!((usize, HIn, WIn, CIn));

    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 4>) -> Tensor<B, 4> {
        // On graphics cards burn 0.21 then gives some of the input no gradient.
        const {
            assert!(
                STRIDE <= KERNEL,
                "on devices a convolution's stride should not be larger than its kernel"
            )
        }
        let [_, height, width, channels] = x.dims();
        let c = self.output.2.size();
        let kernel = weights.parameter(&self.kernel, [KERNEL, KERNEL, channels, c]);
        let bias = weights.parameter(&self.bias, [c]);
        let beyond = [height, width].map(|length| beyond::<P>(length, KERNEL, STRIDE));
        convolution(x, kernel, bias, STRIDE, beyond)
    }
}

/// A convolution with the channels last (burn has them in front) of a map that is lengthened by `beyond` zeros (before,
/// behind) along its height and its width.
///
/// # Shapes
/// x: (batch, height, width, channels); kernel: (rows, columns, channels, c); bias: (c) -> (batch, h, w, c)
fn convolution<B: Backend>(
    x: Tensor<B, 4>,
    kernel: Tensor<B, 4>,
    bias: Tensor<B, 1>,
    stride: usize,
    beyond: [[usize; 2]; 2],
) -> Tensor<B, 4> {
    let [before, behind] = [0, 1].map(|end| beyond.map(|axis| axis[end]));
    let options = PaddedConvOptions::asymmetric([stride, stride], before, behind, [1, 1], 1);
    let y = conv2d(x.permute([0, 3, 1, 2]), kernel.permute([3, 2, 0, 1]), Some(bias), options);
    y.permute([0, 2, 3, 1])
}
