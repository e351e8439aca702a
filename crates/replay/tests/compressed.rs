//! A replay that keeps its frames compressed gives what a plain one gives, bit for bit, in less memory.

#[path = "../benches/frames/mod.rs"]
mod frames;

use frames::{SIDE, Screen};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_replay::{Batch, EpisodeEnd, Layout, Replay, Sampling, Storage};

const ATARI: Layout =
    Layout { capacity: 3_000, frame_len: SIDE * SIDE, channels: 1, stack: 4, n_step: 3, discount: 0.99 };

fn both(layout: Layout, sampling: Sampling) -> [Replay; 2] {
    [Storage::Plain, Storage::Compressed]
        .map(|storage| Replay::with_storage(layout, sampling, storage).unwrap())
}

/// Pushes a frame into both, and compares a batch and the states after new priorities.
fn step(replays: &mut [Replay; 2], frame: &[u8], end: EpisodeEnd, rng: &mut Xoshiro256PlusPlus) {
    let mut batches = Vec::new();
    let before = rng.clone();
    for replay in replays {
        *rng = before.clone();
        replay.push(frame, rng.random(), rng.random(), end);
        let mut batch = Batch::new(4, replay.layout());
        if replay.sample(rng, &mut batch).is_ok() {
            replay.update_priorities(&batch.ids, &rng.random::<[f32; 4]>()).unwrap();
        }
        batches.push(batch);
    }
    assert_eq!(batches[0], batches[1]);
}

fn state(replay: &Replay) -> Vec<u8> {
    let mut state = Vec::new();
    replay.write_state(&mut state).unwrap();
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Frames of noise, which no compression makes shorter, of one colour, and in between; several times round the ring
    /// and through several chunks.
    #[test]
    fn batches_are_those_of_a_plain_replay(
        capacity in prop::sample::select(vec![10usize, 700, 1_023, 1_024, 1_025]),
        frame_len in 1usize..40,
        stratified: bool,
        seed: u64,
    ) {
        let sampling = if stratified { Sampling::Prioritized } else { Sampling::Uniform };
        let layout = Layout { capacity, frame_len, channels: 1, stack: 3, n_step: 2, discount: 0.9 };
        let mut replays = both(layout, sampling);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut frame = vec![0; frame_len];
        for _ in 0..3_000 {
            let shades = rng.random_range(1..=256u32);
            frame.fill_with(|| (rng.random_range(0..shades)) as u8);
            let end = match rng.random_range(0..20) {
                0 => EpisodeEnd::Terminal,
                1 => EpisodeEnd::Truncated,
                _ => EpisodeEnd::Continues,
            };
            step(&mut replays, &frame, end, &mut rng);
        }
        prop_assert_eq!(state(&replays[0]), state(&replays[1]));
    }
}

#[test]
fn frames_as_sparse_as_ataris_take_a_third_at_most_and_are_the_same() {
    let mut replays = both(ATARI, Sampling::Prioritized);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut screen = Screen::new(2);
    for _ in 0..7_000 {
        step(&mut replays, screen.next(), EpisodeEnd::Continues, &mut rng);
    }
    assert_eq!(state(&replays[0]), state(&replays[1]));
    let [plain, compressed] = replays.map(|replay| replay.bytes() - ATARI.bytes_beside_frames());
    assert_eq!(plain, 3_000 * 84 * 84);
    // 2.5 GB for a million frames is 0.354 of 7.06; one chunk of rows that left may still be there.
    assert!((compressed as f64) < 0.354 * plain as f64, "{compressed} of {plain} bytes");
}

#[test]
fn frames_of_noise_take_as_much_as_plain_ones() {
    let [_, mut replay] = both(ATARI, Sampling::Uniform);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut frame = vec![0; SIDE * SIDE];
    for _ in 0..1_500 {
        rng.fill(&mut frame[..]);
        replay.push(&frame, 0, 0.0, EpisodeEnd::Continues);
    }
    assert_eq!(replay.bytes() - ATARI.bytes_beside_frames(), 1_500 * 84 * 84);
}

#[test]
fn nothing_but_chunks_is_allocated() {
    let [_, mut replay] = both(ATARI, Sampling::Prioritized);
    let mut screen = Screen::new(3);
    let mut batch = Batch::new(32, &ATARI);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
    (0..4_000).for_each(|_| replay.push(screen.next(), 0, 1.0, EpisodeEnd::Continues));
    let sampled = allocation_counter::measure(|| {
        for _ in 0..50 {
            replay.sample(&mut rng, &mut batch).unwrap();
            replay.update_priorities(&batch.ids, &[0.5f32; 32]).unwrap();
        }
    });
    assert_eq!(sampled.count_total, 0);
    // 2,048 rows begin two chunks: two vectors each, one of which may grow and is cut to its length at the end.
    let pushed = allocation_counter::measure(|| {
        (0..2_048).for_each(|_| replay.push(screen.next(), 0, 1.0, EpisodeEnd::Continues));
    });
    assert!(pushed.count_total <= 2 * 4, "{}", pushed.count_total);
}
