//! Time of adding a row, of sampling 32 transitions and of updating 32 priorities, in a full replay; frames of Atari's size
//! also compressed.

mod frames;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use frames::{SIDE, Screen};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_replay::{Batch, EpisodeEnd, Layout, Replay, Sampling, Storage};
use std::hint::black_box;

const BATCH: usize = 32;

/// A sequence of frames of one shape.
struct Frames {
    screen: Option<Screen>,
    rng: Xoshiro256PlusPlus,
    frame: Vec<u8>,
}

impl Frames {
    fn new(layout: &Layout) -> Self {
        let screen = (layout.frame_len == SIDE * SIDE).then(|| Screen::new(0));
        Frames { screen, rng: Xoshiro256PlusPlus::seed_from_u64(0), frame: vec![0; layout.frame_len] }
    }

    fn next(&mut self) -> &[u8] {
        match &mut self.screen {
            Some(screen) => screen.next(),
            None => {
                self.rng.fill(&mut self.frame[..8]);
                &self.frame
            }
        }
    }
}

fn shapes() -> [(&'static str, Layout, Storage); 3] {
    let minatar = Layout {
        capacity: 100_000,
        frame_len: 10 * 10 * 4,
        channels: 4,
        stack: 1,
        n_step: 3,
        discount: 0.99,
    };
    let atari = Layout {
        capacity: 200_000,
        frame_len: SIDE * SIDE,
        channels: 1,
        stack: 4,
        n_step: 3,
        discount: 0.99,
    };
    [
        ("minatar 10x10x4", minatar, Storage::Plain),
        ("atari 84x84 stack 4", atari, Storage::Plain),
        ("atari 84x84 stack 4 compressed", atari, Storage::Compressed),
    ]
}

/// A full replay, a little of its ring overwritten, with random priorities.
fn full(layout: Layout, sampling: Sampling, storage: Storage) -> Replay {
    let mut replay =
        Replay::with_storage(layout, sampling, storage).expect("a layout that fits this machine");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
    let mut frames = Frames::new(&layout);
    for step in 0..layout.capacity + layout.capacity / 4 {
        let end = if step % 500 == 499 { EpisodeEnd::Terminal } else { EpisodeEnd::Continues };
        replay.push(frames.next(), (step % 6) as u8, 1.0, end);
    }
    let ids: Vec<_> = replay.ids().collect();
    let priorities: Vec<f32> = ids.iter().map(|_| rng.random()).collect();
    replay.update_priorities(&ids, &priorities).expect("finite priorities");
    replay
}

fn replay(criterion: &mut Criterion) {
    for (name, layout, storage) in shapes() {
        for (kind, sampling) in [("prioritized", Sampling::Prioritized), ("uniform", Sampling::Uniform)] {
            let mut group = criterion.benchmark_group(format!("{name}, {kind}"));
            let mut replay = full(layout, sampling, storage);
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
            let mut batch = Batch::new(BATCH, replay.layout());

            let mut source = Frames::new(&layout);
            let frames: Vec<Vec<u8>> = (0..64).map(|_| source.next().to_vec()).collect();
            let mut step = 0;
            group.bench_function("add", |bencher| {
                bencher.iter(|| {
                    step += 1;
                    let end = if step % 500 == 0 { EpisodeEnd::Terminal } else { EpisodeEnd::Continues };
                    replay.push(black_box(&frames[step % 64]), 3, 0.5, end);
                });
            });
            group.bench_function("sample 32", |bencher| {
                bencher.iter(|| replay.sample(&mut rng, black_box(&mut batch)).expect("transitions"));
            });
            if let Sampling::Prioritized = sampling {
                // Different transitions each time, as in training; drawing them is not timed.
                let all: Vec<_> = replay.ids().collect();
                let mut draw = Xoshiro256PlusPlus::seed_from_u64(2);
                group.bench_function("update 32", |bencher| {
                    bencher.iter_batched_ref(
                        || {
                            let ids: [_; BATCH] =
                                std::array::from_fn(|_| all[draw.random_range(0..all.len())]);
                            let priorities: [f32; BATCH] = std::array::from_fn(|_| draw.random());
                            (ids, priorities)
                        },
                        |(ids, priorities)| {
                            replay.update_priorities(ids, priorities).expect("finite priorities")
                        },
                        BatchSize::SmallInput,
                    );
                });
            }
            group.finish();
        }
    }
}

criterion_group!(benches, replay);
criterion_main!(benches);
