//! Mixtures whose output is known by hand, or is another mixture's.

use super::{assert_near, by_hand, experts, sizes};
use crate::support::uniform;
use proptest::prelude::*;
use softmoe_nets::layers::{
    BigSoftMoe, Conv2d, ExpertChoice, Flatten, Relu, SoftMoe, TopKChoice, TopKSettings,
};
use softmoe_nets::{Builder, ExpertSettings, Layer, ParameterList, Weights};

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

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
}
