//! The bodies: what stands between the feature map and the head.

use super::encoder::Map;
use super::mixture::{Mixture, after_a_mixture};
use super::tokens::Tokens;
use crate::AgentError;
use softmoe_config::{Architecture, BodySpec, Device, PoolSpec, ReluSpec, SimplicialSpec};
use softmoe_nets::layers::{
    Dense, Flatten, GlobalAveragePool, HiddenLayers, Pooling, Relu, ReluPlace, SimplicialGroups,
    SimplicialMap, Tokenized, TokenizedSettings,
};
use softmoe_nets::{Builder, ExpertSettings, one_of};

/// What the head takes: (batch, features).
pub(super) type Row = (usize, usize);

one_of! {
    /// A body over a feature map.
    pub(super) enum Body: Map => Row, workspace BodyWorkspace {
        Flat((Flatten<usize>, HiddenLayers<usize>)),
        GlobalAveragePooling((GlobalAveragePool, HiddenLayers<usize>)),
        SimplicialV1((SimplicialMap, Flatten<usize>, HiddenLayers<usize>)),
        SimplicialV2((Flatten<usize>, Dense<usize, usize>, SimplicialGroups<usize>, Relu)),
        Mixture((Tokens, Mixture, Flatten<usize>, HiddenLayers<usize>)),
        Tokenized((Tokens, Tokenized<usize, usize>)),
    }
}

impl Body {
    /// The body of `architecture`, over its encoder's feature map.
    ///
    /// # Errors
    /// [`AgentError::DeviceOnly`] if it has no gradients on the CPU engine.
    pub(super) fn new(b: &mut Builder, architecture: &Architecture) -> Result<Self, AgentError> {
        let network = &architecture.network;
        let (hidden, noisy) = (network.scaled_hidden(), architecture.head.noisy());
        let map @ [.., channels] = network.encoder.feature_map();
        let features = map.iter().product();
        Ok(match network.body {
            BodySpec::Flat { extra_layers, .. } => {
                let layers = HiddenLayers::new(b, "hidden", features, hidden, 1 + extra_layers, noisy);
                Body::Flat((Flatten(features), layers))
            }
            BodySpec::GlobalAveragePooling { .. } => {
                let layers = HiddenLayers::new(b, "hidden", channels, hidden, 1, noisy);
                Body::GlobalAveragePooling((GlobalAveragePool, layers))
            }
            BodySpec::Simplicial { version: SimplicialSpec::V1, temperature, .. } => {
                let layers = HiddenLayers::new(b, "hidden", features, hidden, 1, noisy);
                Body::SimplicialV1((SimplicialMap { temperature }, Flatten(features), layers))
            }
            BodySpec::Simplicial { version: SimplicialSpec::V2, groups, temperature, .. } => {
                let dense = Dense::new(b, "hidden", features, groups * hidden, noisy);
                let embedding = SimplicialGroups { groups, temperature };
                Body::SimplicialV2((Flatten(features), dense, embedding, Relu))
            }
            BodySpec::SoftMoe { tokens, extra_layers, bottleneck, .. }
            | BodySpec::ExpertChoice { tokens, extra_layers, bottleneck, .. }
            | BodySpec::TopK { tokens, extra_layers, bottleneck, .. } => {
                let (tokens, sizes) = Tokens::new(b, architecture, tokens);
                let experts = ExpertSettings { hidden, extra_layers, noisy };
                let mixture = Mixture::new(b, &network.body, sizes, experts);
                let (flatten, layers) = after_a_mixture(b, architecture, sizes, bottleneck);
                Body::Mixture((tokens, mixture, flatten, layers))
            }
            BodySpec::Tokenized { pool, relu, tokens, .. } => {
                let (tokens, [_, d]) = Tokens::new(b, architecture, tokens);
                let pooling = if pool == PoolSpec::Sum { Pooling::Sum } else { Pooling::Mean };
                let before = relu == ReluSpec::Before;
                let relu = if before { ReluPlace::BeforePooling } else { ReluPlace::AfterPooling };
                let settings = TokenizedSettings { pooling, relu, noisy };
                Body::Tokenized((tokens, Tokenized::new(b, "hidden", d, hidden, settings)))
            }
            BodySpec::DeviceOnly { body, .. } => {
                return Err(AgentError::DeviceOnly(body.why_not_on(Device::Cpu).unwrap_or_default()));
            }
        })
    }
}
