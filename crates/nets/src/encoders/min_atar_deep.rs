//! Deeper encoders for MinAtar.

use super::impala::{Block, Stage, block, stage};
use super::{encoder, side};
use crate::layers::{Conv2d, Relu, Same};
use crate::shapes::Const;
use crate::{Backward, Builder, Initializer, Layer, LayerDescription, Scalar, Size, Weights};

pub use pooled::MinAtarPooledResidual;
pub use residual::MinAtarResidual;

/// A plain deep encoder for MinAtar: three 3x3 convolutions with SAME padding, each with a ReLU after it. It has no
/// source: it is [`MinAtar`](super::MinAtar)'s own convolution, three times, with padding that keeps the map's size.
///
/// # Shapes
/// (batch, height, width, channels) -> (batch, `Side` = height, `Side` = width, `Width`)
#[derive(Clone, Debug, PartialEq)]
pub struct MinAtarDeep<Side = Const<10>, Width = Const<32>>(Layers<Side, Width>);

type Layers<Side, Width> = (
    Conv2d<Side, Side, Width, 3, 1, Same>,
    Relu,
    Conv2d<Side, Side, Width, 3, 1, Same>,
    Relu,
    Conv2d<Side, Side, Width, 3, 1, Same>,
    Relu,
);

impl<Side: Size, Width: Size> MinAtarDeep<Side, Width> {
    /// The encoder for observations of `shape` (height, width, channels), to a feature map of `width` channels; with
    /// Flax's default initializers (LeCun-normal kernels, biases of zero), as `<name>/convolution_<0 to 2>/kernel` and
    /// `../bias`.
    ///
    /// # Panics
    /// If `Side` is a constant that does not follow from the observation's.
    pub fn new(builder: &mut Builder, name: &str, shape: [usize; 3], width: Width) -> Self {
        let [rows, columns, channels] = shape;
        let map = (side(rows), side(columns), width);
        let mut convolution = |number: usize, channels| {
            Conv2d::same(builder, &format!("{name}/convolution_{number}"), channels, map)
        };
        let (first, second) = (convolution(0, channels), convolution(1, width.size()));
        let third = convolution(2, width.size());
        MinAtarDeep((first, Relu, second, Relu, third, Relu))
    }
}

encoder!(MinAtarDeep<Side, Width> -> (Side, Width));

// The macro implements each encoder by a type `Layers` of its own.
mod pooled {
    use super::*;

    /// A residual encoder for MinAtar: one stage of [`Impala`](crate::encoders::Impala) (a 3x3 convolution, max pooling
    /// that halves height and width, two residual blocks), then a ReLU. The initializers are Impala's.
    ///
    /// # Shapes
    /// (batch, `Side0`, `Side0`, channels) -> (batch, `Side1`, `Side1`, `Width`), where `Side1` is half of `Side0`, rounded
    /// up
    #[derive(Clone, Debug, PartialEq)]
    pub struct MinAtarPooledResidual<Side0 = Const<10>, Side1 = Const<5>, Width = Const<32>>(
        Layers<Side0, Side1, Width>,
    );

    type Layers<Side0, Side1, Width> = (Stage<Side0, Side1, Width>, Relu);

    impl<Side0: Size, Side1: Size, Width: Size> MinAtarPooledResidual<Side0, Side1, Width> {
        /// The encoder for observations of `shape` (height, width, channels), to a feature map of `width` channels.
        ///
        /// The kernel of the stage is Xavier-uniform, the kernels of its blocks are LeCun-normal, and biases are zero.
        /// Parameters are called `<name>/convolution/kernel`, `<name>/block_<0, 1>/convolution_<0, 1>/kernel`, and
        /// `../bias`.
        ///
        /// # Panics
        /// If a side is a constant that does not follow from the observation's.
        pub fn new(builder: &mut Builder, name: &str, shape: [usize; 3], width: Width) -> Self {
            let [rows, columns, channels] = shape;
            let input = [rows, columns];
            let output = input.map(|side| side.div_ceil(2));
            MinAtarPooledResidual((stage(builder, (name.to_owned(), input, output), channels, width), Relu))
        }
    }

    encoder!(MinAtarPooledResidual<Side0, Side1, Width> -> (Side1, Width));
}

mod residual {
    use super::*;

    /// As [`MinAtarPooledResidual`], without the pooling.
    ///
    /// # Shapes
    /// (batch, `Side`, `Side`, channels) -> (batch, `Side`, `Side`, `Width`)
    #[derive(Clone, Debug, PartialEq)]
    pub struct MinAtarResidual<Side = Const<10>, Width = Const<32>>(Layers<Side, Width>);

    type Layers<Side, Width> =
        (Conv2d<Side, Side, Width, 3, 1, Same>, Block<Side, Width>, Block<Side, Width>, Relu);

    impl<Side: Size, Width: Size> MinAtarResidual<Side, Width> {
        /// The encoder, with initializers and names as in [`MinAtarPooledResidual::new`].
        ///
        /// # Panics
        /// If `Side` is a constant that does not follow from the observation's.
        pub fn new(builder: &mut Builder, name: &str, shape: [usize; 3], width: Width) -> Self {
            let [rows, columns, channels] = shape;
            let sides = (side(rows), side(columns));
            MinAtarResidual((
                Conv2d::with_initializer(
                    builder,
                    &format!("{name}/convolution"),
                    channels,
                    (sides.0, sides.1, width),
                    Initializer::xavier_uniform,
                ),
                block(builder, &format!("{name}/block_0"), sides, width),
                block(builder, &format!("{name}/block_1"), sides, width),
                Relu,
            ))
        }
    }

    encoder!(MinAtarResidual<Side, Width> -> (Side, Width));
}
