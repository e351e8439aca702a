//! The replay against a plain one that keeps every row for ever and works out everything anew.

mod common;

use common::{Scripted, assert_rounded};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_replay::{Batch, EpisodeEnd, Layout, Replay, Sampling, TransitionId};
use std::collections::BTreeMap;

/// A frame of a row: its number, from 1, since 0 is padding.
fn frame(number: usize) -> [u8; 2] {
    (number as u16 + 1).to_le_bytes()
}

#[derive(Clone, Copy, Debug)]
struct Step {
    action: u8,
    reward: f32,
    end: EpisodeEnd,
}

#[derive(Debug)]
struct Transition {
    /// Row at which the state ends: what the transition is called.
    t: usize,
    state: Vec<u8>,
    next_state: Vec<u8>,
    reward: f64,
    terminal: bool,
}

/// Every transition that the newest `capacity` of the steps hold, oldest first.
fn model(steps: &[Step], layout: &Layout) -> Vec<Transition> {
    let Layout { capacity, channels, stack, n_step, discount, .. } = *layout;
    let kept_from = steps.len().saturating_sub(capacity);
    let mut found = Vec::new();
    let mut start = 0;
    while start < steps.len() {
        let ended = (start..steps.len()).find(|&k| steps[k].end != EpisodeEnd::Continues);
        let last = ended.unwrap_or(steps.len() - 1);
        let stack_at = |t: usize| -> Vec<u8> {
            let numbers = (0..stack).rev().map(|back| t.checked_sub(back).filter(|&k| k >= start));
            let frames: Vec<[u8; 2]> = numbers.map(|number| number.map_or([0, 0], frame)).collect();
            let pixels = (0..2).step_by(channels).map(|pixel| pixel..pixel + channels);
            pixels
                .flat_map(|pixel| frames.iter().flat_map(move |frame| frame[pixel.clone()].to_vec()))
                .collect()
        };
        for t in start..=last {
            let terminal = t + n_step > last;
            if terminal && steps[last].end != EpisodeEnd::Terminal {
                continue;
            }
            let oldest_of_stack = start.max((t + 1).saturating_sub(stack));
            if oldest_of_stack < kept_from {
                continue;
            }
            let summed = if terminal { &steps[t..=last] } else { &steps[t..t + n_step] };
            found.push(Transition {
                t,
                state: stack_at(t),
                next_state: if terminal { vec![0; 2 * stack] } else { stack_at(t + n_step) },
                reward: summed
                    .iter()
                    .rev()
                    .fold(0.0, |later, step| f64::from(step.reward) + discount * later),
                terminal,
            });
        }
        start = last + 1;
    }
    found
}

/// Samples each available transition once: one draw from the middle of each one's share of equal priorities.
fn sample_each(replay: &Replay) -> Batch {
    let count = replay.available();
    let mut batch = Batch::new(count, replay.layout());
    let uniforms = (0..count).map(|k| match replay.sampling() {
        Sampling::Prioritized => 0.5,
        _ => ((k as f64 + 0.5) / count as f64 * 2f64.powi(53)).round() / 2f64.powi(53),
    });
    replay.sample(&mut Scripted::new(uniforms.collect()), &mut batch).unwrap();
    batch
}

fn any_layout() -> impl Strategy<Value = Layout> {
    let discounts = prop::sample::select(vec![0.0, 0.5, 0.9, 0.99, 1.0]);
    (1usize..=2, 1usize..5, 1usize..6, 0usize..30, discounts).prop_map(
        |(channels, stack, n_step, more, discount)| Layout {
            capacity: stack + n_step + more,
            frame_len: 2,
            channels,
            stack,
            n_step,
            discount,
        },
    )
}

fn any_step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![
        8 => Just(EpisodeEnd::Continues),
        1 => Just(EpisodeEnd::Terminal),
        1 => Just(EpisodeEnd::Truncated),
    ];
    (0u8..18, -8i8..8, end).prop_map(|(action, quarters, end)| Step {
        action,
        reward: f32::from(quarters) / 4.0,
        end,
    })
}

fn any_sampling() -> impl Strategy<Value = Sampling> {
    prop::sample::select(vec![Sampling::Uniform, Sampling::Prioritized])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn offers_exactly_what_the_model_does(
        layout in any_layout(),
        sampling in any_sampling(),
        steps in prop::collection::vec(any_step(), 1..120),
    ) {
        let mut replay = Replay::new(layout, sampling).unwrap();
        for pushed in 1..=steps.len() {
            let step = steps[pushed - 1];
            replay.push(&frame(pushed - 1), step.action, step.reward, step.end);
            let want = model(&steps[..pushed], &layout);
            prop_assert_eq!(replay.pushed(), pushed as u64);
            prop_assert_eq!(replay.available(), want.len());
            if want.is_empty() {
                prop_assert!(replay.sample(&mut Scripted::new(vec![0.5]), &mut Batch::new(1, &layout)).is_err());
                continue;
            }
            let batch = sample_each(&replay);
            let state_len = 2 * layout.stack;
            // The order of the priorities is that of a ring: it may begin in the middle.
            let mut by_age: Vec<usize> = (0..batch.len()).collect();
            by_age.sort_by_key(|&k| batch.ids[k]);
            prop_assert!(by_age.iter().map(|&k| batch.ids[k]).eq(replay.ids()));
            for (k, want) in by_age.into_iter().zip(&want) {
                prop_assert_eq!(&batch.states[k * state_len..(k + 1) * state_len], &want.state);
                prop_assert_eq!(&batch.next_states[k * state_len..(k + 1) * state_len], &want.next_state);
                prop_assert_eq!(batch.actions[k], steps[want.t].action);
                let discount = if want.terminal { 0.0 } else { layout.discount.powf(layout.n_step as f64) as f32 };
                prop_assert_eq!(batch.discounts[k], discount);
                assert_rounded(batch.rewards[k], want.reward);
                prop_assert!((batch.probabilities[k] * replay.available() as f64 - 1.0).abs() < 1e-12);
            }
        }
    }

    /// Ids given long ago, twice, or never updated: the priorities are those of a map from row to priority.
    #[test]
    fn priorities_follow_the_model(
        layout in any_layout(),
        steps in prop::collection::vec(any_step(), 1..120),
        updates in prop::collection::vec(
            prop::collection::vec((any::<prop::sample::Index>(), 0u8..9), 0..6), 120),
    ) {
        let mut replay = Replay::new(layout, Sampling::Prioritized).unwrap();
        let mut seen: Vec<(TransitionId, usize)> = Vec::new();
        let mut priority_of: BTreeMap<usize, f64> = BTreeMap::new();
        let mut largest = 1.0f64;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
        for pushed in 1..=steps.len() {
            let step = steps[pushed - 1];
            replay.push(&frame(pushed - 1), step.action, step.reward, step.end);
            let rows: Vec<usize> = model(&steps[..pushed], &layout).iter().map(|transition| transition.t).collect();
            for (id, &t) in replay.ids().zip(&rows) {
                priority_of.entry(t).or_insert_with(|| { seen.push((id, t)); largest });
            }
            priority_of.retain(|t, _| rows.contains(t));
            if !seen.is_empty() {
                let picks: Vec<_> = updates[pushed - 1].iter()
                    .map(|(which, quarters)| (seen[which.index(seen.len())], f32::from(*quarters) / 4.0)).collect();
                let ids: Vec<_> = picks.iter().map(|((id, _), _)| *id).collect();
                let priorities: Vec<f32> = picks.iter().map(|(_, priority)| *priority).collect();
                replay.update_priorities(&ids, &priorities).unwrap();
                let mut done = Vec::new();
                for ((_, t), priority) in picks {
                    if let Some(held) = priority_of.get_mut(&t) {
                        largest = largest.max(priority.into());
                        if !done.contains(&t) {
                            *held = priority.into();
                            done.push(t);
                        }
                    }
                }
            }
            for (id, t) in &seen {
                prop_assert_eq!(replay.priority(*id), priority_of.get(t).copied());
            }
            let total: f64 = priority_of.values().sum();
            if !rows.is_empty() {
                let mut batch = Batch::new(4, &layout);
                replay.sample(&mut rng, &mut batch).unwrap();
                for (id, probability) in batch.ids.iter().zip(&batch.probabilities) {
                    let t = seen.iter().find(|(known, _)| known == id).unwrap().1;
                    let want = if total > 0.0 { priority_of[&t] / total } else { 1.0 / rows.len() as f64 };
                    prop_assert!(*probability > 0.0);
                    prop_assert!((probability - want).abs() < 1e-12);
                }
            }
        }
    }
}
