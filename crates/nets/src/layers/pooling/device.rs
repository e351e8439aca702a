//! Pooling of burn's tensors by the maximum.

use super::MaxPool2d;
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, same_shapes};
use crate::layers::padding::{Padding, beyond};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;
use burn_tensor::module::max_pool2d;
use burn_tensor::ops::PadMode;

impl<H, W, C, HIn, WIn, const WINDOW: usize, const STRIDE: usize, P> DeviceLayer<(usize, HIn, WIn, C)>
    for MaxPool2d<H, W, WINDOW, STRIDE, P>
where
    H: Size,
    W: Size,
    C: Size,
    HIn: Size,
    WIn: Size,
    P: Padding,
{
    same_shapes!((usize, HIn, WIn, C));

    fn forward_on<B: Backend>(&self, _: &DeviceWeights<B>, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let [_, height, width, _] = x.dims();
        maximum(x, WINDOW, STRIDE, [height, width].map(|length| beyond::<P>(length, WINDOW, STRIDE)))
    }
}

/// The largest value in each window, channels last, of a map that is padded by `beyond` (before, after) along its
/// height and its width; there is nothing there to be the largest.
fn maximum<B: Backend>(
    x: Tensor<B, 4>,
    window: usize,
    stride: usize,
    beyond: [[usize; 2]; 2],
) -> Tensor<B, 4> {
    let x = x.permute([0, 3, 1, 2]);
    let [[above, below], [left, right]] = beyond;
    let nothing = above + below + left + right == 0;
    let x =
        if nothing { x } else { x.pad((left, right, above, below), PadMode::Constant(f32::NEG_INFINITY)) };
    max_pool2d(x, [window, window], [stride, stride], [0, 0], [1, 1], false).permute([0, 2, 3, 1])
}
