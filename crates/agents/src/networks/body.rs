//! The bodies: what stands between the feature map and the head.

use super::encoder::Map;
use super::tokens::{TokenRows, Tokens};
use crate::AgentError;
use softmoe_config::{Architecture, BodySpec, Device, MixingSpec, PoolSpec, ReluSpec, SimplicialSpec};
use softmoe_nets::layers::{
    Dense, ExpertChoice, Flatten, GlobalAveragePool, HiddenLayers, LoadBalancing, Pooling, Relu, ReluPlace,
    SimplicialGroups, SimplicialMap, SoftMoe, Tokenized, TokenizedSettings, TopKChoice, TopKSettings,
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
                let (tokens, [m, d]) = Tokens::new(b, architecture, tokens);
                let experts = ExpertSettings { hidden, extra_layers, noisy };
                let mixture = Mixture::new(b, &network.body, [m, d], experts);
                let count = usize::from(bottleneck);
                let layers = HiddenLayers::new(b, "bottleneck", m * d, network.hidden, count, noisy);
                Body::Mixture((tokens, mixture, Flatten(m * d), layers))
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

one_of! {
    /// A mixture of experts over tokens.
    pub(super) enum Mixture: TokenRows => TokenRows, workspace MixtureWorkspace {
        SoftMoe(SoftMoe<usize, usize, usize, usize>),
        ExpertChoice(ExpertChoice<usize, usize, usize, usize>),
        TopK(TopKChoice<usize, usize, usize>),
    }
}

impl Mixture {
    /// The mixture that `body` describes, over m tokens of width d.
    ///
    /// # Panics
    /// If `body` is no mixture.
    pub(super) fn new(
        b: &mut Builder,
        body: &BodySpec,
        [m, d]: [usize; 2],
        experts_are: ExpertSettings,
    ) -> Self {
        match *body {
            BodySpec::SoftMoe { experts: n, slots, normalised, random_phi, dispatch, combine, .. } => {
                let make = if normalised { SoftMoe::normalised } else { SoftMoe::new };
                let mut mixture = make(b, "soft_moe", (m, d, n, slots.count(m, n)), experts_are);
                if random_phi {
                    mixture = mixture.with_fixed_phi(b);
                }
                if dispatch == MixingSpec::Uniform {
                    mixture = mixture.with_uniform_dispatch();
                }
                if combine == MixingSpec::Uniform {
                    mixture = mixture.with_uniform_combine();
                }
                Mixture::SoftMoe(mixture)
            }
            BodySpec::ExpertChoice { experts: n, slots, .. } => {
                let sizes = (m, d, n, slots.count(m, n));
                Mixture::ExpertChoice(ExpertChoice::new(b, "expert_choice", sizes, experts_are))
            }
            BodySpec::TopK { experts: n, k, capacity_factor, importance_loss, load_loss, .. } => {
                let (importance, load) = (importance_loss, load_loss);
                let balancing = LoadBalancing { importance, load, ..LoadBalancing::default() };
                let routing = TopKSettings { choices: k, capacity_factor, balancing };
                Mixture::TopK(TopKChoice::new(b, "top_k", (m, d, n), experts_are, routing))
            }
            _ => unreachable!("`{body}` is no mixture"),
        }
    }
}
