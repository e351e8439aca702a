//! What holds for tokenizations, pooled bodies, simplicial embeddings and value heads of any size and any values.

mod support;

use proptest::prelude::*;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_nets::layers::{
    AveragePool, CategoricalHead, Dense, Flatten, GlobalAveragePool, Linear, PerConv, PerFeature, PerPatch,
    PerSample, Pooling, Relu, ReluPlace, Shuffled, SimplicialGroups, SimplicialMap, Tokenized,
    TokenizedSettings,
};
use softmoe_nets::shapes::{Const, Shape};
use softmoe_nets::{Builder, Layer, NotAPermutation, ParameterList, Permutation, Weights};
use support::uniform;

const NONE: Weights<'static, f64> = Weights { parameters: &[], noise: None };

/// Whether two results of the same sums in different orders agree.
fn assert_near(got: &[f64], want: &[f64]) -> Result<(), TestCaseError> {
    prop_assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(want) {
        prop_assert!((got - want).abs() < 1e-12 * (1.0 + want.abs()), "{} is not {}", got, want);
    }
    Ok(())
}

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

/// The same weights with every sigma zero, and the weights of the plain layer of the same name.
fn without_sigma(noisy: &ParameterList, plain: &ParameterList, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let mut values = uniform(noisy.len(), 1.0, seed);
    let mut of_plain = vec![f64::NAN; plain.len()];
    for parameter in noisy.iter() {
        if let Some(name) = parameter.name.strip_suffix("_mu") {
            let range = plain.get(name).unwrap().range.clone();
            of_plain[range].copy_from_slice(&values[parameter.range.clone()]);
        } else {
            values[parameter.range.clone()].fill(0.0);
        }
    }
    (values, of_plain)
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

    #[test]
    fn per_feature_twice_is_the_identity(map in maps(), seed: u64) {
        let (batch, height, width, channels) = map;
        let x = uniform(map.num_elements(), 1.0, seed);
        let there = PerFeature(height * width);
        let tokens = output(&there, NONE, &x, map);
        // The tokens, read as a map of one row whose positions are the channels.
        let back = PerFeature(channels);
        let transposed = (batch, 1, channels, height * width);
        prop_assert_eq!(output(&back, NONE, &tokens, transposed), x.as_slice());
        // The gradient is the transpose too.
        prop_assert_eq!(input_gradient(&there, NONE, &x, &tokens, map), x);
    }

    #[test]
    fn per_feature_is_the_transpose_of_per_conv(map in maps(), seed: u64) {
        let (batch, height, width, channels) = map;
        let positions = height * width;
        let x = uniform(map.num_elements(), 1.0, seed);
        let rows = output(&PerConv(positions), NONE, &x, map);
        let columns = output(&PerFeature(positions), NONE, &x, map);
        for (sample, position, channel) in
            (0..batch).flat_map(|s| (0..positions).flat_map(move |p| (0..channels).map(move |c| (s, p, c))))
        {
            let by_position = rows[(sample * positions + position) * channels + channel];
            prop_assert_eq!(by_position, columns[(sample * channels + channel) * positions + position]);
        }
    }

    #[test]
    fn shuffling_is_undone_by_the_inverse(map in maps(), seed: u64) {
        let (batch, height, width, channels) = map;
        let len = height * width * channels;
        let permutation = permutation(len, seed);
        let x = uniform(map.num_elements(), 1.0, !seed);
        let shuffled = Shuffled::new(height * width, permutation.clone());
        let y = output(&shuffled, NONE, &x, map);
        let restored = Shuffled::new(height * width, permutation.inverse());
        prop_assert_eq!(&output(&restored, NONE, &y, map), &x);
        prop_assert_eq!(&input_gradient(&shuffled, NONE, &x, &y, map), &x);
        // A bijection within each sample: the same values, elsewhere.
        let sorted = |values: &[f64]| {
            let mut values = values.to_vec();
            values.sort_by(f64::total_cmp);
            values
        };
        for sample in 0..batch {
            let at = sample * len..(sample + 1) * len;
            prop_assert_eq!(sorted(&x[at.clone()]), sorted(&y[at]));
        }
        prop_assert_eq!(permutation.inverse().inverse(), permutation);
    }

    #[test]
    fn a_permutation_is_read_back_as_it_was_stored(len in 0usize..40, seed: u64) {
        let drawn = permutation(len, seed);
        prop_assert_eq!(&permutation(len, seed), &drawn, "the same seed, the same order");
        let stored = serde_json::to_string(&drawn).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Permutation>(&stored).unwrap(), &drawn);
        prop_assert_eq!(Permutation::new(drawn.sources().to_vec()), Ok(drawn));
    }

    #[test]
    fn a_list_that_is_no_permutation_is_refused(len in 2usize..20, at: prop::sample::Index, seed: u64) {
        let at = at.index(len);
        let sources = permutation(len, seed).sources().to_vec();
        let with = |place| {
            let mut sources = sources.clone();
            sources[at] = place;
            Permutation::new(sources)
        };
        prop_assert_eq!(with(len), Err(NotAPermutation::Beyond { place: len, len }));
        let twice = sources[(at + 1) % len];
        prop_assert_eq!(with(twice), Err(NotAPermutation::Twice { place: twice, len }));
        let stored = serde_json::to_string(&vec![0; len]).unwrap();
        let error = serde_json::from_str::<Permutation>(&stored).unwrap_err().to_string();
        prop_assert!(error.contains("names place 0 twice"), "{}", error);
    }

    #[test]
    fn average_pooling_is_a_patch_embedding_of_equal_weights(map in maps_of_patches(), seed: u64) {
        let (_, height, width, channels) = map;
        let mut builder = Builder::new();
        let (h, w) = (height / 3, width / 3);
        let layer = PerPatch::new(&mut builder, "embedding", [height, width], h * w, channels);
        let mut parameters = vec![0.0; builder.parameters().len()];
        let kernel = builder.parameters().get("embedding/kernel").unwrap().range.clone();
        for (i, weight) in parameters[kernel].iter_mut().enumerate() {
            // (3, 3, channels, channels)
            let (from, to) = (i / channels % channels, i % channels);
            *weight = if from == to { 1.0 / 9.0 } else { 0.0 };
        }
        let x = uniform(map.num_elements(), 1.0, seed);
        let want = output(&layer, Weights { parameters: &parameters, noise: None }, &x, map);
        let pool = (AveragePool::<_, _, 3, 3>(h, w), PerConv(h * w));
        assert_near(&output(&pool, NONE, &x, map), &want)?;
    }

    #[test]
    fn one_window_over_the_whole_map_is_global_average_pooling(
        batch in 1usize..4, channels in 1usize..6, seed: u64,
    ) {
        let map = (batch, 5_usize, 5_usize, channels);
        let x = uniform(map.num_elements(), 1.0, seed);
        let want = output(&AveragePool::<_, _, 5, 1>(1_usize, 1_usize), NONE, &x, map);
        assert_near(&output(&GlobalAveragePool, NONE, &x, map), &want)?;
    }

    #[test]
    fn tokenized_equals_its_definition(
        batch in 1usize..4, m in 1usize..12, d in 1usize..6, hidden in 1usize..9, settings in settings(), seed: u64,
    ) {
        let mut builder = Builder::new();
        let layer = Tokenized::new(&mut builder, "tokenized", d, hidden, settings);
        let parameters = uniform(builder.parameters().len(), 1.0, seed);
        let noise = uniform(builder.noise().len(), 1.0, seed ^ 1);
        let weights = Weights { parameters: &parameters, noise: Some(&noise) };
        let x = uniform(batch * m * d, 1.0, !seed);
        // The same dense layer on every token by itself, then sums.
        let dense = Dense::new(&mut Builder::new(), "tokenized", d, hidden, settings.noisy);
        let outputs: Vec<Vec<f64>> =
            x.chunks_exact(d).map(|token| output(&dense, weights, token, (1, d))).collect();
        let before = settings.relu == ReluPlace::BeforePooling;
        let count = if settings.pooling == Pooling::Mean { m as f64 } else { 1.0 };
        let want = outputs.chunks_exact(m).flat_map(|tokens| (0..hidden).map(move |i| {
            let relu = |on: bool, x: f64| if on { x.max(0.0) } else { x };
            relu(!before, tokens.iter().map(|token| relu(before, token[i])).sum::<f64>() / count)
        }));
        assert_near(&output(&layer, weights, &x, (batch, m, d)), &want.collect::<Vec<_>>())?;
    }

    #[test]
    fn the_mean_before_the_relu_is_global_average_pooling_and_dense(
        map in maps(), hidden in 1usize..9, noisy: bool, seed: u64,
    ) {
        let (batch, height, width, channels) = map;
        let settings = TokenizedSettings { pooling: Pooling::Mean, relu: ReluPlace::AfterPooling, noisy };
        let mut builder = Builder::new();
        let body = Tokenized::new(&mut builder, "body", channels, hidden, settings);
        let tokenized = (PerConv(height * width), body);
        let (list, sources) = builder.finish();
        let mut builder = Builder::new();
        let dense = Dense::new(&mut builder, "body", channels, hidden, noisy);
        let pooled = (GlobalAveragePool, dense, Relu);
        prop_assert_eq!(&list, builder.parameters());
        let (parameters, noise) = (uniform(list.len(), 1.0, seed), uniform(sources.len(), 1.0, seed ^ 1));
        let weights = Weights { parameters: &parameters, noise: Some(&noise) };
        let x = uniform(map.num_elements(), 1.0, !seed);
        let want = output(&pooled, weights, &x, map);
        assert_near(&output(&tokenized, weights, &x, map), &want)?;
        let dy = uniform(batch * hidden, 1.0, seed ^ 2);
        let want = input_gradient(&pooled, weights, &x, &dy, map);
        assert_near(&input_gradient(&tokenized, weights, &x, &dy, map), &want)?;
    }

    #[test]
    fn tokenized_does_not_care_which_token_is_which(
        m in 1usize..12, d in 1usize..6, hidden in 1usize..9, settings in settings(), seed: u64,
    ) {
        let mut builder = Builder::new();
        let layer = Tokenized::new(&mut builder, "tokenized", d, hidden, settings);
        let parameters = uniform(builder.parameters().len(), 1.0, seed);
        let noise = uniform(builder.noise().len(), 1.0, seed ^ 1);
        let weights = Weights { parameters: &parameters, noise: Some(&noise) };
        let x = uniform(m * d, 1.0, !seed);
        let order = permutation(m, seed ^ 2);
        let permuted: Vec<f64> =
            order.sources().iter().flat_map(|&token| x[token * d..][..d].iter().copied()).collect();
        let want = output(&layer, weights, &x, (1, m, d));
        assert_near(&output(&layer, weights, &permuted, (1, m, d)), &want)?;
    }

    #[test]
    fn samples_do_not_see_each_other(
        (batch, height, width, channels) in maps_of_patches(), settings in settings(), seed: u64,
    ) {
        let (h, w) = (height / 3, width / 3);
        let mut builder = Builder::new();
        let embedding = PerPatch::new(&mut builder, "embedding", [height, width], h * w, channels);
        let body = Tokenized::new(&mut builder, "tokenized", channels, 6, settings);
        let head = CategoricalHead::dueling(&mut builder, "head", 6, 3, Const::<1>, settings.noisy);
        let network = (SimplicialMap::default(), embedding, body, SimplicialGroups::new(2), head);
        let parameters = uniform(builder.parameters().len(), 1.0, seed);
        let noise = uniform(builder.noise().len(), 1.0, seed ^ 1);
        let weights = Weights { parameters: &parameters, noise: Some(&noise) };
        let len = height * width * channels;
        let x = uniform(batch * len, 1.0, !seed);
        let want: Vec<f64> = x
            .chunks_exact(len)
            .flat_map(|x| output(&network, weights, x, (1, height, width, channels)))
            .collect();
        assert_near(&output(&network, weights, &x, (batch, height, width, channels)), &want)?;
    }

    #[test]
    fn without_sigma_bodies_and_heads_are_plain(
        batch in 1usize..4, m in 1usize..6, d in 1usize..6, hidden in 1usize..9, actions in 1usize..5,
        settings in settings(), dueling: bool, seed: u64,
    ) {
        let network = |builder: &mut Builder, noisy: bool| {
            let make = if dueling { CategoricalHead::dueling } else { CategoricalHead::plain };
            let body = Tokenized::new(builder, "body", d, hidden, TokenizedSettings { noisy, ..settings });
            (body, make(builder, "head", hidden, actions, Const::<1>, noisy))
        };
        let (mut noisy_builder, mut builder) = (Builder::new(), Builder::new());
        let noisy = network(&mut noisy_builder, true);
        let plain = network(&mut builder, false);
        let (values, of_plain) = without_sigma(noisy_builder.parameters(), builder.parameters(), seed);
        let noise = uniform(noisy_builder.noise().len(), 2.0, seed ^ 1);
        let x = uniform(batch * m * d, 1.0, !seed);
        let want = output(&plain, Weights { parameters: &of_plain, noise: None }, &x, (batch, m, d));
        let weights = Weights { parameters: &values, noise: Some(&noise) };
        assert_near(&output(&noisy, weights, &x, (batch, m, d)), &want)?;
    }

    #[test]
    fn simplicial_maps_sum_to_one_over_the_width(map in maps(), temperature in 0.05f64..2.0, seed: u64) {
        let (_, _, width, channels) = map;
        let x = uniform(map.num_elements(), 1.0, seed);
        let y = output(&SimplicialMap { temperature }, NONE, &x, map);
        for (x, y) in x.chunks_exact(width * channels).zip(y.chunks_exact(width * channels)) {
            for channel in 0..channels {
                let along = |values: &[f64]| -> Vec<f64> {
                    values.iter().skip(channel).step_by(channels).copied().collect()
                };
                let weights: Vec<f64> = along(x).iter().map(|x| (x / temperature).exp()).collect();
                let sum: f64 = weights.iter().sum();
                let want: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
                assert_near(&along(y), &want)?;
                assert_near(&[along(y).iter().sum()], &[1.0])?;
            }
        }
    }

    #[test]
    fn simplicial_groups_sum_to_one(
        batch in 1usize..4, groups in 1usize..5, width in 1usize..9, temperature in 0.05f64..2.0, seed: u64,
    ) {
        let input = (batch, groups * width);
        let x = uniform(batch * groups * width, 1.0, seed);
        let y = output(&SimplicialGroups { groups, temperature }, NONE, &x, input);
        for group in y.chunks_exact(width) {
            assert_near(&[group.iter().sum()], &[1.0])?;
        }
        // No value is negative: a ReLU behind it changes nothing.
        prop_assert_eq!(&output(&Relu, NONE, &y, input), &y);
        // Only x / temperature counts; the same for all of a group cancels.
        let moved: Vec<f64> = x.iter().enumerate().map(|(i, x)| 3.0 * x + (i / width) as f64).collect();
        let three = SimplicialGroups { groups, temperature: 3.0 * temperature };
        for (got, want) in output(&three, NONE, &moved, input).iter().zip(&y) {
            prop_assert!((got - want).abs() < 1e-9, "{} is not {}", got, want);
        }
    }

    #[test]
    fn both_simplicial_embeddings_agree_on_a_map_of_one_row_and_channel(
        batch in 1usize..4, width in 1usize..9, seed: u64,
    ) {
        let x = uniform(batch * width, 1.0, seed);
        let want = output(&SimplicialGroups::new(1), NONE, &x, (batch, width));
        assert_near(&output(&SimplicialMap::default(), NONE, &x, (batch, 1, width, 1)), &want)?;
    }

    #[test]
    fn dueling_values_equal_their_definition(
        batch in 1usize..4, features in 1usize..9, actions in 1usize..6, seed: u64,
    ) {
        let mut builder = Builder::new();
        let head = CategoricalHead::dueling(&mut builder, "head", features, actions, Const::<1>, false);
        let parameters = uniform(builder.parameters().len(), 1.0, seed);
        let x = uniform(batch * features, 1.0, !seed);
        let of = |name: &str, outputs: usize| {
            let start = builder.parameters().get(name).unwrap().range.start;
            let layer = Linear::new(&mut Builder::new(), "layer", features, outputs);
            output(&layer, Weights { parameters: &parameters[start..], noise: None }, &x, (batch, features))
        };
        let (advantage, value) = (of("head/advantage/kernel", actions), of("head/value/kernel", 1));
        let want = advantage.chunks_exact(actions).zip(&value).flat_map(|(advantage, value)| {
            let mean = advantage.iter().sum::<f64>() / actions as f64;
            advantage.iter().map(move |advantage| value + advantage - mean)
        });
        let weights = Weights { parameters: &parameters, noise: None };
        let q = output(&head, weights, &x, (batch, features));
        assert_near(&q, &want.collect::<Vec<_>>())?;
    }

    #[test]
    fn per_sample_is_the_flattened_map(map in maps(), seed: u64) {
        let (_, height, width, channels) = map;
        let x = uniform(map.num_elements(), 1.0, seed);
        let len = height * width * channels;
        prop_assert_eq!(output(&(PerSample(len), Flatten(len)), NONE, &x, map), x);
    }
}

#[test]
#[should_panic(
    expected = "the length of Shuffled's permutation should be 24, as its input makes it, but is 23"
)]
fn a_permutation_of_another_map_is_refused() {
    Shuffled::new(6, permutation(23, 0)).output_shape((1, Const::<2>, Const::<3>, 4_usize));
}

#[test]
#[should_panic(expected = "PerFeature's token width should be 6, as its input makes it, but is 5")]
fn a_token_width_that_does_not_fit_is_refused_at_run_time() {
    PerFeature(5).output_shape((1, 2_usize, 3_usize, 4_usize));
}

#[test]
#[should_panic(expected = "PerPatch's number of tokens should be 9, as its input makes it, but is 121")]
fn a_number_of_patches_that_does_not_fit_is_refused_at_run_time() {
    PerPatch::new(&mut Builder::new(), "embedding", [11, 11], 121, 32);
}

#[test]
#[should_panic(expected = "cannot split 10 features into 4 equal groups")]
fn uneven_groups_are_refused_at_run_time() {
    SimplicialGroups::new(4).output_shape((1, 10));
}

#[test]
#[should_panic(expected = "temperature is 0; it should be positive")]
fn a_temperature_of_zero_is_refused() {
    SimplicialMap { temperature: 0.0 }.output_shape((1, 2_usize, 3_usize, 4_usize));
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
