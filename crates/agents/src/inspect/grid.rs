//! The positions of a mixture's tokens in the observation.

use softmoe_config::{Architecture, BodySpec, EncoderSpec, ExpertSpec, TokensSpec};

/// The tokens of a mixture as cells of a grid over the observation, row by row.
///
/// A cell is as large as the distance between neighbouring tokens. It lies around the centre of the pixels that the token depends on;
/// these pixels extend beyond the cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenGrid {
    /// Rows of tokens.
    pub rows: usize,
    /// Tokens in a row.
    pub columns: usize,
    /// Top and left of the first cell, in shares of the observation's height and width.
    pub origin: [f64; 2],
    /// Height and width of a cell, in the same shares. The last cells may reach beyond the observation.
    pub cell: [f64; 2],
}

impl TokenGrid {
    /// The grid of the network's mixture; `None` without a mixture, or if its tokens have no position in the observation: shuffled
    /// values, channels, or the whole map.
    pub fn of(architecture: &Architecture) -> Option<Self> {
        let [height, width, _] = architecture.observation;
        let body = &architecture.network.body;
        if let BodySpec::SoftMoe { expert_type: ExpertSpec::Big, .. } = body {
            return Some(Self::new([height, width], [height, width], 0.0, 1.0));
        }
        let (BodySpec::SoftMoe { tokens, .. }
        | BodySpec::ExpertChoice { tokens, .. }
        | BodySpec::TopK { tokens, .. }) = body
        else {
            return None;
        };
        let [rows, columns, _] = architecture.network.encoder.feature_map();
        // Pixels before the first cell, and between the centres of neighbouring positions of the feature map.
        let (before, stride) = match architecture.network.encoder {
            // A 3x3 convolution without padding.
            EncoderSpec::MinAtar => (1.0, 1.0),
            EncoderSpec::MinAtarDeep | EncoderSpec::MinAtarResidual { pooling: false } => (0.0, 1.0),
            // A pooling of stride 2, padded at the end only: half a pixel before.
            EncoderSpec::MinAtarResidual { pooling: true } => (0.5, 2.0),
            // Strides 4 and 2, padded so that a position is in the middle of its 8 pixels.
            EncoderSpec::Nature => (0.0, 8.0),
            // Three poolings of stride 2, padded at the end only, but for the last: half a pixel before.
            EncoderSpec::Impala { .. } => (-0.5, 8.0),
            EncoderSpec::Dense { .. } => (0.0, height.max(width) as f64),
        };
        let pixels = [height, width];
        match tokens {
            TokensSpec::PerConv => Some(Self::new([rows, columns], pixels, before, stride)),
            TokensSpec::PerPatch | TokensSpec::PerPatchAverage => {
                Some(Self::new([rows / 3, columns / 3], pixels, before, 3.0 * stride))
            }
            TokensSpec::PerFeature | TokensSpec::Shuffled | TokensSpec::PerSample => None,
        }
    }

    fn new([rows, columns]: [usize; 2], pixels: [usize; 2], before: f64, stride: f64) -> Self {
        let [height, width] = pixels.map(|pixels| pixels as f64);
        TokenGrid {
            rows,
            columns,
            origin: [before / height, before / width],
            cell: [stride / height, stride / width],
        }
    }
}
