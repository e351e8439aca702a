//! The algebra of the mixtures: who takes which token, what the edge cases come to, and the shapes of all layers.

mod support;

use proptest::prelude::*;
use softmoe_nets::layers::{
    BigSoftMoe, CategoricalHead, Conv2d, Dense, ExpertChoice, Flatten, Linear, LoadBalancing, PerConv, Relu,
    SoftMoe, TopKChoice, TopKSettings,
};
use softmoe_nets::shapes::Shape;
use softmoe_nets::{Builder, ExpertSettings, Layer, ParameterList, Weights};
use support::uniform;

/// Whether two results of the same sums in different orders agree.
fn assert_near(got: &[f64], want: &[f64]) -> Result<(), TestCaseError> {
    prop_assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(want) {
        prop_assert!((got - want).abs() < 1e-12 * (1.0 + want.abs()), "{} is not {}", got, want);
    }
    Ok(())
}

/// 0..len in an order that `seed` decides.
fn permutation(len: usize, seed: u64) -> Vec<usize> {
    let keys = uniform(len, 1.0, seed);
    let mut order: Vec<usize> = (0..len).collect();
    order.sort_by(|&a, &b| keys[a].total_cmp(&keys[b]));
    order
}

/// The blocks of `len` values in another order.
fn permuted(values: &[f64], len: usize, order: &[usize]) -> Vec<f64> {
    order.iter().flat_map(|&block| values[block * len..][..len].iter().copied()).collect()
}

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

/// A mixture of random parameters on a random sample: list, parameters, tokens, output.
fn one_sample(
    builder: Builder,
    layer: &impl Layer<(usize, usize, usize)>,
    (m, d): (usize, usize),
    seed: u64,
) -> (ParameterList, Vec<f64>, Vec<f64>, Vec<f64>) {
    let (list, _) = builder.finish();
    let (parameters, x) = (uniform(list.len(), 1.0, seed), uniform(m * d, 1.0, !seed));
    let mut workspace = layer.workspace::<f64>((1, m, d));
    let y = layer.forward(Weights { parameters: &parameters, noise: None }, &x, &mut workspace).to_vec();
    (list, parameters, x, y)
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
    fn tokens_choose_experts_that_have_room(
        sizes in sizes(), settings in experts(), choices in 1usize..4, capacity_factor in 0.1..3.0,
        equal_scores: bool, seed: u64,
    ) {
        let (m, d, n) = sizes;
        let k = choices.min(n);
        let mut builder = Builder::new();
        let top_k = TopKSettings { choices: k, capacity_factor, ..TopKSettings::default() };
        let layer = TopKChoice::new(&mut builder, "moe", sizes, settings, top_k);
        let (list, _) = builder.finish();
        let parameters = uniform(list.len(), 1.0, seed);
        let mut x = uniform(2 * m * d, 1.0, !seed);
        if equal_scores {
            x.fill(0.0);
        }
        let mut workspace = layer.workspace::<f64>((2, m, d));
        let y = layer.forward(Weights { parameters: &parameters, noise: None }, &x, &mut workspace).to_vec();

        let capacity = layer.capacity();
        prop_assert_eq!(capacity, (((k * m) as f64 * capacity_factor / n as f64).ceil() as usize).min(m));
        for sample in 0..2 {
            let probability = |token: usize, e: usize| workspace.probabilities()[(sample * m + token) * n + e];
            // The definition: first all tokens' first choices queue up, then their second ones.
            let mut queues = vec![vec![]; n];
            for choice in 0..k {
                for token in 0..m {
                    let mut by_probability: Vec<usize> = (0..n).collect();
                    by_probability.sort_by(|&a, &b| probability(token, b).total_cmp(&probability(token, a)));
                    let expert = by_probability[choice];
                    let index = (sample * m + token) * k + choice;
                    prop_assert_eq!(workspace.choices()[index], expert);
                    let place = queues[expert].len();
                    queues[expert].push(token);
                    prop_assert_eq!(workspace.slots()[index], (place < capacity).then_some(place));
                }
            }
            let mut want = vec![0.0; m * d];
            for (e, queue) in queues.iter().enumerate() {
                for &token in queue.iter().take(capacity) {
                    let output = by_hand(&list, &parameters, e, &x[(sample * m + token) * d..][..d]);
                    for (want, output) in want[token * d..].iter_mut().zip(output) {
                        *want += probability(token, e) * output;
                    }
                }
            }
            assert_near(&y[sample * m * d..][..m * d], &want)?;
        }
    }

    #[test]
    fn no_expert_takes_more_tokens_than_it_has_room_for(
        sizes in sizes(), choices in 1usize..4, capacity_factor in 0.1..3.0, seed: u64,
    ) {
        let (m, d, n) = sizes;
        let k = choices.min(n);
        let settings = ExpertSettings { hidden: 2, extra_layers: 0, noisy: false };
        let top_k = TopKSettings { choices: k, capacity_factor, ..TopKSettings::default() };
        let mut builder = Builder::new();
        let layer = TopKChoice::new(&mut builder, "moe", sizes, settings, top_k);
        let parameters = uniform(builder.parameters().len(), 1.0, seed);
        let mut workspace = layer.workspace::<f64>((3, m, d));
        let x = uniform(3 * m * d, 1.0, !seed);
        let y = layer.forward(Weights { parameters: &parameters, noise: None }, &x, &mut workspace).to_vec();
        for (sample, choices) in workspace.choices().chunks_exact(m * k).enumerate() {
            let slots = &workspace.slots()[sample * m * k..][..m * k];
            for expert in 0..n {
                let taken = || choices.iter().zip(slots).enumerate().filter(|(_, (e, _))| **e == expert);
                // Every slot once.
                let mut places: Vec<usize> = taken().filter_map(|(_, (_, &slot))| slot).collect();
                let in_order = places.is_sorted();
                prop_assert!(places.len() <= layer.capacity());
                places.sort();
                prop_assert_eq!(&places, &(0..places.len()).collect::<Vec<_>>());
                if k == 1 {
                    prop_assert!(in_order, "tokens of one choice keep their order");
                }
                // No token twice.
                let mut tokens: Vec<usize> = taken().map(|(index, _)| index / k).collect();
                tokens.dedup();
                prop_assert_eq!(tokens.len(), taken().count());
            }
            // What nobody took is zero.
            for token in 0..m {
                if slots[token * k..][..k].iter().all(Option::is_none) {
                    prop_assert!(y[(sample * m + token) * d..][..d].iter().all(|&y| y == 0.0));
                }
            }
        }
    }

    #[test]
    fn choosing_experts_take_their_number_of_tokens_and_none_twice(
        sizes in sizes(), settings in experts(), slots in 1usize..8, seed: u64,
    ) {
        let (m, d, n) = sizes;
        let p = slots.min(m);
        let mut builder = Builder::new();
        let layer = ExpertChoice::new(&mut builder, "moe", (m, d, n, p), settings);
        let (list, _) = builder.finish();
        let parameters = uniform(list.len(), 1.0, seed);
        let mut workspace = layer.workspace::<f64>((2, m, d));
        let x = uniform(2 * m * d, 1.0, !seed);
        let y = layer.forward(Weights { parameters: &parameters, noise: None }, &x, &mut workspace).to_vec();
        for sample in 0..2 {
            let mut want = vec![0.0; m * d];
            for expert in 0..n {
                let taken: Vec<usize> =
                    (0..p).map(|slot| workspace.selected()[(sample * p + slot) * n + expert]).collect();
                prop_assert!(taken.windows(2).all(|pair| pair[0] < pair[1]), "ascending, so none twice");
                prop_assert!(taken.iter().all(|&token| token < m));
                for token in taken {
                    let output = by_hand(&list, &parameters, expert, &x[(sample * m + token) * d..][..d]);
                    let score = workspace.scores()[(sample * m + token) * n + expert];
                    want[token * d..].iter_mut().zip(output).for_each(|(want, output)| *want += score * output);
                }
            }
            assert_near(&y[sample * m * d..][..m * d], &want)?;
        }
    }

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

    /// One token, one expert, one slot: what is left of each mixture, by hand.
    #[test]
    fn edge_cases(sizes in sizes(), settings in experts(), normalised: bool, p in 1usize..5, seed: u64) {
        let (m, d, n) = sizes;
        let make_soft = if normalised { SoftMoe::normalised } else { SoftMoe::new };

        // m = 1: every slot is the token, and an expert counts with the share of its slots.
        let mut builder = Builder::new();
        let layer = make_soft(&mut builder, "moe", (1, d, n, p), settings);
        let mut workspace = layer.workspace::<f64>((1, 1, d));
        let (list, _) = builder.finish();
        let parameters = uniform(list.len(), 1.0, seed);
        let x = uniform(d, 1.0, !seed);
        let y = layer.forward(Weights { parameters: &parameters, noise: None }, &x, &mut workspace).to_vec();
        assert_near(&workspace.dispatch(), &vec![1.0; n * p])?;
        let mut want = vec![0.0; d];
        for (slot, combine) in workspace.combine().iter().enumerate() {
            let output = by_hand(&list, &parameters, slot % n, &x);
            want.iter_mut().zip(output).for_each(|(want, output)| *want += combine * output);
        }
        assert_near(&y, &want)?;

        // n = 1, p = 1: every token becomes the expert's view of one mean of the tokens.
        let mut builder = Builder::new();
        let layer = make_soft(&mut builder, "moe", (m, d, 1, 1), settings);
        let (_, _, _, y) = one_sample(builder, &layer, (m, d), seed);
        assert_near(&y, &y[..d].repeat(m))?;

        // n = 1: every score is one, and the first p tokens are taken.
        let p = p.min(m);
        let mut builder = Builder::new();
        let layer = ExpertChoice::new(&mut builder, "moe", (m, d, 1, p), settings);
        let (list, parameters, x, y) = one_sample(builder, &layer, (m, d), seed);
        let mut want: Vec<f64> =
            x[..p * d].chunks_exact(d).flat_map(|x| by_hand(&list, &parameters, 0, x)).collect();
        want.resize(m * d, 0.0);
        assert_near(&y, &want)?;

        // The same of tokens that choose, as far as there is room.
        let mut builder = Builder::new();
        let top_k = TopKSettings { capacity_factor: p as f64 / m as f64 - 1e-9, ..TopKSettings::default() };
        let layer = TopKChoice::new(&mut builder, "moe", (m, d, 1), settings, top_k);
        prop_assert_eq!(layer.capacity(), p);
        let (_, _, _, y) = one_sample(builder, &layer, (m, d), seed);
        assert_near(&y, &want)?;

        // p = m: every expert takes every token; so does k = n with room for all.
        let mut builder = Builder::new();
        let layer = ExpertChoice::new(&mut builder, "moe", (m, d, n, m), settings);
        let (_, _, _, everyone) = one_sample(builder, &layer, (m, d), seed);
        let mut builder = Builder::new();
        let top_k = TopKSettings { choices: n, ..TopKSettings::default() };
        let layer = TopKChoice::new(&mut builder, "moe", (m, d, n), settings, top_k);
        let (_, _, _, y) = one_sample(builder, &layer, (m, d), seed);
        assert_near(&y, &everyone)?;
    }

    /// Convolutions of one pixel apply the same small expert to every slot.
    #[test]
    fn big_experts_of_pixelwise_networks_are_small_experts(
        sizes in sizes(), hidden in 1usize..6, side in 1usize..4, batch in 1usize..3, seed: u64,
    ) {
        let (m, d, n) = sizes;
        let mut builder = Builder::new();
        let big = BigSoftMoe::new(&mut builder, "moe", (m, d, n, side), |builder, name| (
            Conv2d::<_, _, _, 1, 1>::new(builder, &format!("{name}/hidden"), d, (side, side, hidden)),
            Relu,
            Conv2d::<_, _, _, 1, 1>::new(builder, &format!("{name}/output"), hidden, (side, side, d)),
            Flatten(side * side * d),
        ));
        let (big_list, _) = builder.finish();
        let mut builder = Builder::new();
        let settings = ExpertSettings { hidden, extra_layers: 0, noisy: false };
        let small = SoftMoe::new(&mut builder, "moe", (m, d, n, side * side), settings);
        let (small_list, _) = builder.finish();
        prop_assert_eq!(big_list.len(), small_list.len());

        // Where each of the small one's values lies in the big one's list.
        let mut place = vec![usize::MAX; small_list.len()];
        for parameter in big_list.iter() {
            let own = parameter.name.strip_prefix("moe/experts/").and_then(|rest| rest.split_once('/'));
            let (name, e) = match own {
                Some((e, rest)) => (format!("moe/experts/{rest}"), e.parse().unwrap()),
                None => (parameter.name.clone(), 0),
            };
            let start = small_list.get(&name).unwrap().range.start + e * parameter.range.len();
            place[start..start + parameter.range.len()].copy_from_slice(&parameter.range.clone().collect::<Vec<_>>());
        }
        let of_big = uniform(big_list.len(), 1.0, seed);
        let of_small: Vec<f64> = place.iter().map(|&place| of_big[place]).collect();
        let (x, dy) = (uniform(batch * m * d, 1.0, !seed), uniform(batch * m * d, 1.0, seed ^ 1));

        let (big_weights, small_weights) =
            (Weights { parameters: &of_big, noise: None }, Weights { parameters: &of_small, noise: None });
        let (mut big_tape, mut small_tape) = (big.workspace::<f64>((batch, m, d)), small.workspace::<f64>((batch, m, d)));
        let want = small.forward(small_weights, &x, &mut small_tape).to_vec();
        assert_near(big.forward(big_weights, &x, &mut big_tape), &want)?;
        let mut small_gradient = vec![f64::NAN; small_list.len()];
        let mut big_gradient = small_gradient.clone();
        let dx = small.backward(small_weights, &x, &dy, &mut small_tape, &mut small_gradient, true);
        assert_near(big.backward(big_weights, &x, &dy, &mut big_tape, &mut big_gradient, true), dx)?;
        assert_near(&place.iter().map(|&place| big_gradient[place]).collect::<Vec<_>>(), &small_gradient)?;
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

/// Checks what a network says of its shapes against what it computes: every parameter is in the list once and gets a
/// gradient, every output and input gradient has its value, in batches of any size.
fn assert_shapes<In: Shape>(
    builder: Builder,
    layer: &impl Layer<In>,
    input: In,
    output: &[usize],
) -> Result<(), TestCaseError> {
    let (list, sources) = builder.finish();
    let shape: Vec<usize> = layer.output_shape(input).concrete().into();
    prop_assert_eq!(&shape, output);

    let rows = layer.describe(input);
    prop_assert_eq!(&rows.last().unwrap().output, &output[1..]);
    prop_assert_eq!(rows.iter().map(|row| row.parameters).sum::<usize>(), list.len());
    let mut end = 0;
    for parameter in list.iter() {
        prop_assert_eq!(parameter.range.start, end, "parameters lie one behind the other");
        prop_assert_eq!(parameter.range.len(), parameter.shape.iter().product::<usize>());
        end = parameter.range.end;
    }
    prop_assert_eq!(end, list.len());

    let parameters = uniform(list.len(), 1.0, 1);
    let noise = uniform(sources.len(), 1.0, 2);
    let weights = Weights { parameters: &parameters, noise: Some(&noise) };
    let x = uniform(input.num_elements(), 1.0, 3);
    let mut workspace = layer.workspace::<f64>(input);
    let y = layer.forward(weights, &x, &mut workspace).to_vec();
    prop_assert_eq!(y.len(), output.iter().product::<usize>());
    prop_assert!(y.iter().all(|y| y.is_finite()));
    let mut gradient = vec![f64::NAN; list.len()];
    let dx = layer.backward(weights, &x, &y, &mut workspace, &mut gradient, true);
    prop_assert_eq!(dx.len(), x.len());
    prop_assert!(dx.iter().chain(&gradient).all(|d| d.is_finite()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_layer_has_the_shape_it_names(
        (batch, side, channels, width) in (1usize..4, 4usize..7, 1usize..4, 1usize..5),
        (n, p, hidden, extra_layers) in (1usize..4, 1usize..4, 1usize..9, 0usize..2),
        (actions, atoms, noisy, dueling) in (1usize..5, 1usize..6, any::<bool>(), any::<bool>()),
    ) {
        let settings = ExpertSettings { hidden, extra_layers, noisy };
        let (map, m) = (side - 2, (side - 2) * (side - 2));
        let features = m * width;
        let input = (batch, side, side, channels);
        let logits = [batch, actions, atoms];
        let start = |builder: &mut Builder| {
            (Conv2d::<_, _, _, 3, 1>::new(builder, "encoder", channels, (map, map, width)), Relu)
        };
        let head = |builder: &mut Builder, features: usize| {
            let make = if dueling { CategoricalHead::dueling } else { CategoricalHead::plain };
            make(builder, "head", features, actions, atoms, noisy)
        };

        let mut b = Builder::new();
        let layers = (start(&mut b), Flatten(features), Dense::new(&mut b, "hidden", features, hidden, noisy), Relu, head(&mut b, hidden));
        assert_shapes(b, &layers, input, &logits)?;

        let mut b = Builder::new();
        let moe = if dueling { SoftMoe::new } else { SoftMoe::normalised };
        let layers = (start(&mut b), PerConv(m), moe(&mut b, "moe", (m, width, n, p), settings));
        assert_shapes(b.clone(), &layers, input, &[batch, m, width])?;
        let layers = (layers, Flatten(features), head(&mut b, features));
        assert_shapes(b, &layers, input, &logits)?;

        let mut b = Builder::new();
        let moe = ExpertChoice::new;
        let layers = (start(&mut b), PerConv(m), moe(&mut b, "moe", (m, width, n, p), settings));
        assert_shapes(b.clone(), &layers, input, &[batch, m, width])?;
        let layers = (layers, Flatten(features), head(&mut b, features));
        assert_shapes(b, &layers, input, &logits)?;

        let mut b = Builder::new();
        let balancing = LoadBalancing { importance: 1.0, load: 1.0, ..LoadBalancing::default() };
        let top_k = TopKSettings { choices: p.min(n), balancing, ..TopKSettings::default() };
        let moe = TopKChoice::new(&mut b, "moe", (m, width, n), settings, top_k);
        // A mixture made first has its parameters first.
        let layers = (PerConv(m), moe);
        assert_shapes(b.clone(), &layers, (batch, map, map, width), &[batch, m, width])?;
        let layers = (start(&mut b), layers, Flatten(features), head(&mut b, features));
        assert_shapes(b, &layers, input, &logits)?;

        let mut b = Builder::new();
        let layers = (start(&mut b), PerConv(m), BigSoftMoe::new(&mut b, "moe", (m, width, n, 2_usize), |b, name| (
            Conv2d::<_, _, _, 2, 1>::new(b, &format!("{name}/encoder"), width, (1_usize, 1_usize, 3_usize)),
            Flatten(3_usize),
            Linear::new(b, &format!("{name}/output"), 3_usize, 4 * width),
        )));
        assert_shapes(b.clone(), &layers, input, &[batch, m, width])?;
        let layers = (layers, Flatten(features), head(&mut b, features));
        assert_shapes(b, &layers, input, &logits)?;
    }
}
