//! What holds for layers of any size and any values.

mod support;

use proptest::prelude::*;
use softmoe_nets::layers::{CategoricalHead, ExpertChoice, Flatten, Linear, NoisyLinear, Relu, SoftMoe};
use softmoe_nets::{Builder, ExpertSettings, Layer, Weights};
use support::orders::{assert_near, permutation, permuted};
use support::uniform;

/// A mixture: tokens, width, experts, slots.
fn sizes() -> impl Strategy<Value = (usize, usize, usize, usize)> {
    (1usize..12, 1usize..6, 1usize..5, 1usize..5)
}

fn experts() -> impl Strategy<Value = ExpertSettings> {
    (1usize..6, 0usize..2, any::<bool>()).prop_map(|(hidden, extra_layers, noisy)| ExpertSettings {
        hidden,
        extra_layers,
        noisy,
    })
}

proptest! {
    #[test]
    fn soft_moe_mixes_convexly(sizes in sizes(), settings in experts(), normalised: bool, seed: u64) {
        let (m, d, n, p) = sizes;
        let mut builder = Builder::new();
        let make = if normalised { SoftMoe::normalised } else { SoftMoe::new };
        let layer = make(&mut builder, "moe", sizes, settings);
        let parameters = uniform(builder.parameters().len(), 2.0, seed);
        let mut workspace = layer.workspace::<f64>((2, m, d));
        let x = uniform(2 * m * d, 2.0, !seed);
        layer.forward(Weights { parameters: &parameters, noise: None }, &x, &mut workspace);
        for dispatch in workspace.dispatch().chunks_exact(m * n * p) {
            for slot in 0..n * p {
                let column: Vec<f64> = dispatch.iter().skip(slot).step_by(n * p).copied().collect();
                prop_assert!(column.iter().all(|&weight| weight > 0.0));
                assert_near(&[column.iter().sum()], &[1.0])?;
            }
        }
        for row in workspace.combine().chunks_exact(n * p) {
            prop_assert!(row.iter().all(|&weight| weight > 0.0));
            assert_near(&[row.iter().sum()], &[1.0])?;
        }
    }

    #[test]
    fn soft_moe_permutes_with_its_tokens(sizes in sizes(), settings in experts(), normalised: bool, seed: u64) {
        let (m, d, ..) = sizes;
        let mut builder = Builder::new();
        let make = if normalised { SoftMoe::normalised } else { SoftMoe::new };
        let layer = make(&mut builder, "moe", sizes, settings);
        let parameters = uniform(builder.parameters().len(), 1.0, seed);
        let noise = uniform(builder.noise().len(), 1.0, seed ^ 1);
        let weights = Weights { parameters: &parameters, noise: Some(&noise) };
        let mut workspace = layer.workspace::<f64>((1, m, d));
        let x = uniform(m * d, 1.0, !seed);
        let order = permutation(m, seed ^ 2);
        let want = permuted(layer.forward(weights, &x, &mut workspace), d, &order);
        assert_near(layer.forward(weights, &permuted(&x, d, &order), &mut workspace), &want)?;
    }

    #[test]
    fn soft_moe_does_not_care_which_expert_is_which(sizes in sizes(), settings in experts(), seed: u64) {
        let (m, d, n, p) = sizes;
        let mut builder = Builder::new();
        let layer = SoftMoe::new(&mut builder, "moe", sizes, settings);
        let (list, sources) = builder.finish();
        let noise = uniform(sources.len(), 1.0, seed ^ 1);
        let parameters = uniform(list.len(), 1.0, seed);
        let order = permutation(n, seed ^ 2);
        let mut shuffled = parameters.clone();
        for parameter in list.iter() {
            let values = &parameters[parameter.range.clone()];
            // Phi is (d, n, p), everything else (n, ..).
            shuffled[parameter.range.clone()].copy_from_slice(&match parameter.shape.as_slice() {
                _ if parameter.name.ends_with("/phi") => {
                    values.chunks_exact(n * p).flat_map(|row| permuted(row, p, &order)).collect()
                }
                [_, rest @ ..] => permuted(values, rest.iter().product(), &order),
                [] => unreachable!("a parameter of a mixture has axes"),
            });
        }
        let x = uniform(2 * m * d, 1.0, !seed);
        let mut workspace = layer.workspace::<f64>((2, m, d));
        let mut output = |parameters: &[f64]| {
            layer.forward(Weights { parameters, noise: Some(&noise) }, &x, &mut workspace).to_vec()
        };
        assert_near(&output(&shuffled), &output(&parameters))?;
    }

    #[test]
    fn samples_do_not_see_each_other(sizes in sizes(), settings in experts(), batch in 2usize..4, seed: u64) {
        let (m, d, n, p) = sizes;
        let mut builder = Builder::new();
        let soft = SoftMoe::new(&mut builder, "soft", sizes, settings);
        let choosing = ExpertChoice::new(&mut builder, "choosing", (m, d, n, p.min(m)), settings);
        let head = CategoricalHead::dueling(&mut builder, "head", m * d, 3, 5, settings.noisy);
        let network = (soft, choosing, Flatten(m * d), head);
        let parameters = uniform(builder.parameters().len(), 1.0, seed);
        let noise = uniform(builder.noise().len(), 1.0, seed ^ 1);
        let weights = Weights { parameters: &parameters, noise: Some(&noise) };
        let x = uniform(batch * m * d, 1.0, !seed);
        let mut together = network.workspace::<f64>((batch, m, d));
        let mut alone = network.workspace::<f64>((1, m, d));
        let want: Vec<f64> =
            x.chunks_exact(m * d).flat_map(|x| network.forward(weights, x, &mut alone).to_vec()).collect();
        assert_near(network.forward(weights, &x, &mut together), &want)?;
    }

    #[test]
    fn experts_take_the_tokens_that_score_highest(
        sizes in sizes(), settings in experts(), equal_scores: bool, seed: u64,
    ) {
        let (m, d, n, p) = sizes;
        let p = p.min(m);
        let mut builder = Builder::new();
        let layer = ExpertChoice::new(&mut builder, "moe", (m, d, n, p), settings);
        let parameters = uniform(builder.parameters().len(), 1.0, seed);
        let mut x = uniform(2 * m * d, 1.0, !seed);
        if equal_scores {
            x.fill(0.5);
        }
        let mut workspace = layer.workspace::<f64>((2, m, d));
        layer.forward(Weights { parameters: &parameters, noise: None }, &x, &mut workspace);
        for sample in 0..2 {
            for expert in 0..n {
                let score = |token: usize| workspace.scores()[(sample * m + token) * n + expert];
                let taken: Vec<usize> =
                    (0..p).map(|slot| workspace.selected()[(sample * p + slot) * n + expert]).collect();
                // The definition, by sorting: descending scores, of equals the first.
                let mut order: Vec<usize> = (0..m).collect();
                order.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
                order.truncate(p);
                order.sort();
                prop_assert_eq!(&taken, &order);
            }
        }
    }

    #[test]
    fn without_sigma_or_without_noise_a_noisy_layer_is_plain(
        batch in 1usize..4, inputs in 1usize..20, outputs in 1usize..20, seed: u64,
    ) {
        let mut builder = Builder::new();
        let noisy = NoisyLinear::new(&mut builder, "noisy", inputs, outputs);
        let (list, sources) = builder.finish();
        let mut builder = Builder::new();
        let plain = Linear::new(&mut builder, "plain", inputs, outputs);
        let mut parameters = uniform(list.len(), 1.0, seed);
        let noise = uniform(sources.len(), 2.0, seed ^ 1);
        let mut mu = vec![0.0; builder.parameters().len()];
        for part in ["kernel", "bias"] {
            let from = list.get(&format!("noisy/{part}_mu")).unwrap().range.clone();
            let to = builder.parameters().get(&format!("plain/{part}")).unwrap().range.clone();
            mu[to].copy_from_slice(&parameters[from]);
        }
        let x = uniform(batch * inputs, 1.0, !seed);
        let mut workspace = noisy.workspace::<f64>((batch, inputs));
        let mut plain_tape = plain.workspace::<f64>((batch, inputs));
        let want = plain.forward(Weights { parameters: &mu, noise: None }, &x, &mut plain_tape).to_vec();

        let quiet = Weights { parameters: &parameters, noise: None };
        prop_assert_eq!(noisy.forward(quiet, &x, &mut workspace), want.as_slice());
        for part in ["kernel", "bias"] {
            parameters[list.get(&format!("noisy/{part}_sigma")).unwrap().range.clone()].fill(0.0);
        }
        let weights = Weights { parameters: &parameters, noise: Some(&noise) };
        assert_near(noisy.forward(weights, &x, &mut workspace), &want)?;
    }

    #[test]
    fn one_noisy_sample_equals_the_same_in_a_batch(
        inputs in 1usize..20, outputs in 1usize..20, batch in 2usize..4, seed: u64,
    ) {
        let mut builder = Builder::new();
        let layer = NoisyLinear::new(&mut builder, "noisy", inputs, outputs);
        let parameters = uniform(builder.parameters().len(), 1.0, seed);
        let noise = uniform(builder.noise().len(), 2.0, seed ^ 1);
        let weights = Weights { parameters: &parameters, noise: Some(&noise) };
        let x = uniform(batch * inputs, 1.0, !seed);
        let mut alone = layer.workspace::<f64>((1, inputs));
        let want: Vec<f64> =
            x.chunks_exact(inputs).flat_map(|x| layer.forward(weights, x, &mut alone).to_vec()).collect();
        let mut workspace = layer.workspace::<f64>((batch, inputs));
        assert_near(layer.forward(weights, &x, &mut workspace), &want)?;
    }

    #[test]
    fn a_tuple_applies_its_layers_in_turn(
        batch in 1usize..4, widths in [1usize..9, 1usize..9, 1usize..9], seed: u64,
    ) {
        let [a, b, c] = widths;
        let mut builder = Builder::new();
        let first = Linear::new(&mut builder, "first", a, b);
        let second = Linear::new(&mut builder, "second", b, c);
        let (list, _) = builder.finish();
        let parameters = uniform(list.len(), 1.0, seed);
        let weights = Weights { parameters: &parameters, noise: None };
        let (x, dy) = (uniform(batch * a, 1.0, !seed), uniform(batch * c, 1.0, seed ^ 1));

        let network = (first.clone(), Relu, second.clone());
        let mut workspace = network.workspace::<f64>((batch, a));
        let mut gradient = vec![f64::NAN; list.len()];
        let y = network.forward(weights, &x, &mut workspace).to_vec();
        let dx = network.backward(weights, &x, &dy, &mut workspace, &mut gradient, true);

        let (mut tape_1, mut tape_2) = (first.workspace::<f64>((batch, a)), second.workspace::<f64>((batch, b)));
        let mut tape_relu = Relu.workspace::<f64>((batch, b));
        let mut by_hand = vec![f64::NAN; list.len()];
        let hidden = first.forward(weights, &x, &mut tape_1).to_vec();
        let active = Layer::<(usize, usize)>::forward(&Relu, weights, &hidden, &mut tape_relu).to_vec();
        prop_assert_eq!(&y, second.forward(weights, &active, &mut tape_2));
        let d = second.backward(weights, &active, &dy, &mut tape_2, &mut by_hand, true).to_vec();
        let d = Layer::<(usize, usize)>::backward(&Relu, weights, &hidden, &d, &mut tape_relu, &mut by_hand, true).to_vec();
        prop_assert_eq!(dx, first.backward(weights, &x, &d, &mut tape_1, &mut by_hand, true));
        prop_assert_eq!(gradient, by_hand);
    }

    #[test]
    fn dueling_logits_depend_on_advantages_only_through_their_differences(
        features in 1usize..9, actions in 1usize..6, atoms in 1usize..9, seed: u64,
    ) {
        let mut builder = Builder::new();
        let head = CategoricalHead::dueling(&mut builder, "head", features, actions, atoms, false);
        let mut parameters = uniform(builder.parameters().len(), 1.0, seed);
        let x = uniform(2 * features, 1.0, !seed);
        let mut workspace = head.workspace::<f64>((2, features));
        let weights = Weights { parameters: &parameters, noise: None };
        let y = head.forward(weights, &x, &mut workspace).to_vec();

        // The mean over actions is the value alone.
        let value = Linear::new(&mut Builder::new(), "value", features, atoms);
        let range = builder.parameters().get("head/value/kernel").unwrap().range.start..;
        let mut value_tape = value.workspace::<f64>((2, features));
        let of_value = Weights { parameters: &parameters[range], noise: None };
        let want = value.forward(of_value, &x, &mut value_tape);
        let mean = y.chunks_exact(actions * atoms).flat_map(|y| {
            (0..atoms).map(|atom| y.iter().skip(atom).step_by(atoms).sum::<f64>() / actions as f64)
        });
        assert_near(&mean.collect::<Vec<_>>(), want)?;

        // The same for every action cancels.
        let advantage = builder.parameters().get("head/advantage/bias").unwrap().range.clone();
        parameters[advantage].iter_mut().for_each(|bias| *bias += 3.0);
        assert_near(head.forward(Weights { parameters: &parameters, noise: None }, &x, &mut workspace), &y)?;
    }
}
