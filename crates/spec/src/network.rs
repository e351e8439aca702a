//! Which network a run trains: encoder, tokens, body, head, sizes.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A network, by the names of its parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// What turns an observation into a feature map.
    pub encoder: EncoderSpec,
    /// What stands between the feature map and the head: the paper's penultimate layer.
    pub body: BodySpec,
    /// Hidden width before an arm's `scale` (Atari 512, MinAtar 128).
    pub hidden: usize,
}

/// An encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncoderSpec {
    /// One 3x3 VALID convolution of 16 channels and ReLU: 10x10 -> 8x8x16 (MinAtar's DQN).
    #[serde(rename = "minatar")]
    MinAtar,
}

/// A body: `hidden` below is the network's hidden width.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum BodySpec {
    /// Flatten, dense to `scale * hidden`, ReLU, and as many more layers of that width.
    Flat {
        /// Factor on the hidden width (1 if left out).
        #[serde(default = "unscaled")]
        scale: f64,
        /// Dense layers beyond the first (0 if left out).
        #[serde(default)]
        extra_layers: usize,
    },
    /// Soft mixture of experts over the feature map's positions (PerConv tokens).
    SoftMoe {
        /// Number of experts n.
        experts: usize,
        /// Slots p of each expert (p = ceil(m / n) if left out).
        #[serde(default)]
        slots: SlotsSpec,
        /// Factor on the experts' hidden width (1 if left out).
        #[serde(default = "unscaled")]
        scale: f64,
        /// Hidden layers of an expert beyond the first (0 if left out).
        #[serde(default)]
        extra_layers: usize,
    },
    /// Experts that choose their tokens (Zhou et al. 2022) among the feature map's positions.
    ExpertChoice {
        /// Number of experts n.
        experts: usize,
        /// Tokens p that each expert takes (p = ceil(m / n) if left out).
        #[serde(default)]
        slots: SlotsSpec,
        /// Factor on the experts' hidden width (1 if left out).
        #[serde(default = "unscaled")]
        scale: f64,
    },
}

impl BodySpec {
    /// The bodies that networks are compiled for, in words: what [`BodySpec::is_compiled`] allows.
    pub const COMPILED: &str = "flat with extra_layers 0 or 1; soft_moe with 1, 2, 4 or 8 experts (slots \
         tokens_over_experts), or 1 or 4 (slots tokens); expert_choice with 1 or 4 experts (slots either)";

    /// Whether a network with this body is compiled in: numbers of experts and of slots are sizes that the
    /// compiler checks, so that each pair is a type of its own.
    pub const fn is_compiled(&self) -> bool {
        match self {
            BodySpec::Flat { extra_layers, .. } => matches!(extra_layers, 0 | 1),
            BodySpec::SoftMoe { experts, slots: SlotsSpec::TokensOverExperts, .. } => {
                matches!(experts, 1 | 2 | 4 | 8)
            }
            BodySpec::SoftMoe { experts, slots: SlotsSpec::Tokens, .. }
            | BodySpec::ExpertChoice { experts, .. } => matches!(experts, 1 | 4),
        }
    }
}

/// What decides whether the body [is compiled](BodySpec::is_compiled), e.g. `soft_moe with 3 experts (slots tokens)`.
impl fmt::Display for BodySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodySpec::Flat { extra_layers, .. } => write!(f, "flat with extra_layers {extra_layers}"),
            BodySpec::SoftMoe { experts, slots, .. } => {
                write!(f, "soft_moe with {experts} experts (slots {slots})")
            }
            BodySpec::ExpertChoice { experts, slots, .. } => {
                write!(f, "expert_choice with {experts} experts (slots {slots})")
            }
        }
    }
}

fn unscaled() -> f64 {
    1.0
}

/// Slots of each expert, as a rule on the number of tokens m and of experts n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotsSpec {
    /// p = ceil(m / n), the release's capacity factor of 1.
    #[default]
    TokensOverExperts,
    /// p = m.
    Tokens,
}

/// The rule's name in files and on the command line.
impl fmt::Display for SlotsSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SlotsSpec::TokensOverExperts => "tokens_over_experts",
            SlotsSpec::Tokens => "tokens",
        })
    }
}

impl SlotsSpec {
    /// The number of slots of each of `experts` experts over `tokens` tokens.
    pub const fn count(self, tokens: usize, experts: usize) -> usize {
        match self {
            SlotsSpec::TokensOverExperts => tokens.div_ceil(experts),
            SlotsSpec::Tokens => tokens,
        }
    }
}
