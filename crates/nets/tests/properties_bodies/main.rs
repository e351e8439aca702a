//! What holds for tokenizations, pooled bodies, simplicial embeddings and value heads of any size and any values.

#[path = "../support/mod.rs"]
mod support;

mod simplicial;
mod tokenized;
mod tokens;

use proptest::prelude::*;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_nets::layers::{
    AveragePool, CategoricalHead, GlobalAveragePool, PerConv, PerFeature, PerPatch, PerSample, Pooling,
    ReluPlace, Shuffled, SimplicialGroups, SimplicialMap, Tokenized, TokenizedSettings,
};
use softmoe_nets::shapes::{Const, Shape};
use softmoe_nets::{Builder, Layer, Permutation, Weights};
use support::orders::assert_near;
use support::uniform;

const NONE: Weights<'static, f64> = Weights { parameters: &[], noise: None };

/// The output of `layer`.
fn output<In: Shape, L: Layer<In>>(layer: &L, weights: Weights<'_, f64>, x: &[f64], input: In) -> Vec<f64> {
    layer.forward(weights, x, &mut layer.workspace::<f64>(input)).to_vec()
}

/// The gradient of `layer` with respect to its input.
fn input_gradient<In: Shape, L: Layer<In>>(
    layer: &L,
    weights: Weights<'_, f64>,
    x: &[f64],
    dy: &[f64],
    input: In,
) -> Vec<f64> {
    let mut workspace = layer.workspace::<f64>(input);
    layer.forward(weights, x, &mut workspace);
    let mut gradient = vec![f64::NAN; weights.parameters.len()];
    layer.backward(weights, x, dy, &mut workspace, &mut gradient, true).to_vec()
}

/// Checks rank, sizes and number of values of a layer's output, and of its description, against `want`.
fn assert_shape<In: Shape, L: Layer<In>>(
    builder: Builder,
    layer: &L,
    input: In,
    want: &[usize],
) -> Result<(), TestCaseError> {
    let (list, noise) = builder.finish();
    let shape: Vec<usize> = layer.output_shape(input).concrete().into();
    prop_assert_eq!(&shape, want);
    prop_assert_eq!(shape.len(), L::Out::NUM_DIMS);
    let rows = layer.describe(input);
    prop_assert_eq!(&rows.last().unwrap().output, &want[1..]);
    prop_assert_eq!(rows.iter().map(|row| row.parameters).sum::<usize>(), list.len());
    let (parameters, noise) = (uniform(list.len(), 1.0, 1), uniform(noise.len(), 1.0, 2));
    let weights = Weights { parameters: &parameters, noise: Some(&noise) };
    let x = uniform(input.num_elements(), 1.0, 3);
    let y = output(layer, weights, &x, input);
    prop_assert_eq!(y.len(), want.iter().product::<usize>());
    prop_assert_eq!(input_gradient(layer, weights, &x, &y, input).len(), x.len());
    Ok(())
}

/// A batch of maps: samples, height, width, channels.
fn maps() -> impl Strategy<Value = (usize, usize, usize, usize)> {
    (1usize..4, 1usize..6, 1usize..6, 1usize..6)
}

/// A batch of maps with room for a patch.
fn maps_of_patches() -> impl Strategy<Value = (usize, usize, usize, usize)> {
    (1usize..3, 3usize..9, 3usize..9, 1usize..5)
}

fn settings() -> impl Strategy<Value = TokenizedSettings> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(sum, before, noisy)| TokenizedSettings {
        pooling: if sum { Pooling::Sum } else { Pooling::Mean },
        relu: if before { ReluPlace::BeforePooling } else { ReluPlace::AfterPooling },
        noisy,
    })
}

fn permutation(len: usize, seed: u64) -> Permutation {
    Permutation::random(len, &mut Xoshiro256PlusPlus::seed_from_u64(seed))
}

proptest! {
    #[test]
    fn layers_have_the_shape_they_say(
        map in maps_of_patches(), hidden in 1usize..9, groups in 1usize..4, actions in 1usize..6,
        settings in settings(), seed: u64,
    ) {
        let (b, h, w, c) = map;
        assert_shape(Builder::new(), &PerFeature(h * w), map, &[b, c, h * w])?;
        assert_shape(Builder::new(), &PerSample(h * w * c), map, &[b, 1, h * w * c])?;
        let shuffled = Shuffled::new(h * w, permutation(h * w * c, seed));
        assert_shape(Builder::new(), &shuffled, map, &[b, h * w, c])?;
        let mut builder = Builder::new();
        let patches = (h / 3) * (w / 3);
        let layer = PerPatch::new(&mut builder, "embedding", [h, w], patches, c);
        assert_shape(builder, &layer, map, &[b, patches, c])?;
        let pool = (AveragePool::<_, _, 3, 3>(h / 3, w / 3), PerConv(patches));
        assert_shape(Builder::new(), &pool, map, &[b, patches, c])?;
        assert_shape(Builder::new(), &GlobalAveragePool, map, &[b, c])?;
        assert_shape(Builder::new(), &SimplicialMap::default(), map, &[b, h, w, c])?;
        let features = (b, groups * hidden);
        assert_shape(Builder::new(), &SimplicialGroups::new(groups), features, &[b, groups * hidden])?;
        let mut builder = Builder::new();
        let body = Tokenized::new(&mut builder, "tokenized", c, hidden, settings);
        let head = CategoricalHead::dueling(&mut builder, "head", hidden, actions, Const::<1>, settings.noisy);
        assert_shape(builder, &(PerConv(h * w), body, head), map, &[b, actions, 1])?;
        let mut builder = Builder::new();
        let head = CategoricalHead::plain(&mut builder, "head", hidden, actions, Const::<1>, settings.noisy);
        assert_shape(builder, &head, (b, hidden), &[b, actions, 1])?;
    }
}

#[test]
fn descriptions_count_what_is_computed() {
    let settings = |relu| TokenizedSettings { pooling: Pooling::Mean, relu, noisy: false };
    let mut builder = Builder::new();
    let before = Tokenized::new(&mut builder, "before", 16, 128, settings(ReluPlace::BeforePooling));
    let after = Tokenized::new(&mut builder, "after", 16, 128, settings(ReluPlace::AfterPooling));
    let describe = |layer: &Tokenized<usize, usize>| layer.describe((32, 64, 16)).remove(0);
    assert_eq!(describe(&before).multiply_adds, 64 * 16 * 128);
    assert_eq!(describe(&before).name, "tokenized: dense, ReLU, mean");
    assert_eq!(describe(&after).multiply_adds, 16 * 128);
    assert_eq!(describe(&after).name, "tokenized: dense, mean, ReLU");
    assert_eq!(describe(&after).parameters, 17 * 128);

    let mut builder = Builder::new();
    let patches = PerPatch::new(&mut builder, "embedding", [11, 11], 9, 32);
    let row = patches.describe((32, 11_usize, 11_usize, 32)).remove(0);
    assert_eq!((row.output, row.parameters), (vec![9, 32], 9 * 32 * 32 + 32));
    assert_eq!(row.multiply_adds, 9 * 9 * 32 * 32);

    let head = CategoricalHead::dueling(&mut builder, "head", 512, 18, Const::<1>, true);
    let row = head.describe((32, 512)).remove(0);
    assert_eq!((row.name.as_str(), row.output), ("dueling categorical head", vec![18, 1]));
    assert_eq!((row.parameters, row.multiply_adds), (2 * 513 * 19, 512 * 19));
}

/// Counts the allocations of forward and backward passes behind a first one.
fn allocations<In: Shape, L: Layer<In>>(builder: Builder, layer: &L, input: In) -> u64 {
    let (list, noise) = builder.finish();
    let (parameters, noise) = (uniform(list.len(), 1.0, 1), uniform(noise.len(), 1.0, 2));
    let weights = Weights { parameters: &parameters, noise: Some(&noise) };
    let x = uniform(input.num_elements(), 1.0, 3);
    let dy = uniform(layer.output_shape(input).num_elements(), 1.0, 4);
    let mut gradient = vec![0.0; list.len()];
    let mut workspace = layer.workspace::<f64>(input);
    let mut step = || {
        layer.forward(weights, &x, &mut workspace);
        layer.backward(weights, &x, &dy, &mut workspace, &mut gradient, true);
    };
    step();
    allocation_counter::measure(step).count_total
}

#[test]
fn passes_allocate_nothing() {
    let map = (4, 8_usize, 8_usize, 16_usize);
    let mut builder = Builder::new();
    let network = (
        SimplicialMap::default(),
        PerPatch::new(&mut builder, "embedding", [8, 8], 4, 16),
        Tokenized::new(
            &mut builder,
            "body",
            16,
            32,
            TokenizedSettings { pooling: Pooling::Mean, relu: ReluPlace::BeforePooling, noisy: true },
        ),
        SimplicialGroups::new(4),
        CategoricalHead::dueling(&mut builder, "head", 32, 6, Const::<1>, true),
    );
    assert_eq!(allocations(builder, &network, map), 0);
    let mut builder = Builder::new();
    let network = (
        AveragePool::<_, _, 3, 1>(6_usize, 6_usize),
        Shuffled::new(36, permutation(576, 0)),
        Tokenized::new(
            &mut builder,
            "body",
            16,
            32,
            TokenizedSettings { pooling: Pooling::Sum, relu: ReluPlace::AfterPooling, noisy: false },
        ),
    );
    assert_eq!(allocations(builder, &network, map), 0);
    assert_eq!(allocations(Builder::new(), &PerFeature(64), map), 0);
    assert_eq!(allocations(Builder::new(), &GlobalAveragePool, map), 0);
}
