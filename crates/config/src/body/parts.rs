//! Parts of a body: its tokens, slots, experts, mixing weights, pooling.

use crate::{ConfigError, file};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The tokens of a feature map (H, W, C).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokensSpec {
    /// Positions of the map: H W tokens of width C.
    #[default]
    PerConv,
    /// A 3x3 convolution of stride 3 to C channels, no padding; its positions.
    PerPatch,
    /// Means of 3x3 patches, no padding; their positions.
    PerPatchAverage,
    /// Channels of the map: C tokens of width H W.
    PerFeature,
    /// As `per_conv`, after one fixed random permutation of all values.
    Shuffled,
    /// The whole map: one token of width H W C.
    PerSample,
}

impl TokensSpec {
    /// The tokens' names.
    pub const NAMES: [&str; 6] =
        ["per_conv", "per_patch", "per_patch_average", "per_feature", "shuffled", "per_sample"];

    /// Number m and width d of the tokens of a feature `map`, (height, width, channels).
    pub const fn sizes(self, map: [usize; 3]) -> (usize, usize) {
        let [height, width, channels] = map;
        match self {
            TokensSpec::PerConv | TokensSpec::Shuffled => (height * width, channels),
            TokensSpec::PerPatch | TokensSpec::PerPatchAverage => ((height / 3) * (width / 3), channels),
            TokensSpec::PerFeature => (channels, height * width),
            TokensSpec::PerSample => (1, height * width * channels),
        }
    }
}

/// Slots of each expert, as a rule on the number of tokens m and of experts n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotsSpec {
    /// p = ceil(m / n), the release's capacity factor of 1.
    #[default]
    TokensOverExperts,
    /// p = m.
    Tokens,
    /// p = ceil(f m) for a fraction f.
    Fraction(f64),
    /// p, a number.
    Count(usize),
}

impl SlotsSpec {
    /// The number of slots of each of `experts` experts over `tokens` tokens, at least 1.
    pub fn count(self, tokens: usize, experts: usize) -> usize {
        let slots = match self {
            SlotsSpec::TokensOverExperts => tokens.div_ceil(experts.max(1)),
            SlotsSpec::Tokens => tokens,
            // 0.1 of 30 is 3, although 0.1 is not exact in binary.
            SlotsSpec::Fraction(fraction) => (fraction * tokens as f64 - 1e-9).ceil() as usize,
            SlotsSpec::Count(count) => count,
        };
        slots.max(1)
    }
}

/// The rule as in a file, e.g. `tokens` or `fraction(0.1)`.
impl fmt::Display for SlotsSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        file::one_line(self, f)
    }
}

/// As in a file.
impl FromStr for SlotsSpec {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        file::value("rule on slots", text)
    }
}

/// The kind of an expert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpertSpec {
    /// Dense layers, on slots of the encoder's tokens.
    #[default]
    Small,
    /// An encoder and dense layers, on slots of the observation's pixels; no encoder comes before.
    Big,
}

/// Weights of a mixture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MixingSpec {
    /// Softmax of the logits.
    #[default]
    Learned,
    /// Equal weights.
    Uniform,
}

/// Pooling of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolSpec {
    /// Their sum.
    #[default]
    Sum,
    /// Their mean.
    Mean,
}

/// Place of the ReLU in a tokenized body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReluSpec {
    /// On every token, before pooling.
    #[default]
    Before,
    /// On the pooled vector.
    After,
}

/// The two simplicial embeddings of the paper's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SimplicialSpec {
    /// Softmax of the feature map over its width, then flatten, dense, ReLU.
    V1,
    /// Flatten, dense to all groups, softmax within each, ReLU.
    V2,
}
