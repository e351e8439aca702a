//! The residual network of Impala.

use super::{encoder, side};
use crate::layers::{Conv2d, MaxPool2d, Relu, Residual, Same};
use crate::shapes::Const;
use crate::{Backward, Builder, Initializer, Layer, LayerDescription, Scalar, Size, Weights};

/// The deep encoder of Espeholt et al. (2018, arXiv 1802.01561, figure 3), without its LSTM: three stages, each a 3x3
/// convolution, max pooling that halves height and width, and two residual blocks; then a ReLU.
///
/// A block adds ReLU, convolution, ReLU, convolution of its input to the input. All padding is SAME. The initializers
/// are Dopamine's.
///
/// # Shapes
/// (batch, `Side0`, `Side0`, channels) -> (batch, `Side3`, `Side3`, `Width2`); the stages make (`Side1`, `Side1`,
/// `Width0`), (`Side2`, `Side2`, `Width1`) and (`Side3`, `Side3`, `Width2`), each side half the one before, rounded up.
/// Wider encoders have multiples of the widths (16, 32, 32).
#[derive(Clone, Debug, PartialEq)]
pub struct Impala<
    Side0 = Const<84>,
    Side1 = Const<42>,
    Side2 = Const<21>,
    Side3 = Const<11>,
    Width0 = Const<16>,
    Width1 = Const<32>,
    Width2 = Const<32>,
>(Layers<Side0, Side1, Side2, Side3, Width0, Width1, Width2>);

type Layers<Side0, Side1, Side2, Side3, Width0, Width1, Width2> =
    (Stage<Side0, Side1, Width0>, Stage<Side1, Side2, Width1>, Stage<Side2, Side3, Width2>, Relu);

/// A convolution to (`Input`, `Input`, `Width`), pooling to (`Output`, `Output`, `Width`), and two blocks.
pub(super) type Stage<Input, Output, Width> = (
    Conv2d<Input, Input, Width, 3, 1, Same>,
    MaxPool2d<Output, Output, 3, 2, Same>,
    Block<Output, Width>,
    Block<Output, Width>,
);

pub(super) type Block<Side, Width> =
    Residual<(Relu, Conv2d<Side, Side, Width, 3, 1, Same>, Relu, Conv2d<Side, Side, Width, 3, 1, Same>)>;

impl<Side0: Size, Side1: Size, Side2: Size, Side3: Size, Width0: Size, Width1: Size, Width2: Size>
    Impala<Side0, Side1, Side2, Side3, Width0, Width1, Width2>
{
    /// The encoder for observations of `shape` (height, width, channels), with stages of `widths` channels: 16, 32 and
    /// 32 in the paper.
    ///
    /// The kernel of a stage is Xavier-uniform, the kernels of its blocks are LeCun-normal, and biases are zero.
    /// Parameters are called `<name>/stage_<0 to 2>/convolution/kernel`, `<name>/stage_0/block_<0, 1>/convolution_<0,
    /// 1>/kernel`, and so on, with `../bias`.
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
        let mut sides = [rows, columns];
        let mut stage = |number: usize| {
            let input = sides;
            sides = sides.map(|side| side.div_ceil(2));
            (format!("{name}/stage_{number}"), input, sides)
        };
        let (stages_0, stages_1, stages_2) = (stage(0), stage(1), stage(2));
        Impala((
            self::stage(builder, stages_0, channels, widths.0),
            self::stage(builder, stages_1, widths.0.size(), widths.1),
            self::stage(builder, stages_2, widths.1.size(), widths.2),
            Relu,
        ))
    }
}

/// A stage with a name and the sides (height, width) before and after its pooling.
pub(super) fn stage<Input: Size, Output: Size, Width: Size>(
    builder: &mut Builder,
    (name, input, output): (String, [usize; 2], [usize; 2]),
    channels: usize,
    width: Width,
) -> Stage<Input, Output, Width> {
    let convolved = (side(input[0]), side(input[1]), width);
    let output = (side(output[0]), side(output[1]));
    (
        Conv2d::with_initializer(
            builder,
            &format!("{name}/convolution"),
            channels,
            convolved,
            Initializer::xavier_uniform,
        ),
        MaxPool2d::new(output),
        block(builder, &format!("{name}/block_0"), output, width),
        block(builder, &format!("{name}/block_1"), output, width),
    )
}

pub(super) fn block<Side: Size, Width: Size>(
    builder: &mut Builder,
    name: &str,
    (rows, columns): (Side, Side),
    width: Width,
) -> Block<Side, Width> {
    let mut convolution = |number: usize| {
        let name = format!("{name}/convolution_{number}");
        Conv2d::same(builder, &name, width.size(), (rows, columns, width))
    };
    let (first, second) = (convolution(0), convolution(1));
    Residual((Relu, first, Relu, second))
}

encoder!(Impala<Side0, Side1, Side2, Side3, Width0, Width1, Width2> -> (Side3, Width2));
