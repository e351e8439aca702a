//! MinAtar's encoder.

use super::{encoder, side};
use crate::layers::{Conv2d, Relu};
use crate::shapes::Const;
use crate::{Backward, Builder, Layer, LayerDescription, Scalar, Size, Weights};

/// The encoder for MinAtar: a 3x3 convolution without padding, and a ReLU.
///
/// # Shapes
/// (batch, height, width, channels) -> (batch, `Side` = height - 2, `Side` = width - 2, `Width`)
#[derive(Clone, Debug, PartialEq)]
pub struct MinAtar<Side = Const<8>, Width = Const<16>>(Layers<Side, Width>);

type Layers<Side, Width> = (Conv2d<Side, Side, Width, 3, 1>, Relu);

impl<Side: Size, Width: Size> MinAtar<Side, Width> {
    /// The encoder for observations of `shape` (height, width, channels), to a feature map of `width` channels; with
    /// Flax's default initializers, as `<name>/kernel` and `<name>/bias`.
    ///
    /// # Panics
    /// If `Side` is a constant that does not follow from the observation's.
    pub fn new(builder: &mut Builder, name: &str, shape: [usize; 3], width: Width) -> Self {
        let [rows, columns, channels] = shape;
        let output = (side(rows.saturating_sub(2)), side(columns.saturating_sub(2)), width);
        MinAtar((Conv2d::new(builder, name, channels, output), Relu))
    }
}

encoder!(MinAtar<Side, Width> -> (Side, Width));
