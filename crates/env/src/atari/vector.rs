//! Several environments of the same game, stepped in parallel.

use rayon::prelude::*;
use softmoe_atari::{AtariGame, Settings};

use super::environment::Atari;
use super::error::AtariError;
use crate::{EnvironmentSpec, Player, Step, TimeLimit};

/// Environments of the same game, each with its frame stack. A step takes one action in each environment, on the threads of rayon's current
/// pool.
///
/// The results of an environment depend on its seed and actions, not on the number of threads. An environment whose episode ends starts the
/// next episode immediately.
pub struct AtariVector {
    players: Vec<Player<TimeLimit<Atari>>>,
    /// (environments, 84, 84, 4)
    states: Vec<u8>,
    steps: Vec<Step>,
    /// The return of each episode that the last step ended.
    finished: Vec<Option<f64>>,
}

impl AtariVector {
    /// One environment for each seed, at the start of its first episode.
    ///
    /// # Errors
    ///
    /// As [`Atari::new`].
    pub fn new(game: AtariGame, settings: &Settings, seeds: &[u64]) -> Result<Self, AtariError> {
        let player = |&seed: &u64| {
            let atari = Atari::new(game, settings, seed)?;
            let player = Player::new(Box::new(TimeLimit::new(atari, settings.max_episode_steps)));
            Ok(player.restart_stack_on_life_loss(settings.terminal_on_life_loss))
        };
        let players: Vec<_> = seeds.par_iter().map(player).collect::<Result<_, AtariError>>()?;
        let states = players.iter().flat_map(|player| player.state().to_vec()).collect();
        let count = players.len();
        Ok(AtariVector { players, states, steps: vec![Step::default(); count], finished: vec![None; count] })
    }

    /// Number of environments.
    pub fn len(&self) -> usize {
        self.players.len()
    }

    /// Whether there is no environment.
    pub fn is_empty(&self) -> bool {
        self.players.is_empty()
    }

    /// Specification of each environment; `None` if there is no environment.
    pub fn spec(&self) -> Option<EnvironmentSpec> {
        self.players.first().map(|player| *player.spec())
    }

    /// The environments, in the order of their seeds.
    pub fn players(&self) -> &[Player<TimeLimit<Atari>>] {
        &self.players
    }

    /// The current states, one frame stack for each environment.
    ///
    /// # Shapes
    ///
    /// (environments, height, width, stack): (n, 84, 84, 4).
    pub fn states(&self) -> &[u8] {
        &self.states
    }

    /// The result of the last step in each environment.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// For each environment, the return of the episode that the last step ended, if any.
    pub fn finished(&self) -> &[Option<f64>] {
        &self.finished
    }

    /// Takes one action in each environment.
    ///
    /// # Panics
    ///
    /// If the number of actions is not the number of environments, if an action is out of range, and as [`Atari`]'s `step`.
    pub fn step(&mut self, actions: &[usize]) {
        assert_eq!(actions.len(), self.players.len(), "each environment takes one action");
        let length = self.states.len() / self.players.len().max(1);
        let results =
            self.states.par_chunks_exact_mut(length.max(1)).zip(&mut self.steps).zip(&mut self.finished);
        self.players.par_iter_mut().zip(actions).zip(results).for_each(
            |((player, &action), ((state, step), finished))| {
                let played = player.step(action);
                (*step, *finished) = (played.step, played.finished);
                state.copy_from_slice(player.state());
            },
        );
    }
}
