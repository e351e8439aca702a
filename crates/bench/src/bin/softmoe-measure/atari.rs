//! Atari: random actions in several environments at once, whole games, a reset at each end of an episode.

use crate::clock::{Clock, Figure};
use crate::{Figures, Measurement};
use anyhow::{Result, bail};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_config::{Game, Games};
use softmoe_env::atari::{AtariVector, Preprocessing, Settings};
use std::hint::black_box;

pub(crate) struct Vector {
    vector: AtariVector,
    /// The actions of all environments, step by step.
    actions: Vec<Vec<usize>>,
}

impl Vector {
    /// So many environments of `game`, and so many agent steps of all of them together a round.
    pub(crate) fn new(game: &str, environments: usize, steps: usize) -> Result<Self> {
        let Game::Atari(game) = Games::Atari(Vec::new()).game(game)? else {
            bail!("{game} is no game of Atari");
        };
        let settings =
            Settings { noop_max: 30, preprocessing: Preprocessing::Gymnasium, ..Settings::default() };
        let seeds: Vec<u64> = (0..environments as u64).collect();
        let vector = AtariVector::new(game, &settings, &seeds)?;
        let choices = vector.spec().map_or(1, |spec| spec.actions);
        let mut policy = Xoshiro256PlusPlus::seed_from_u64(0);
        let mut step = || (0..environments).map(|_| policy.random_range(0..choices)).collect();
        let actions = (0..steps.div_ceil(environments.max(1))).map(|_| step()).collect();
        Ok(Vector { vector, actions })
    }
}

impl Measurement for Vector {
    fn round(&mut self, clock: Clock) -> Result<Figures> {
        let Vector { vector, actions } = self;
        let steps = actions.len() * vector.len();
        let seconds = clock.time(|| {
            for actions in actions.iter() {
                vector.step(actions);
                black_box(vector.states());
            }
        });
        Ok([("atari", Figure::of([steps as f64 / seconds]))].into_iter().collect())
    }
}
