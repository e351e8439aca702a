//! Steps a second of each game on one core: random actions, the observation written after each step, a reset
//! at each end of an episode.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_minatar::{Game, Settings, make};

/// Steps of one measured call.
const STEPS: usize = 20_000;

fn steps(criterion: &mut Criterion) {
    let mut policy = Xoshiro256PlusPlus::seed_from_u64(0);
    let actions: Vec<usize> = (0..STEPS).map(|_| policy.random_range(0..6)).collect();
    let mut group = criterion.benchmark_group("steps");
    group.throughput(Throughput::Elements(STEPS as u64));
    for game in Game::ALL {
        let mut environment = make(game, &Settings::default(), 0);
        let mut observation = vec![0; environment.spec().frame_bytes()];
        group.bench_function(game.name(), |bencher| {
            bencher.iter(|| {
                for action in &actions {
                    let step = environment.step(*action);
                    environment.observe(&mut observation);
                    black_box(&observation);
                    if step.ends_episode() {
                        environment.reset();
                    }
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
