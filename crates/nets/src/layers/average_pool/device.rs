//! Averages of burn's tensors over windows.

use super::AveragePool;
use crate::Size;
use crate::device::{DeviceLayer, DeviceWeights, same_shapes};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;
use burn_tensor::module::avg_pool2d;

impl<H, W, HIn, WIn, C, const KERNEL: usize, const STRIDE: usize> DeviceLayer<(usize, HIn, WIn, C)>
    for AveragePool<H, W, KERNEL, STRIDE>
where
    H: Size,
    W: Size,
    HIn: Size,
    WIn: Size,
    C: Size,
{
    same_shapes!((usize, HIn, WIn, C));

    fn forward_on<B: Backend>(&self, _: &DeviceWeights<B>, x: Tensor<B, 4>) -> Tensor<B, 4> {
        averages(x, KERNEL, STRIDE)
    }
}

/// The mean of each window, channels last.
fn averages<B: Backend>(x: Tensor<B, 4>, window: usize, stride: usize) -> Tensor<B, 4> {
    let x = x.permute([0, 3, 1, 2]);
    avg_pool2d(x, [window, window], [stride, stride], [0, 0], false, false).permute([0, 2, 3, 1])
}
