//! Bodies: the part of a network between feature map and head.

mod check;
mod named;
mod parts;

pub(crate) use check::EncoderSizes;
pub use parts::{ExpertSpec, MixingSpec, PoolSpec, ReluSpec, SimplicialSpec, SlotsSpec, TokensSpec};

use crate::{ConfigError, DeviceBodySpec, file};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// The body of a network: the layers between encoder and head. Below, `hidden` is the network's hidden width, d the width of a token, m the number of tokens.
///
/// ```
/// use softmoe_config::{BodySpec, SlotsSpec};
///
/// let body: BodySpec = "soft_moe(experts: 4, slots: fraction(0.1))".parse()?;
/// let BodySpec::SoftMoe { experts, slots, .. } = body else { panic!("another body") };
/// assert_eq!((experts, slots.count(64, experts)), (4, 7));
/// # Ok::<(), softmoe_config::ConfigError>(())
/// ```
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
    /// Soft mixture of experts (Puigcerver et al. 2024, arXiv 2308.00951); its m x d outputs are flattened into the
    /// head.
    SoftMoe {
        /// Number of experts n.
        experts: usize,
        /// Slots p of each expert (p = ceil(m / n) if left out).
        #[serde(default)]
        slots: SlotsSpec,
        /// The kind of tokens (`per_conv` if left out).
        #[serde(default)]
        tokens: TokensSpec,
        /// Factor on the experts' hidden width (1 if left out).
        #[serde(default = "unscaled")]
        scale: f64,
        /// Hidden layers of an expert beyond the first (0 if left out).
        #[serde(default)]
        extra_layers: usize,
        /// The kind of experts (`small` if left out).
        #[serde(default)]
        expert_type: ExpertSpec,
        /// Whether tokens and Phi are scaled to length one for the logits, with a learned scale (section 2.3 there;
        /// not if left out).
        #[serde(default)]
        normalised: bool,
        /// The learned scale's initial value, only where `normalised` (1 if left out). A larger scale makes the initial mixing
        /// sharper: SoftMoE is then no longer the paper's layer, but a control.
        #[serde(default = "unscaled", serialize_with = "named::number", deserialize_with = "named::one_or")]
        initial_scale: f64,
        /// Whether Phi is fixed at its initial values (a control; not if left out).
        #[serde(default)]
        random_phi: bool,
        /// The weights of the tokens in a slot (a control; `learned` if left out).
        #[serde(default)]
        dispatch: MixingSpec,
        /// The weights of the slots in an output (a control; `learned` if left out).
        #[serde(default)]
        combine: MixingSpec,
        /// Whether the outputs pass a dense layer to `hidden` and ReLU before the head, as flat's do (a control; not
        /// if left out).
        #[serde(default)]
        bottleneck: bool,
        /// Whether the tokens are added to the outputs, x + SoftMoE(x) (a control; not if left out).
        #[serde(default, serialize_with = "named::truth", deserialize_with = "named::no_or")]
        residual: bool,
    },
    /// Experts that choose their tokens (Zhou et al. 2022, arXiv 2202.09368).
    ExpertChoice {
        /// Number of experts n.
        experts: usize,
        /// Tokens p that each expert takes (p = ceil(m / n) if left out).
        #[serde(default)]
        slots: SlotsSpec,
        /// The kind of tokens (`per_conv` if left out).
        #[serde(default)]
        tokens: TokensSpec,
        /// Factor on the experts' hidden width (1 if left out).
        #[serde(default = "unscaled")]
        scale: f64,
        /// Hidden layers of an expert beyond the first (0 if left out).
        #[serde(default)]
        extra_layers: usize,
        /// As for `soft_moe`.
        #[serde(default)]
        bottleneck: bool,
    },
    /// Tokens that choose their k experts (Shazeer et al. 2017, arXiv 1701.06538).
    TopK {
        /// Number of experts n.
        experts: usize,
        /// Experts k that each token chooses (1 if left out).
        #[serde(default = "one")]
        k: usize,
        /// Factor on an expert's capacity: it takes at most ceil(k m / n) times this many tokens (1 if left out).
        #[serde(default = "unscaled")]
        capacity_factor: f64,
        /// Factor on the loss that balances the experts' importance (0 if left out).
        #[serde(default)]
        importance_loss: f64,
        /// Factor on the loss that balances the experts' load (0 if left out).
        #[serde(default)]
        load_loss: f64,
        /// The kind of tokens (`per_conv` if left out).
        #[serde(default)]
        tokens: TokensSpec,
        /// Factor on the experts' hidden width (1 if left out).
        #[serde(default = "unscaled")]
        scale: f64,
        /// Hidden layers of an expert beyond the first (0 if left out).
        #[serde(default)]
        extra_layers: usize,
        /// As for `soft_moe`.
        #[serde(default)]
        bottleneck: bool,
    },
    /// One dense layer d -> `scale * hidden` for every token, then pooling over the tokens.
    Tokenized {
        /// How the tokens are pooled (`sum` if left out).
        #[serde(default)]
        pool: PoolSpec,
        /// Place of the ReLU (`before` pooling if left out).
        #[serde(default)]
        relu: ReluSpec,
        /// The kind of tokens (`per_conv` if left out).
        #[serde(default)]
        tokens: TokensSpec,
        /// Factor on the hidden width (1 if left out).
        #[serde(default = "unscaled")]
        scale: f64,
    },
    /// Mean over the positions of each channel, dense to `scale * hidden`, ReLU (arXiv 2505.17749).
    GlobalAveragePooling {
        /// Factor on the hidden width (1 if left out).
        #[serde(default = "unscaled")]
        scale: f64,
    },
    /// Simplicial embeddings (Lavoie et al. 2022, arXiv 2204.00616), as the paper's code has them.
    Simplicial {
        /// Place of the softmax.
        version: SimplicialSpec,
        /// Groups of `v2`, each a softmax of `scale * hidden` values (1 if left out; `v1` has none).
        #[serde(default = "one")]
        groups: usize,
        /// Temperature of the softmax: its inputs are divided by it (0.1 if left out).
        #[serde(default = "tenth")]
        temperature: f64,
        /// Factor on the hidden width (1 if left out).
        #[serde(default = "unscaled")]
        scale: f64,
    },
    /// Body that takes tokens and has a forward pass for devices only.
    DeviceOnly {
        /// The body.
        body: DeviceBodySpec,
        /// The kind of tokens (`per_conv` if left out).
        #[serde(default)]
        tokens: TokensSpec,
        /// Factor on the hidden width (1 if left out).
        #[serde(default = "unscaled")]
        scale: f64,
    },
}

fn unscaled() -> f64 {
    1.0
}

fn tenth() -> f64 {
    0.1
}

fn one() -> usize {
    1
}

impl BodySpec {
    /// The bodies' names.
    pub const NAMES: [&str; 8] = [
        "flat",
        "soft_moe",
        "expert_choice",
        "top_k",
        "tokenized",
        "global_average_pooling",
        "simplicial",
        "device_only",
    ];

    /// `flat()`.
    pub const fn flat() -> Self {
        BodySpec::Flat { scale: 1.0, extra_layers: 0 }
    }

    /// `soft_moe(experts: ..)`.
    pub const fn soft_moe(experts: usize) -> Self {
        BodySpec::SoftMoe {
            experts,
            slots: SlotsSpec::TokensOverExperts,
            tokens: TokensSpec::PerConv,
            scale: 1.0,
            extra_layers: 0,
            expert_type: ExpertSpec::Small,
            normalised: false,
            initial_scale: 1.0,
            random_phi: false,
            dispatch: MixingSpec::Learned,
            combine: MixingSpec::Learned,
            bottleneck: false,
            residual: false,
        }
    }

    /// The body's name in files.
    pub const fn name(&self) -> &'static str {
        match self {
            BodySpec::Flat { .. } => "flat",
            BodySpec::SoftMoe { .. } => "soft_moe",
            BodySpec::ExpertChoice { .. } => "expert_choice",
            BodySpec::TopK { .. } => "top_k",
            BodySpec::Tokenized { .. } => "tokenized",
            BodySpec::GlobalAveragePooling { .. } => "global_average_pooling",
            BodySpec::Simplicial { .. } => "simplicial",
            BodySpec::DeviceOnly { .. } => "device_only",
        }
    }

    /// Factor on the hidden width.
    pub const fn scale(&self) -> f64 {
        match *self {
            BodySpec::Flat { scale, .. }
            | BodySpec::SoftMoe { scale, .. }
            | BodySpec::ExpertChoice { scale, .. }
            | BodySpec::TopK { scale, .. }
            | BodySpec::Tokenized { scale, .. }
            | BodySpec::GlobalAveragePooling { scale }
            | BodySpec::Simplicial { scale, .. }
            | BodySpec::DeviceOnly { scale, .. } => scale,
        }
    }

    /// The body that runs on devices only; none for another body.
    pub const fn device_only(&self) -> Option<DeviceBodySpec> {
        match *self {
            BodySpec::DeviceOnly { body, .. } => Some(body),
            _ => None,
        }
    }

    /// The kind of tokens, if the body has tokens.
    pub const fn tokens(&self) -> Option<TokensSpec> {
        match *self {
            BodySpec::SoftMoe { tokens, .. }
            | BodySpec::ExpertChoice { tokens, .. }
            | BodySpec::TopK { tokens, .. }
            | BodySpec::Tokenized { tokens, .. }
            | BodySpec::DeviceOnly { tokens, .. } => Some(tokens),
            BodySpec::Flat { .. } | BodySpec::GlobalAveragePooling { .. } | BodySpec::Simplicial { .. } => {
                None
            }
        }
    }
}

impl BodySpec {
    /// Whether it is a mixture of experts.
    pub const fn has_experts(&self) -> bool {
        self.experts() > 0
    }

    /// Its number of experts; 0 for a body that is no mixture.
    pub const fn experts(&self) -> usize {
        match *self {
            BodySpec::SoftMoe { experts, .. }
            | BodySpec::ExpertChoice { experts, .. }
            | BodySpec::TopK { experts, .. } => experts,
            _ => 0,
        }
    }
}

/// As in a file, in one line, without the fields that are as if left out.
impl fmt::Display for BodySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(Value::Object(mut variant)) = serde_json::to_value(self) else { return Err(fmt::Error) };
        let name = self.name();
        let Some(Value::Object(fields)) = variant.get_mut(name) else { return Err(fmt::Error) };
        for key in fields.keys().cloned().collect::<Vec<_>>() {
            let mut without = fields.clone();
            without.remove(&key);
            let rest = serde_json::json!({ name: without.clone() });
            if serde_json::from_value(rest).is_ok_and(|body: BodySpec| body == *self) {
                *fields = without;
            }
        }
        let fields: Vec<String> =
            fields.iter().map(|(key, value)| format!("{key}: {}", file::in_ron(value))).collect();
        write!(f, "{name}({})", fields.join(", "))
    }
}

/// As in a file; `flat` is `flat()`.
impl FromStr for BodySpec {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        file::value("body", text)
    }
}
