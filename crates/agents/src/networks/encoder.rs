//! The encoders, and how many channels their convolutions have.

use softmoe_config::EncoderSpec;
use softmoe_nets::encoders::{Impala, MinAtar, MinAtarDeep, MinAtarPooledResidual, MinAtarResidual, Nature};
use softmoe_nets::layers::{Conv2d, Relu};
use softmoe_nets::{Builder, one_of};

/// Observations or feature maps: (batch, height, width, channels).
pub(super) type Map = (usize, usize, usize, usize);

one_of! {
    /// An encoder: it makes a feature map of an image.
    pub(super) enum Encoder: Map => Map, workspace EncoderWorkspace {
        MinAtar(MinAtar<usize, usize>),
        MinAtarDeep(MinAtarDeep<usize, usize>),
        MinAtarPooledResidual(MinAtarPooledResidual<usize, usize, usize>),
        MinAtarResidual(MinAtarResidual<usize, usize>),
        Nature(Nature<usize, usize, usize, usize, usize>),
        Impala(Impala<usize, usize, usize, usize, usize, usize, usize>),
        /// A dense layer over the channels of each pixel, of which a vector has one.
        Dense((Conv2d<usize, usize, usize, 1, 1>, Relu)),
    }
}

impl Encoder {
    /// The encoder of images of `shape` (height, width, channels). [`EncoderSpec::feature_map`] says what it makes of
    /// observations.
    pub(super) fn new(builder: &mut Builder, name: &str, spec: EncoderSpec, shape: [usize; 3]) -> Self {
        match spec {
            EncoderSpec::MinAtar => Encoder::MinAtar(MinAtar::new(builder, name, shape, 16)),
            EncoderSpec::MinAtarDeep => Encoder::MinAtarDeep(MinAtarDeep::new(builder, name, shape, 32)),
            EncoderSpec::MinAtarResidual { pooling: true } => {
                Encoder::MinAtarPooledResidual(MinAtarPooledResidual::new(builder, name, shape, 32))
            }
            EncoderSpec::MinAtarResidual { pooling: false } => {
                Encoder::MinAtarResidual(MinAtarResidual::new(builder, name, shape, 32))
            }
            EncoderSpec::Nature => Encoder::Nature(Nature::new(builder, name, shape, (32, 64, 64))),
            EncoderSpec::Impala { width } => {
                let widths = (16 * width, 32 * width, 32 * width);
                Encoder::Impala(Impala::new(builder, name, shape, widths))
            }
            EncoderSpec::Dense { width } => {
                let [rows, columns, channels] = shape;
                Encoder::Dense((Conv2d::new(builder, name, channels, (rows, columns, width)), Relu))
            }
        }
    }
}
