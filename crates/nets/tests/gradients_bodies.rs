//! The gradients of tokenizations, pooled bodies, simplicial embeddings and value heads against central differences.

mod support;

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_nets::layers::{
    AveragePool, CategoricalHead, Conv2d, Dense, Flatten, GlobalAveragePool, PerConv, PerFeature, PerPatch,
    PerSample, Pooling, Relu, ReluPlace, Shuffled, SimplicialGroups, SimplicialMap, SoftMoe, Tokenized,
    TokenizedSettings,
};
use softmoe_nets::shapes::Const;
use softmoe_nets::{Builder, ExpertSettings, Permutation};
use support::difference_quotients::check;

fn permutation(len: usize) -> Permutation {
    Permutation::random(len, &mut Xoshiro256PlusPlus::seed_from_u64(7))
}

/// All bodies of one dense layer.
fn settings() -> impl Iterator<Item = TokenizedSettings> {
    [Pooling::Sum, Pooling::Mean].into_iter().flat_map(|pooling| {
        [ReluPlace::BeforePooling, ReluPlace::AfterPooling].into_iter().flat_map(move |relu| {
            [false, true].into_iter().map(move |noisy| TokenizedSettings { pooling, relu, noisy })
        })
    })
}

#[test]
fn tokenizations() {
    check(Builder::new(), &PerFeature(6), (2, 2_usize, 3_usize, 4_usize));
    check(Builder::new(), &PerSample(24), (2, 2_usize, 3_usize, 4_usize));
    check(Builder::new(), &Shuffled::new(6, permutation(24)), (2, 2_usize, 3_usize, 4_usize));
    // Two rows and one column of the map are left over.
    let mut builder = Builder::new();
    let layer = PerPatch::new(&mut builder, "embedding", [5, 7], 2, 4);
    check(builder, &layer, (2, 5_usize, 7_usize, 4_usize));
}

#[test]
fn pooling_of_positions() {
    check(Builder::new(), &AveragePool::<_, _, 3, 3>(1_usize, 2_usize), (2, 5_usize, 7_usize, 4_usize));
    // Windows that overlap, and windows with gaps.
    check(Builder::new(), &AveragePool::<_, _, 3, 1>(3_usize, 2_usize), (2, 5_usize, 4_usize, 3_usize));
    check(Builder::new(), &AveragePool::<_, _, 1, 2>(3_usize, 2_usize), (1, 5_usize, 4_usize, 3_usize));
    check(Builder::new(), &GlobalAveragePool, (3, 2_usize, 3_usize, 4_usize));
}

#[test]
fn tokenized_bodies() {
    for settings in settings() {
        for (batch, tokens, width, hidden) in [(2, 5, 4, 7), (1, 3, 4, 18), (3, 1, 4, 2), (1, 1, 5, 3)] {
            let mut builder = Builder::new();
            let layer = Tokenized::new(&mut builder, "tokenized", width, hidden, settings);
            check(builder, &layer, (batch, tokens, width));
        }
    }
}

#[test]
fn simplicial_embeddings() {
    for temperature in [0.1, 1.0] {
        check(Builder::new(), &SimplicialMap { temperature }, (2, 2_usize, 5_usize, 3_usize));
        for (groups, features) in [(3, 12), (1, 5), (4, 4)] {
            check(Builder::new(), &SimplicialGroups { groups, temperature }, (2, features));
        }
    }
}

#[test]
fn value_heads() {
    for batch in [1, 3] {
        for noisy in [false, true] {
            for actions in [1, 4] {
                let mut builder = Builder::new();
                let layer = CategoricalHead::dueling(&mut builder, "head", 6, actions, Const::<1>, noisy);
                check(builder, &layer, (batch, 6));
                let mut builder = Builder::new();
                let layer = CategoricalHead::plain(&mut builder, "head", 6, actions, Const::<1>, noisy);
                check(builder, &layer, (batch, 6));
            }
        }
    }
}

/// A convolution to a map of 4x4 positions and 3 channels.
fn encoder(builder: &mut Builder) -> Conv2d<usize, usize, Const<3>, 3, 1> {
    Conv2d::new(builder, "encoder", 2, (4, 4, Const))
}

/// The shape that [`encoder`] takes.
const OBSERVATIONS: (usize, usize, usize, usize) = (2, 6, 6, 2);

#[test]
fn networks_of_pooled_tokens() {
    for settings in settings() {
        let mut builder = Builder::new();
        let network = (
            encoder(&mut builder),
            Relu,
            PerConv(16),
            Tokenized::new(&mut builder, "tokenized", Const::<3>, 8, settings),
            CategoricalHead::dueling(&mut builder, "head", 8, 3, Const::<1>, settings.noisy),
        );
        check(builder, &network, OBSERVATIONS);
    }
    let mut builder = Builder::new();
    let network = (
        encoder(&mut builder),
        Relu,
        GlobalAveragePool,
        Dense::new(&mut builder, "hidden", Const::<3>, 8, true),
        Relu,
        CategoricalHead::plain(&mut builder, "head", 8, 3, Const::<1>, true),
    );
    check(builder, &network, OBSERVATIONS);
}

#[test]
fn networks_of_other_tokens() {
    let experts = ExpertSettings { hidden: 6, extra_layers: 0, noisy: true };
    let mut builder = Builder::new();
    let network = (
        encoder(&mut builder),
        Relu,
        PerFeature(16),
        SoftMoe::new(&mut builder, "moe", (Const::<3>, 16, 2, 2), experts),
        Flatten(48),
        CategoricalHead::dueling(&mut builder, "head", 48, 3, Const::<1>, true),
    );
    check(builder, &network, OBSERVATIONS);
    let mut builder = Builder::new();
    let network = (
        encoder(&mut builder),
        Relu,
        Shuffled::new(16, permutation(48)),
        SoftMoe::new(&mut builder, "moe", (16, Const::<3>, 2, 2), experts),
        Flatten(48),
        CategoricalHead::dueling(&mut builder, "head", 48, 3, Const::<1>, true),
    );
    check(builder, &network, OBSERVATIONS);
    let mut builder = Builder::new();
    let network = (
        encoder(&mut builder),
        Relu,
        PerPatch::new(&mut builder, "embedding", [4, 4], 1, Const::<3>),
        SoftMoe::new(&mut builder, "moe", (1, Const::<3>, 2, 1), experts),
        Flatten(3),
        CategoricalHead::dueling(&mut builder, "head", 3, 3, Const::<1>, true),
    );
    check(builder, &network, OBSERVATIONS);
    let mut builder = Builder::new();
    let network = (
        encoder(&mut builder),
        Relu,
        PerSample(48),
        SoftMoe::new(&mut builder, "moe", (Const::<1>, 48, 2, 1), experts),
        Flatten(48),
        CategoricalHead::dueling(&mut builder, "head", 48, 3, Const::<1>, true),
    );
    check(builder, &network, OBSERVATIONS);
}

#[test]
fn networks_of_simplicial_embeddings() {
    for noisy in [false, true] {
        let mut builder = Builder::new();
        let network = (
            encoder(&mut builder),
            Relu,
            SimplicialMap::default(),
            Flatten(48),
            Dense::new(&mut builder, "hidden", 48, 6, noisy),
            Relu,
            CategoricalHead::plain(&mut builder, "head", 6, 3, Const::<1>, noisy),
        );
        check(builder, &network, OBSERVATIONS);
        let mut builder = Builder::new();
        let network = (
            encoder(&mut builder),
            Relu,
            Flatten(48),
            Dense::new(&mut builder, "hidden", 48, 6, noisy),
            SimplicialGroups { groups: 2, temperature: 0.5 },
            CategoricalHead::plain(&mut builder, "head", 6, 3, Const::<1>, noisy),
        );
        check(builder, &network, OBSERVATIONS);
    }
}
