//! Everything before a network's head: an encoder, and a body over its feature map.

use super::big::{self, BigMixture};
use super::encoder::{Encoder, Map};
use super::tokens::{TokenRows, Tokens};
use crate::AgentError;
use softmoe_config::ExpertSpec::Big;
use softmoe_config::{Architecture, BodySpec, Device, MixingSpec, PoolSpec, ReluSpec, SimplicialSpec};
use softmoe_nets::layers::{
    Dense, ExpertChoice, Flatten, GlobalAveragePool, HiddenLayers, LoadBalancing, Pooling, Relu, ReluPlace,
    Residual, SimplicialGroups, SimplicialMap, SoftMoe, Tokenized, TokenizedSettings, TopKChoice,
    TopKSettings, Uniform,
};
use softmoe_nets::{Builder, ExpertSettings, one_of};

/// What the head takes: (batch, features).
type Row = (usize, usize);

one_of! {
    /// Everything before the head.
    pub(super) enum Trunk: Map => Row, workspace TrunkWorkspace {
        Flat((Encoder, Flatten<usize>, HiddenLayers<usize>)),
        GlobalAveragePooling((Encoder, GlobalAveragePool, HiddenLayers<usize>)),
        SimplicialV1((Encoder, SimplicialMap, Flatten<usize>, HiddenLayers<usize>)),
        SimplicialV2((Encoder, Flatten<usize>, Dense<usize, usize>, SimplicialGroups<usize>, Relu)),
        Mixture((Encoder, Tokens, Mixture, Flatten<usize>, HiddenLayers<usize>)),
        Tokenized((Encoder, Tokens, Tokenized<usize, usize>)),
        /// A mixture over the pixels: each of its experts has an encoder of its own.
        Big(BigMixture),
    }
}

impl Trunk {
    /// The trunk of `architecture`.
    ///
    /// # Errors
    /// [`AgentError::DeviceOnly`] if its body has no gradients on the CPU engine.
    pub(super) fn new(b: &mut Builder, architecture: &Architecture) -> Result<Self, AgentError> {
        let Architecture { network, head, observation, .. } = architecture;
        let (width, noisy) = (network.scaled_hidden(), head.noisy());
        let map @ [.., channels] = network.encoder.feature_map();
        let features = map.iter().product();
        let hidden = |b: &mut Builder, inputs, n| HiddenLayers::new(b, "hidden", inputs, width, n, noisy);
        if let BodySpec::SoftMoe { expert_type: Big, .. } = network.body {
            return Ok(Trunk::Big(big::mixture(b, architecture)));
        }
        let encoder = Encoder::new(b, "encoder", network.encoder, *observation);
        Ok(match network.body {
            BodySpec::Flat { extra_layers, .. } => {
                Trunk::Flat((encoder, Flatten(features), hidden(b, features, 1 + extra_layers)))
            }
            BodySpec::GlobalAveragePooling { .. } => {
                Trunk::GlobalAveragePooling((encoder, GlobalAveragePool, hidden(b, channels, 1)))
            }
            BodySpec::Simplicial { version: SimplicialSpec::V1, temperature, .. } => {
                let embedding = SimplicialMap { temperature };
                Trunk::SimplicialV1((encoder, embedding, Flatten(features), hidden(b, features, 1)))
            }
            BodySpec::Simplicial { version: SimplicialSpec::V2, groups, temperature, .. } => {
                let dense = Dense::new(b, "hidden", features, groups * width, noisy);
                let embedding = SimplicialGroups { groups, temperature };
                Trunk::SimplicialV2((encoder, Flatten(features), dense, embedding, Relu))
            }
            BodySpec::SoftMoe { tokens, extra_layers, bottleneck, .. }
            | BodySpec::ExpertChoice { tokens, extra_layers, bottleneck, .. }
            | BodySpec::TopK { tokens, extra_layers, bottleneck, .. } => {
                let (tokens, [m, d]) = Tokens::new(b, architecture, tokens);
                let experts = ExpertSettings { hidden: width, extra_layers, noisy };
                let mixture = mixture(b, &network.body, [m, d], experts);
                let count = usize::from(bottleneck);
                let layers = HiddenLayers::new(b, "bottleneck", m * d, network.hidden, count, noisy);
                Trunk::Mixture((encoder, tokens, mixture, Flatten(m * d), layers))
            }
            BodySpec::Tokenized { pool, relu, tokens, .. } => {
                let (tokens, [_, d]) = Tokens::new(b, architecture, tokens);
                let pooling = if pool == PoolSpec::Sum { Pooling::Sum } else { Pooling::Mean };
                let relu =
                    if relu == ReluSpec::Before { ReluPlace::BeforePooling } else { ReluPlace::AfterPooling };
                let settings = TokenizedSettings { pooling, relu, noisy };
                Trunk::Tokenized((encoder, tokens, Tokenized::new(b, "hidden", d, width, settings)))
            }
            BodySpec::DeviceOnly { body, .. } => {
                return Err(AgentError::DeviceOnly(body.why_not_on(Device::Cpu).unwrap_or_default()));
            }
        })
    }
}

one_of! {
    /// A mixture of experts over tokens.
    enum Mixture: TokenRows => TokenRows, workspace MixtureWorkspace {
        SoftMoe(SoftMoe<usize, usize, usize, usize>),
        ResidualSoftMoe(Residual<SoftMoe<usize, usize, usize, usize>>),
        ExpertChoice(ExpertChoice<usize, usize, usize, usize>),
        TopK(TopKChoice<usize, usize, usize>),
    }
}

/// The mixture that `body`, which is one, describes over m tokens of width d.
fn mixture(b: &mut Builder, body: &BodySpec, [m, d]: [usize; 2], settings: ExpertSettings) -> Mixture {
    match *body {
        BodySpec::SoftMoe {
            experts: n,
            slots,
            normalised,
            initial_scale,
            random_phi,
            dispatch,
            combine,
            residual,
            ..
        } => {
            let sizes = (m, d, n, slots.count(m, n));
            let mixture = match normalised {
                true => SoftMoe::normalised_from(b, "soft_moe", sizes, settings, initial_scale),
                false => SoftMoe::new(b, "soft_moe", sizes, settings),
            };
            let [dispatch, combine] = [dispatch, combine].map(|mixing| mixing == MixingSpec::Uniform);
            let mixture = mixture.with_uniform(Uniform { dispatch, combine });
            let mixture = if random_phi { mixture.with_fixed_phi(b) } else { mixture };
            if residual { Mixture::ResidualSoftMoe(Residual(mixture)) } else { Mixture::SoftMoe(mixture) }
        }
        BodySpec::ExpertChoice { experts: n, slots, .. } => {
            let sizes = (m, d, n, slots.count(m, n));
            Mixture::ExpertChoice(ExpertChoice::new(b, "expert_choice", sizes, settings))
        }
        BodySpec::TopK { experts: n, k, capacity_factor, importance_loss, load_loss, .. } => {
            let (importance, load) = (importance_loss, load_loss);
            let balancing = LoadBalancing { importance, load, ..LoadBalancing::default() };
            let routing = TopKSettings { choices: k, capacity_factor, balancing };
            Mixture::TopK(TopKChoice::new(b, "top_k", (m, d, n), settings, routing))
        }
        _ => unreachable!("`{body}` is no mixture"),
    }
}
