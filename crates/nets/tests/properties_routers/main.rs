//! The algebra of the mixtures: who takes which token, what the edge cases come to, and the shapes of all layers.

#[path = "../support/mod.rs"]
mod support;

mod choices;
mod identities;
mod shapes;

use proptest::prelude::*;
use softmoe_nets::layers::{
    BigSoftMoe, ExpertChoice, Flatten, Linear, LoadBalancing, TopKChoice, TopKSettings,
};
use softmoe_nets::shapes::Shape;
use softmoe_nets::{Builder, ExpertSettings, Layer, ParameterList, Weights};
use support::orders::{assert_near, permutation, permuted};
use support::uniform;

/// Parameters of the same mixture with its experts in another order.
fn with_experts_permuted(list: &ParameterList, parameters: &[f64], n: usize, order: &[usize]) -> Vec<f64> {
    let mut shuffled = parameters.to_vec();
    for parameter in list.iter() {
        let values = &parameters[parameter.range.clone()];
        let shape = &parameter.shape;
        // Phi is (d, n, p), a router (d, n); a BIG expert has parameters of its own, others are (n, ..).
        let block = shape[1..].iter().product::<usize>();
        let own = parameter.name.strip_prefix("moe/experts/").and_then(|rest| rest.split_once('/'));
        shuffled[parameter.range.clone()].copy_from_slice(&match own {
            _ if parameter.name.ends_with("/phi") || parameter.name.contains("/router/") => {
                values.chunks_exact(block).flat_map(|row| permuted(row, block / n, order)).collect()
            }
            Some((expert, rest)) if expert.parse::<usize>().is_ok() => {
                let from = order[expert.parse::<usize>().unwrap()];
                parameters[list.get(&format!("moe/experts/{from}/{rest}")).unwrap().range.clone()].to_vec()
            }
            _ => permuted(values, block, order),
        });
    }
    shuffled
}

/// Checks that the order of its experts makes no difference to a mixture called `moe`.
fn assert_experts_are_alike<In: Shape>(
    builder: Builder,
    layer: &impl Layer<In>,
    input: In,
    n: usize,
    seed: u64,
) -> Result<(), TestCaseError> {
    let (list, _) = builder.finish();
    let parameters = uniform(list.len(), 1.0, seed);
    let shuffled = with_experts_permuted(&list, &parameters, n, &permutation(n, seed ^ 2));
    let x = uniform(input.num_elements(), 1.0, !seed);
    let mut workspace = layer.workspace::<f64>(input);
    let mut output =
        |parameters: &[f64]| layer.forward(Weights { parameters, noise: None }, &x, &mut workspace).to_vec();
    assert_near(&output(&shuffled), &output(&parameters))
}

/// Checks that a mixture's output tokens follow its tokens.
fn assert_follows_its_tokens(
    builder: Builder,
    layer: &impl Layer<(usize, usize, usize)>,
    (m, d): (usize, usize),
    seed: u64,
) -> Result<(), TestCaseError> {
    let parameters = uniform(builder.parameters().len(), 1.0, seed);
    let weights = Weights { parameters: &parameters, noise: None };
    let mut workspace = layer.workspace::<f64>((1, m, d));
    let x = uniform(m * d, 1.0, !seed);
    let order = permutation(m, seed ^ 2);
    let want = permuted(layer.forward(weights, &x, &mut workspace), d, &order);
    assert_near(layer.forward(weights, &permuted(&x, d, &order), &mut workspace), &want)
}

/// What expert `e` of the mixture `moe` makes of one token, by the definition.
fn by_hand(list: &ParameterList, parameters: &[f64], e: usize, token: &[f64]) -> Vec<f64> {
    let dense = |name: &str, x: &[f64]| -> Vec<f64> {
        let kernel = list.get(&format!("moe/experts/{name}/kernel")).unwrap();
        let bias = list.get(&format!("moe/experts/{name}/bias")).unwrap();
        let &[_, inputs, outputs] = kernel.shape.as_slice() else { panic!("kernels have three axes") };
        let kernel = &parameters[kernel.range.clone()][e * inputs * outputs..];
        let bias = &parameters[bias.range.clone()][e * outputs..];
        (0..outputs)
            .map(|o| bias[o] + (0..inputs).map(|i| x[i] * kernel[i * outputs + o]).sum::<f64>())
            .collect()
    };
    let rectified = |x: Vec<f64>| -> Vec<f64> { x.into_iter().map(|x| x.max(0.0)).collect() };
    let mut hidden = rectified(dense("hidden", token));
    for layer in 1.. {
        let name = format!("hidden_{layer}");
        if list.get(&format!("moe/experts/{name}/kernel")).is_none() {
            break;
        }
        hidden = rectified(dense(&name, &hidden));
    }
    dense("output", &hidden)
}

/// A mixture: tokens, width, experts.
fn sizes() -> impl Strategy<Value = (usize, usize, usize)> {
    (1usize..12, 1usize..6, 1usize..6)
}

/// Experts without noise.
fn experts() -> impl Strategy<Value = ExpertSettings> {
    (1usize..6, 0usize..2).prop_map(|(hidden, extra_layers)| ExpertSettings {
        hidden,
        extra_layers,
        noisy: false,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn it_makes_no_difference_which_expert_is_which(
        sizes in sizes(), settings in experts(), p in 1usize..5, capacity_factor in 0.1..3.0, seed: u64,
    ) {
        let (m, d, n) = sizes;
        let mut builder = Builder::new();
        let layer = ExpertChoice::new(&mut builder, "moe", (m, d, n, p.min(m)), settings);
        assert_experts_are_alike(builder, &layer, (2, m, d), n, seed)?;
        let mut builder = Builder::new();
        let top_k = TopKSettings { choices: p.min(n), capacity_factor, ..TopKSettings::default() };
        let layer = TopKChoice::new(&mut builder, "moe", sizes, settings, top_k);
        assert_experts_are_alike(builder, &layer, (2, m, d), n, seed)?;
        let mut builder = Builder::new();
        let layer = BigSoftMoe::new(&mut builder, "moe", (m, d, n, 2), |builder, name| {
            (Flatten(4 * d), Linear::new(builder, name, 4 * d, 4 * d))
        });
        assert_experts_are_alike(builder, &layer, (2, m, d), n, seed)?;
    }

    #[test]
    fn output_tokens_follow_their_tokens(
        sizes in sizes(), settings in experts(), p in 1usize..5, seed: u64,
    ) {
        let (m, d, n) = sizes;
        // A single expert's scores are all one, so that it takes the first tokens whatever they are.
        if n > 1 {
            let mut builder = Builder::new();
            let layer = ExpertChoice::new(&mut builder, "moe", (m, d, n, p.min(m)), settings);
            assert_follows_its_tokens(builder, &layer, (m, d), seed)?;
        }
        // With room for everyone, the order of the tokens decides nothing.
        let top_k = TopKSettings { choices: p.min(n), capacity_factor: n as f64, ..TopKSettings::default() };
        let mut builder = Builder::new();
        let layer = TopKChoice::new(&mut builder, "moe", sizes, settings, top_k);
        assert_follows_its_tokens(builder, &layer, (m, d), seed)?;
        let mut builder = Builder::new();
        let layer = BigSoftMoe::new(&mut builder, "moe", (m, d, n, 2), |builder, name| {
            (Flatten(4 * d), Linear::new(builder, name, 4 * d, 4 * d))
        });
        assert_follows_its_tokens(builder, &layer, (m, d), seed)?;
    }

    #[test]
    fn load_balancing_losses_are_means_over_samples_within_their_bounds(
        sizes in sizes(), choices in 1usize..4, batch in 1usize..4, coefficients in [0.0..3.0, 0.0..3.0],
        seed: u64,
    ) {
        let (m, d, n) = sizes;
        let [importance, load] = coefficients;
        let balancing = LoadBalancing { importance, load, load_noise: 1.0 };
        let settings = ExpertSettings { hidden: 3, extra_layers: 0, noisy: true };
        let top_k = TopKSettings { choices: choices.min(n), balancing, ..TopKSettings::default() };
        let mut builder = Builder::new();
        let layer = TopKChoice::new(&mut builder, "moe", sizes, settings, top_k);
        let parameters = uniform(builder.parameters().len(), 1.0, seed);
        let noise = uniform(builder.noise().len(), 1.0, seed ^ 1);
        let weights = Weights { parameters: &parameters, noise: Some(&noise) };
        let x = uniform(batch * m * d, 1.0, !seed);
        let mut workspace = layer.workspace::<f64>((batch, m, d));
        layer.forward(weights, &x, &mut workspace);
        let losses = workspace.losses();
        let mut alone = layer.workspace::<f64>((1, m, d));
        let mut mean = [0.0; 3];
        for x in x.chunks_exact(m * d) {
            layer.forward(weights, x, &mut alone);
            let one = alone.losses();
            for (mean, one) in mean.iter_mut().zip([one.importance, one.load, one.total()]) {
                *mean += one / batch as f64;
            }
        }
        assert_near(&[losses.importance, losses.load, losses.total()], &mean)?;
        // One expert with everything has the largest variation, n - 1.
        let most = (n - 1) as f64 + 1e-12;
        prop_assert!((0.0..=importance * most).contains(&losses.importance));
        prop_assert!((0.0..=load * most).contains(&losses.load));
    }
}
