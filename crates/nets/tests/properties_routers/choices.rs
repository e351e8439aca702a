//! Which expert takes which token.

use super::{assert_near, by_hand, experts, sizes};
use crate::support::uniform;
use proptest::prelude::*;
use softmoe_nets::layers::{ExpertChoice, TopKChoice, TopKSettings};
use softmoe_nets::{Builder, ExpertSettings, Layer, Weights};

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
}
