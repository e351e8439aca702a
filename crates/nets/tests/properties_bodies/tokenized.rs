//! The tokenized body and the value heads.

use super::{assert_near, input_gradient, maps, maps_of_patches, output, permutation, settings};
use crate::support::uniform;
use proptest::prelude::*;
use softmoe_nets::layers::{
    CategoricalHead, Dense, GlobalAveragePool, Linear, PerConv, PerPatch, Pooling, Relu, ReluPlace,
    SimplicialGroups, SimplicialMap, Tokenized, TokenizedSettings,
};
use softmoe_nets::shapes::{Const, Shape};
use softmoe_nets::{Builder, ParameterList, Weights};

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

proptest! {
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
}
