//! The games: random actions, the observation written after each step, a reset at each end of an episode.

use crate::clock::{Clock, Figure};
use crate::{Figures, Measurement};
use anyhow::Result;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_env::{DynEnvironment, RenderedEnvironment};
use softmoe_minatar::{Game, Settings, make};
use std::hint::black_box;

/// Number of steps that are timed together.
const BLOCK: usize = 20_000;

pub(crate) struct Games {
    games: Vec<(&'static str, Box<dyn RenderedEnvironment>)>,
    actions: Vec<usize>,
    blocks: usize,
}

impl Games {
    pub(crate) fn new(steps: usize) -> Self {
        let mut policy = Xoshiro256PlusPlus::seed_from_u64(0);
        Games {
            games: Game::ALL.map(|game| (game.name(), make(game, &Settings::default(), 0))).into(),
            actions: (0..BLOCK).map(|_| policy.random_range(0..6)).collect(),
            blocks: steps.div_ceil(BLOCK).max(1),
        }
    }
}

fn play(environment: &mut dyn DynEnvironment, actions: &[usize], observation: &mut [u8]) {
    for action in actions {
        let step = environment.step(*action);
        environment.observe(observation);
        black_box(&*observation);
        if step.ends_episode() {
            environment.reset();
        }
    }
}

impl Measurement for Games {
    fn round(&mut self, clock: Clock) -> Result<Figures> {
        let Games { games, actions, blocks } = self;
        let figure = |(name, game): &mut (&'static str, Box<dyn RenderedEnvironment>)| {
            let mut observation = vec![0; game.spec().frame_bytes()];
            let rates = (0..*blocks).map(|_| {
                let seconds = clock.time(|| play(&mut **game, actions, &mut observation));
                actions.len() as f64 / seconds
            });
            (*name, Figure::of(rates))
        };
        Ok(games.iter_mut().map(figure).collect())
    }
}
