//! Two-dimensional convolution.
//!
//! This file is the definition; [`cpu`] has the CPU engine's passes.

mod cpu;

pub use cpu::Conv2dWorkspace;

#[cfg(feature = "burn")]
use crate::device::prelude::*;
#[cfg(feature = "burn")]
use crate::layers::padding::beyond;
use crate::layers::padding::{Padding, Same, Valid};
use crate::{Builder, Initializer, Size};
#[cfg(feature = "burn")]
use burn_tensor::{module::conv2d, ops::PaddedConvOptions};
use std::marker::PhantomData;
use std::ops::Range;

/// A convolution with a square kernel of side `KERNEL` and a `STRIDE`. The padding `P` is [`Valid`], none, or
/// [`Same`](crate::layers::Same).
///
/// y_ijc = sum over rows r, columns s and channels k of x_(i STRIDE + r, j STRIDE + s, k) kernel_rskc, plus bias_c
///
/// # Shapes
/// (batch, height, width, channels) -> (batch, `H`, `W`, `C`), where `H` = (height - `KERNEL`) / `STRIDE` + 1 with
/// [`Valid`], and `H` = height / `STRIDE`, rounded up, with [`Same`](crate::layers::Same); kernel: (`KERNEL`, `KERNEL`,
/// channels, `C`)
#[derive(Clone, Debug, PartialEq)]
pub struct Conv2d<H, W, C, const KERNEL: usize, const STRIDE: usize, P = Valid> {
    output: (H, W, C),
    channels: usize,
    kernel: Range<usize>,
    bias: Range<usize>,
    padding: PhantomData<P>,
}

#[cfg(feature = "burn")]
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

    /// The definition, on burn's tensors. Tests compare the CPU engine with it.
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

/// A convolution with the channels last (burn has them first) of a map with `beyond` zeros (before, after) along its
/// height and its width.
///
/// # Shapes
/// x: (batch, height, width, channels); kernel: (rows, columns, channels, c); bias: (c) -> (batch, h, w, c)
#[cfg(feature = "burn")]
fn convolution<B: Backend>(
    x: Tensor<B, 4>,
    kernel: Tensor<B, 4>,
    bias: Tensor<B, 1>,
    stride: usize,
    beyond: [[usize; 2]; 2],
) -> Tensor<B, 4> {
    let [before, after] = [0, 1].map(|end| beyond.map(|axis| axis[end]));
    let options = PaddedConvOptions::asymmetric([stride, stride], before, after, [1, 1], 1);
    let y = conv2d(x.permute([0, 3, 1, 2]), kernel.permute([3, 2, 0, 1]), Some(bias), options);
    y.permute([0, 2, 3, 1])
}

impl<H: Size, W: Size, C: Size, const KERNEL: usize, const STRIDE: usize>
    Conv2d<H, W, C, KERNEL, STRIDE, Valid>
{
    /// A convolution of `channels` input channels without padding, with the parameters `<name>/kernel`, LeCun-normal,
    /// and `<name>/bias`, zero: Flax's defaults.
    pub fn new(builder: &mut Builder, name: &str, channels: usize, output: (H, W, C)) -> Self {
        Self::with_initializer(builder, name, channels, output, |fan_in, _| Initializer::lecun_normal(fan_in))
    }
}

impl<H: Size, W: Size, C: Size, const KERNEL: usize, const STRIDE: usize>
    Conv2d<H, W, C, KERNEL, STRIDE, Same>
{
    /// As [`new`](Conv2d::new), with SAME padding.
    pub fn same(builder: &mut Builder, name: &str, channels: usize, output: (H, W, C)) -> Self {
        Self::with_initializer(builder, name, channels, output, |fan_in, _| Initializer::lecun_normal(fan_in))
    }
}

impl<H: Size, W: Size, C: Size, const KERNEL: usize, const STRIDE: usize, P: Padding>
    Conv2d<H, W, C, KERNEL, STRIDE, P>
{
    /// A convolution whose kernel is drawn from `initializer(fan_in, fan_out)`, with a bias of zero. fan_in is the
    /// number of values under the kernel; fan_out is the number of outputs that a value is part of, at stride 1.
    ///
    /// ```
    /// use softmoe_nets::layers::{Conv2d, Same};
    /// use softmoe_nets::{Builder, Initializer};
    ///
    /// // 84x84 pixels of 4 channels -> 84x84x16.
    /// let mut builder = Builder::new();
    /// Conv2d::<_, _, _, 3, 1, Same>::with_initializer(&mut builder, "first", 4, (84, 84, 16), Initializer::xavier_uniform);
    /// assert_eq!(builder.parameters().get("first/kernel").unwrap().initializer, Initializer::xavier_uniform(9 * 4, 9 * 16));
    /// ```
    pub fn with_initializer(
        builder: &mut Builder,
        name: &str,
        channels: usize,
        output: (H, W, C),
        initializer: impl FnOnce(usize, usize) -> Initializer,
    ) -> Self {
        let c = output.2.size();
        let initializer = initializer(KERNEL * KERNEL * channels, KERNEL * KERNEL * c);
        Conv2d {
            output,
            channels,
            kernel: builder.parameter(format!("{name}/kernel"), &[KERNEL, KERNEL, channels, c], initializer),
            bias: builder.parameter(format!("{name}/bias"), &[c], Initializer::Constant(0.0)),
            padding: PhantomData,
        }
    }
}
