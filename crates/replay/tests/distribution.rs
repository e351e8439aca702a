//! How often transitions are drawn, against how often they should be: Pearson's chi-square.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_replay::{Batch, EpisodeEnd, Layout, Replay, Sampling, SumTree, TransitionId};
use std::collections::BTreeMap;

const BATCHES: usize = 20_000;
const BATCH: usize = 32;

/// Rows of a replay that has gone round its ring of 200.
const ROUND_THE_RING: usize = 530;

/// A replay with ends of both kinds, and a priority for each transition.
fn filled(sampling: Sampling, rows: usize) -> (Replay, BTreeMap<TransitionId, f64>) {
    let layout = Layout { capacity: 200, frame_len: 1, channels: 1, stack: 3, n_step: 3, discount: 0.9 };
    let mut replay = Replay::new(layout, sampling).unwrap();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
    for step in 0..rows {
        let end = match step % 40 {
            19 => EpisodeEnd::Terminal,
            39 => EpisodeEnd::Truncated,
            _ => EpisodeEnd::Continues,
        };
        replay.push(&[1], 0, 0.0, end);
    }
    let ids: Vec<_> = replay.ids().collect();
    let priorities: Vec<f32> = ids.iter().map(|_| 0.05 + rng.random::<f32>()).collect();
    replay.update_priorities(&ids, &priorities).unwrap();
    let weights = priorities.iter().map(|&priority| match sampling {
        Sampling::Uniform => 1.0,
        Sampling::Prioritized => f64::from(priority),
    });
    let weight_of = ids.into_iter().zip(weights).collect();
    (replay, weight_of)
}

/// The chi-square statistic of many draws of a replay, and its degrees of freedom.
fn chi_square(sampling: Sampling) -> (f64, f64) {
    let (replay, weight_of) = filled(sampling, ROUND_THE_RING);
    let total: f64 = weight_of.values().sum();
    let mut counts: BTreeMap<TransitionId, u64> = BTreeMap::new();
    let mut batch = Batch::new(BATCH, replay.layout());
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(12);
    for _ in 0..BATCHES {
        replay.sample(&mut rng, &mut batch).unwrap();
        for (id, probability) in batch.ids.iter().zip(&batch.probabilities) {
            assert!((probability - weight_of[id] / total).abs() < 1e-12);
            *counts.entry(*id).or_default() += 1;
        }
    }
    (statistic(&weight_of, &counts), weight_of.len() as f64 - 1.0)
}

/// The chi-square statistic of as many draws independent of each other.
fn chi_square_of_independent_draws() -> f64 {
    let (_, weight_of) = filled(Sampling::Prioritized, ROUND_THE_RING);
    let ids: Vec<TransitionId> = weight_of.keys().copied().collect();
    let mut tree = SumTree::new(ids.len());
    ids.iter().enumerate().for_each(|(item, id)| tree.set(item, weight_of[id]));
    let mut counts: BTreeMap<TransitionId, u64> = BTreeMap::new();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(12);
    for _ in 0..BATCHES * BATCH {
        let item = tree.find(rng.random::<f64>() * tree.total());
        *counts.entry(ids[item]).or_default() += 1;
    }
    statistic(&weight_of, &counts)
}

fn statistic(weight_of: &BTreeMap<TransitionId, f64>, counts: &BTreeMap<TransitionId, u64>) -> f64 {
    let total: f64 = weight_of.values().sum();
    let terms = weight_of.iter().map(|(id, weight)| {
        let expected = weight / total * (BATCHES * BATCH) as f64;
        let count = counts.get(id).copied().unwrap_or(0) as f64;
        (count - expected).powi(2) / expected
    });
    terms.sum()
}

/// Quantile of the chi-square distribution at `z` standard deviations of a normal one (Wilson and Hilferty, 1931).
fn quantile(freedom: f64, z: f64) -> f64 {
    let spread = 2.0 / (9.0 * freedom);
    freedom * (1.0 - spread + z * spread.sqrt()).powi(3)
}

#[test]
fn uniform_draws_are_uniform() {
    let (statistic, freedom) = chi_square(Sampling::Uniform);
    // 0.5% on either side: neither too far from the weights nor too near for chance.
    let (low, high) = (quantile(freedom, -2.576), quantile(freedom, 2.576));
    assert!((low..high).contains(&statistic), "{statistic} outside {low}..{high}");
}

/// Strata take variance out of the counts, so only the upper bound holds.
#[test]
fn stratified_draws_follow_the_priorities() {
    let (statistic, freedom) = chi_square(Sampling::Prioritized);
    assert!(statistic < quantile(freedom, 2.576), "{statistic} with {freedom} degrees of freedom");
    assert!(statistic < chi_square_of_independent_draws());
}

/// Every batch takes one transition from each of its equal parts of the total.
#[test]
fn strata_hold_one_draw_each() {
    // Before the first transition leaves, the order of the priorities is that of age.
    let (replay, weight_of) = filled(Sampling::Prioritized, 190);
    let total: f64 = weight_of.values().sum();
    let mut before = 0.0;
    let mut bounds = BTreeMap::new();
    for (id, weight) in weight_of {
        bounds.insert(id, (before, before + weight));
        before += weight;
    }
    let mut batch = Batch::new(BATCH, replay.layout());
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(13);
    for _ in 0..200 {
        replay.sample(&mut rng, &mut batch).unwrap();
        for (part, id) in batch.ids.iter().enumerate() {
            let (low, high) = bounds[id];
            let (part_low, part_high) =
                (part as f64 / BATCH as f64 * total, (part as f64 + 1.0) / BATCH as f64 * total);
            assert!(low <= part_high + 1e-9 && high >= part_low - 1e-9);
        }
    }
}
