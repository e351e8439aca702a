//! A full prioritized replay: adding, sampling, updating.

use crate::clock::{Clock, Figure};
use crate::{Figures, Measurement};
use anyhow::Result;
use clap::ValueEnum;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_replay::{Batch, EpisodeEnd, Layout, Replay, Sampling, TransitionId};
use std::hint::black_box;

const BATCH: usize = 32;
/// Calls that are timed together, and blocks of them in a round.
const CALLS: usize = 250;
const BLOCKS: usize = 5;
/// Number of different frames, added in turn.
const FRAMES: usize = 64;
/// Steps of an episode.
const EPISODE: usize = 500;

/// The kind of frames in a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stored {
    /// 84x84 bytes, stacks of 4
    Atari,
    /// 10x10x4 bytes, no stacks
    Minatar,
}

/// A full replay whose oldest rows have been overwritten.
pub(crate) struct Full {
    replay: Replay,
    batch: Batch,
    frames: Vec<Vec<u8>>,
    steps: usize,
    rng: Xoshiro256PlusPlus,
}

impl Full {
    pub(crate) fn new(stored: Stored, capacity: usize) -> Result<Self> {
        let (frame_len, channels, stack) = match stored {
            Stored::Atari => (84 * 84, 1, 4),
            Stored::Minatar => (10 * 10 * 4, 4, 1),
        };
        let layout = Layout { capacity, frame_len, channels, stack, n_step: 3, discount: 0.99 };
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
        let frames = (0..FRAMES).map(|_| (0..frame_len).map(|_| rng.random()).collect()).collect();
        let replay = Replay::new(layout, Sampling::Prioritized)?;
        let mut full = Full { batch: Batch::new(BATCH, &layout), replay, frames, steps: 0, rng };
        for _ in 0..capacity + capacity / 4 {
            full.add();
        }
        // Unequal priorities before the first sample.
        let ids: Vec<_> = full.replay.ids().collect();
        let priorities: Vec<f32> = ids.iter().map(|_| full.rng.random()).collect();
        full.replay.update_priorities(&ids, &priorities)?;
        Ok(full)
    }

    fn add(&mut self) {
        self.steps += 1;
        let end =
            if self.steps.is_multiple_of(EPISODE) { EpisodeEnd::Terminal } else { EpisodeEnd::Continues };
        self.replay.push(black_box(&self.frames[self.steps % FRAMES]), (self.steps % 6) as u8, 0.5, end);
    }
}

/// Microseconds per call, in each block of `calls`.
fn figure(clock: Clock, mut calls: impl FnMut() -> Result<()>) -> Result<Figure> {
    let mut samples = Vec::new();
    for _ in 0..BLOCKS {
        let start = clock.now();
        for _ in 0..CALLS {
            calls()?;
        }
        samples.push((clock.now() - start) / CALLS as f64 * 1e6);
    }
    Ok(Figure::of(samples))
}

impl Measurement for Full {
    fn round(&mut self, clock: Clock) -> Result<Figures> {
        let add = figure(clock, || {
            self.add();
            Ok(())
        })?;
        let sample = figure(clock, || Ok(self.replay.sample(&mut self.rng, black_box(&mut self.batch))?))?;
        // Different transitions each time, as in training; their choice is not timed.
        let all: Vec<TransitionId> = self.replay.ids().collect();
        let mut updates = Vec::with_capacity(BLOCKS * CALLS);
        for _ in 0..BLOCKS * CALLS {
            let ids: [TransitionId; BATCH] =
                std::array::from_fn(|_| all[self.rng.random_range(0..all.len())]);
            updates.push((ids, std::array::from_fn::<f32, BATCH, _>(|_| self.rng.random())));
        }
        let mut updates = updates.iter();
        let update = figure(clock, || match updates.next() {
            Some((ids, priorities)) => Ok(self.replay.update_priorities(ids, priorities).map(|_| ())?),
            None => Ok(()),
        })?;
        Ok(Figures::from([("add", add), ("sample", sample), ("update", update)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_is_full_before_it_is_timed() {
        for stored in [Stored::Atari, Stored::Minatar] {
            let mut full = Full::new(stored, 2_000).expect("a replay");
            assert_eq!(full.replay.pushed(), 2_500);
            assert!(full.replay.available() > 1_900);
            let figures = full.round(Clock::Wall).expect("a round");
            assert_eq!(figures.keys().copied().collect::<Vec<_>>(), ["add", "sample", "update"]);
        }
    }
}
