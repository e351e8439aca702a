//! Atari: random actions in several environments at once, whole games, a reset at each end of an episode; and the same actions in the
//! emulators alone.

use crate::clock::{Clock, Figure};
use crate::{Figures, Measurement};
use ale_sys::{Action, Ale, AleOptions};
use anyhow::{Result, bail};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use softmoe_config::{Game, Games};
use softmoe_env::atari::{AtariVector, Files, Preprocessing, Settings};
use std::hint::black_box;

pub(crate) struct Vector {
    vector: AtariVector,
    emulators: Vec<Emulator>,
    /// The actions of all environments, step by step.
    actions: Vec<Vec<usize>>,
}

/// The emulator of an environment, without preprocessing.
struct Emulator {
    ale: Ale,
    actions: Vec<Action>,
    frame_skip: u32,
}

impl Emulator {
    /// Emulates the frames of a step. A reset follows the end of a game.
    fn step(&mut self, action: usize) -> Result<()> {
        for _ in 0..self.frame_skip {
            self.ale.act(self.actions[action])?;
            if self.ale.is_game_over() {
                return Ok(self.ale.reset()?);
            }
        }
        Ok(())
    }
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
        let files = Files::find()?;
        let emulator = |seed| {
            let repeat_action_probability = settings.sticky_action_probability as f32;
            let options = AleOptions { seed, repeat_action_probability, max_frames: 0 };
            let ale = Ale::open(&files.rom(game), game.rom(), options)?;
            Ok(Emulator { actions: ale.minimal_actions(), ale, frame_skip: settings.frame_skip })
        };
        let emulators = (0..environments as u32).map(emulator).collect::<Result<_>>()?;
        let choices = vector.spec().map_or(1, |spec| spec.actions);
        let mut policy = Xoshiro256PlusPlus::seed_from_u64(0);
        let mut step = || (0..environments).map(|_| policy.random_range(0..choices)).collect();
        let actions = (0..steps.div_ceil(environments.max(1))).map(|_| step()).collect();
        Ok(Vector { vector, emulators, actions })
    }
}

impl Measurement for Vector {
    fn round(&mut self, clock: Clock) -> Result<Figures> {
        let Vector { vector, emulators, actions } = self;
        let steps = (actions.len() * vector.len()) as f64;
        let seconds = clock.time(|| {
            for actions in actions.iter() {
                vector.step(actions);
                black_box(vector.states());
            }
        });
        let mut emulated: Result<()> = Ok(());
        let alone = clock.time(|| {
            emulated = actions.iter().try_for_each(|actions| {
                let pairs = emulators.par_iter_mut().zip(actions);
                pairs.try_for_each(|(emulator, &action)| emulator.step(action))
            });
        });
        emulated?;
        let figure = |seconds: f64| Figure::of([steps / seconds]);
        Ok([("atari", figure(seconds)), ("emulator", figure(alone))].into_iter().collect())
    }
}
