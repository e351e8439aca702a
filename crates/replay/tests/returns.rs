//! n-step returns against closed forms: at the ends of episodes, at truncations, where the ring wraps and right behind
//! the write head.

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_replay::{Batch, EpisodeEnd, Layout, Replay, Sampling, Storage};
use std::collections::BTreeMap;

const DISCOUNT: f64 = 0.9;

fn layout(capacity: usize, n_step: usize) -> Layout {
    Layout { capacity, frame_len: 4, channels: 4, stack: 2, n_step, discount: DISCOUNT }
}

/// Sum of `count` terms of the geometric series 1, gamma, gamma^2, ..
fn geometric(count: usize) -> f64 {
    (1.0 - DISCOUNT.powi(count as i32)) / (1.0 - DISCOUNT)
}

/// What is sampled of the transition that starts at a row.
#[derive(Debug, PartialEq)]
struct Sampled {
    reward: f32,
    terminal: bool,
    /// Row at which the next state ends; none behind a terminal.
    next: Option<u32>,
}

/// Frames hold the number of their row, from 1: 0 is padding.
fn push(replay: &mut Replay, row: u32, reward: f32, end: EpisodeEnd) {
    replay.push(&(row + 1).to_le_bytes(), (row % 18) as u8, reward, end);
}

/// Every available transition by the row it starts at: so many are drawn that none is missed.
fn all(replay: &Replay) -> BTreeMap<u32, Sampled> {
    let mut found = BTreeMap::new();
    if replay.available() == 0 {
        return found;
    }
    let mut batch = Batch::new(40 * replay.available(), replay.layout());
    replay.sample(&mut Xoshiro256PlusPlus::seed_from_u64(1), &mut batch).unwrap();
    let newest = |stack: &[u8]| u32::from_le_bytes(stack[4..].try_into().unwrap()).checked_sub(1);
    let states = batch.states.chunks(8).zip(batch.next_states.chunks(8));
    for (item, (state, next)) in states.enumerate() {
        let (reward, terminal) = (batch.rewards[item], batch.discounts[item] == 0.0);
        let n = replay.layout().n_step as f64;
        assert!(terminal || batch.discounts[item] == DISCOUNT.powf(n) as f32);
        let row = newest(state).unwrap();
        assert_eq!(batch.actions[item], (row % 18) as u8);
        found.insert(row, Sampled { reward, terminal, next: newest(next) });
    }
    assert_eq!(found.len(), replay.available());
    found
}

/// Rewards of 1: the return of k rows is the geometric sum of k terms, whether they end with the n-th or the terminal.
#[test]
fn at_the_end_of_an_episode() {
    for n in [1, 3, 10] {
        let mut replay = Replay::new(layout(100, n), Sampling::Uniform).unwrap();
        for row in 0..20 {
            let end = if row == 19 { EpisodeEnd::Terminal } else { EpisodeEnd::Continues };
            push(&mut replay, row, 1.0, end);
        }
        let found = all(&replay);
        assert_eq!(found.len(), 20);
        for (row, sampled) in found {
            let to_the_end = (20 - row) as usize;
            let terminal = to_the_end <= n;
            let next = (!terminal).then_some(row + n as u32);
            let reward = geometric(n.min(to_the_end)) as f32;
            assert_eq!(sampled, Sampled { reward, terminal, next }, "n {n}, row {row}");
        }
    }
}

/// Without the terminal: what has no frame n rows later to bootstrap from is not there, and no sum reaches over the cut.
#[test]
fn at_a_truncation() {
    for n in [1, 3, 10] {
        let mut replay = Replay::new(layout(100, n), Sampling::Uniform).unwrap();
        for row in 0..40 {
            let end = if row == 19 { EpisodeEnd::Truncated } else { EpisodeEnd::Continues };
            // The second episode's rewards would be seen in a sum.
            push(&mut replay, row, if row < 20 { 1.0 } else { 1000.0 }, end);
        }
        let found = all(&replay);
        let rows: Vec<u32> = (0..20 - n as u32).chain(20..40 - n as u32).collect();
        assert!(found.keys().copied().eq(rows), "n {n}: {:?}", found.keys());
        for (row, sampled) in found {
            let reward = (geometric(n) * if row < 20 { 1.0 } else { 1000.0 }) as f32;
            assert_eq!(sampled, Sampled { reward, terminal: false, next: Some(row + n as u32) });
        }
    }
}

/// Rewards of gamma^-t: every full return of the row t is n gamma^-t, wherever in the ring it lies, in either storage.
#[test]
fn where_the_ring_wraps_and_behind_the_write_head() {
    let (capacity, n) = (16_u32, 3_u32);
    for storage in [Storage::Plain, Storage::Compressed] {
        let layout = layout(capacity as usize, n as usize);
        let mut replay = Replay::with_storage(layout, Sampling::Uniform, storage).unwrap();
        for row in 0..5 * capacity {
            push(&mut replay, row, DISCOUNT.powi(-(row as i32)) as f32, EpisodeEnd::Continues);
            let found = all(&replay);
            // The oldest row kept is in no state but as the older frame of its stack; the newest n are not complete.
            let oldest = (row + 1).saturating_sub(capacity);
            let first = if oldest == 0 { 0 } else { oldest + 1 };
            let expected = first..(row + 1).saturating_sub(n);
            assert!(found.keys().copied().eq(expected.clone()), "row {row}: {:?}", found.keys());
            for t in expected {
                let closed = f64::from(n) * DISCOUNT.powi(-(t as i32));
                let Sampled { reward, terminal, next } = found[&t];
                assert!((f64::from(reward) / closed - 1.0).abs() < 1e-6, "row {t}: {reward}, not {closed}");
                assert_eq!((terminal, next), (false, Some(t + n)));
            }
        }
    }
}

/// A terminal at every place of the ring, so that some end right at the wrap, some right behind the write head.
#[test]
fn terminals_at_every_place_of_the_ring() {
    let (capacity, n) = (12_u32, 4_usize);
    for length in 1..=capacity {
        let mut replay = Replay::new(layout(capacity as usize, n), Sampling::Uniform).unwrap();
        for row in 0..4 * capacity {
            let last = row % length == length - 1;
            push(&mut replay, row, 1.0, if last { EpisodeEnd::Terminal } else { EpisodeEnd::Continues });
            for (t, sampled) in all(&replay) {
                let to_the_end = (length - t % length) as usize;
                let terminal = to_the_end <= n;
                assert_eq!(sampled.terminal, terminal);
                assert_eq!(sampled.reward, geometric(n.min(to_the_end)) as f32);
                assert_eq!(sampled.next, (!terminal).then_some(t + n as u32));
                assert!(t >= (row + 1).saturating_sub(capacity) && t <= row);
            }
        }
    }
}
