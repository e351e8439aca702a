//! The convolutions of the DQN of 2015.

use super::{encoder, side};
use crate::layers::{Conv2d, Relu, Same};
use crate::shapes::Const;
use crate::{Backward, Builder, Initializer, Layer, LayerDescription, Scalar, Size, Weights};

/// The encoder of Mnih et al. (2015): convolutions of 8x8, stride 4, of 4x4, stride 2, and of 3x3, stride 1, each with
/// a ReLU after it.
///
/// The original has no padding. Here padding is SAME, as in Dopamine; the initializers are Dopamine's too.
///
/// # Shapes
/// (batch, height, width, channels) -> (batch, `Side1`, `Side1`, `Width2`), by way of (`Side0`, `Side0`, `Width0`) and
/// (`Side1`, `Side1`, `Width1`); `Side0` is height / 4 and width / 4, `Side1` is `Side0` / 2, both rounded up
#[derive(Clone, Debug, PartialEq)]
pub struct Nature<
    Side0 = Const<21>,
    Side1 = Const<11>,
    Width0 = Const<32>,
    Width1 = Const<64>,
    Width2 = Const<64>,
>(Layers<Side0, Side1, Width0, Width1, Width2>);

type Layers<Side0, Side1, Width0, Width1, Width2> = (
    Conv2d<Side0, Side0, Width0, 8, 4, Same>,
    Relu,
    Conv2d<Side1, Side1, Width1, 4, 2, Same>,
    Relu,
    Conv2d<Side1, Side1, Width2, 3, 1, Same>,
    Relu,
);

impl<Side0: Size, Side1: Size, Width0: Size, Width1: Size, Width2: Size>
    Nature<Side0, Side1, Width0, Width1, Width2>
{
    /// The encoder for observations of `shape` (height, width, channels), with convolutions of `widths` channels: 32,
    /// 64 and 64 in the paper. Kernels are Xavier-uniform and biases are zero. Parameters are called
    /// `<name>/convolution_<0 to 2>/kernel` and `../bias`.
    ///
    /// # Panics
    /// If a side is a constant that does not follow from the observation's.
    pub fn new(
        builder: &mut Builder,
        name: &str,
        shape: [usize; 3],
        widths: (Width0, Width1, Width2),
    ) -> Self {
        let [rows, columns, channels] = shape;
        let (rows, columns) = (rows.div_ceil(4), columns.div_ceil(4));
        let output_0 = (side(rows), side(columns), widths.0);
        let (rows, columns) = (rows.div_ceil(2), columns.div_ceil(2));
        let output_1 = (side(rows), side(columns), widths.1);
        let output_2 = (side(rows), side(columns), widths.2);
        let name = |layer: usize| format!("{name}/convolution_{layer}");
        let initializer = Initializer::xavier_uniform;
        Nature((
            Conv2d::with_initializer(builder, &name(0), channels, output_0, initializer),
            Relu,
            Conv2d::with_initializer(builder, &name(1), widths.0.size(), output_1, initializer),
            Relu,
            Conv2d::with_initializer(builder, &name(2), widths.1.size(), output_2, initializer),
            Relu,
        ))
    }
}

encoder!(Nature<Side0, Side1, Width0, Width1, Width2> -> (Side1, Width2));
