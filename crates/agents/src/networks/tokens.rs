//! Layers that turn a feature map into tokens.

use super::encoder::Map;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_config::{Architecture, TokensSpec};
use softmoe_nets::layers::{AveragePool, PerConv, PerFeature, PerPatch, PerSample, Shuffled};
use softmoe_nets::{Builder, Permutation, one_of};

/// (batch, m, d)
pub(super) type TokenRows = (usize, usize, usize);

one_of! {
    /// The tokens of a feature map.
    pub(super) enum Tokens: Map => TokenRows, workspace TokensWorkspace {
        PerConv(PerConv<usize>),
        Shuffled(Shuffled<usize>),
        PerPatch(PerPatch<usize, usize>),
        PerPatchAverage((AveragePool<usize, usize, 3, 3>, PerConv<usize>)),
        PerFeature(PerFeature<usize>),
        PerSample(PerSample<usize>),
    }
}

impl Tokens {
    /// The tokens of the encoder's feature map, with their number m and their width d.
    pub(super) fn new(b: &mut Builder, architecture: &Architecture, spec: TokensSpec) -> (Self, [usize; 2]) {
        let map @ [h, w, channels] = architecture.network.encoder.feature_map();
        let (m, d) = spec.sizes(map);
        let tokens = match spec {
            TokensSpec::PerConv => Tokens::PerConv(PerConv(m)),
            TokensSpec::Shuffled => Tokens::Shuffled(Shuffled::new(m, permutation(architecture))),
            TokensSpec::PerPatch => Tokens::PerPatch(PerPatch::new(b, "tokens", [h, w], m, channels)),
            TokensSpec::PerPatchAverage => Tokens::PerPatchAverage((AveragePool(h / 3, w / 3), PerConv(m))),
            TokensSpec::PerFeature => Tokens::PerFeature(PerFeature(d)),
            TokensSpec::PerSample => Tokens::PerSample(PerSample(d)),
        };
        (tokens, [m, d])
    }
}

/// The permutation of the values of a feature map that shuffled tokens are made with.
pub(super) fn permutation(architecture: &Architecture) -> Permutation {
    let features = architecture.network.encoder.feature_map().iter().product();
    Permutation::random(features, &mut Xoshiro256PlusPlus::seed_from_u64(architecture.permutation_seed))
}
