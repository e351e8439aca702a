//! Time of adding a row, of sampling 32 transitions and of updating 32 priorities, in a full replay.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_replay::{Batch, Draws, EpisodeEnd, Layout, Replay, Sampling};
use std::hint::black_box;

const BATCH: usize = 32;

fn shapes() -> [(&'static str, Layout); 2] {
    let minatar = Layout { capacity: 100_000, frame_len: 10 * 10 * 4, stack: 1, n_step: 3, discount: 0.99 };
    let atari = Layout { capacity: 200_000, frame_len: 84 * 84, stack: 4, n_step: 3, discount: 0.99 };
    [("minatar 10x10x4", minatar), ("atari 84x84 stack 4", atari)]
}

/// A full replay that has gone round the ring a little, with random priorities.
fn full(layout: Layout, sampling: Sampling) -> Replay {
    let mut replay = Replay::new(layout, sampling).expect("a layout that fits this machine");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
    let mut frame = vec![0; layout.frame_len];
    for step in 0..layout.capacity + layout.capacity / 4 {
        rng.fill(&mut frame[..8]);
        let end = if step % 500 == 499 { EpisodeEnd::Terminal } else { EpisodeEnd::Continues };
        replay.push(&frame, (step % 6) as u8, 1.0, end);
    }
    let ids: Vec<_> = replay.ids().collect();
    let priorities: Vec<f32> = ids.iter().map(|_| rng.random()).collect();
    replay.update_priorities(&ids, &priorities).expect("finite priorities");
    replay
}

fn replay(criterion: &mut Criterion) {
    for (name, layout) in shapes() {
        for (kind, sampling) in
            [("prioritized", Sampling::Prioritized(Draws::Stratified)), ("uniform", Sampling::Uniform)]
        {
            let mut group = criterion.benchmark_group(format!("{name}, {kind}"));
            let mut replay = full(layout, sampling);
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
            let mut batch = Batch::new(BATCH, replay.layout());

            let frames: Vec<Vec<u8>> = (0..64).map(|k| vec![k; layout.frame_len]).collect();
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
            if let Sampling::Prioritized(_) = sampling {
                // Other transitions each time, as in training; drawing them is not timed.
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
