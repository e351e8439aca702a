//! Which game a run plays, and with which of the benchmark's difficulties.

use crate::check::Check;
use serde::{Deserialize, Serialize};
use softmoe_env::DynEnvironment;
use softmoe_minatar::{Settings, make};

pub use softmoe_minatar::Game;

/// A game and its difficulties.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentConfig {
    /// The game.
    pub game: Game,
    /// Probability that the environment repeats the last action instead of the one chosen (MinAtar: 0.1).
    pub sticky_action_probability: f64,
    /// Whether the game grows harder as the agent lives longer (MinAtar: true).
    pub difficulty_ramping: bool,
    /// Whether the agent chooses among the game's minimal actions rather than all six (MinAtar: all six).
    pub minimal_actions: bool,
    /// Agent steps after which an episode is truncated (Dopamine: 27,000).
    pub max_episode_steps: u64,
}

impl EnvironmentConfig {
    /// The game at the start of its first episode, its random numbers drawn from `seed`.
    ///
    /// # Panics
    ///
    /// If `max_episode_steps` is 0.
    pub fn make(&self, seed: u64) -> Box<dyn DynEnvironment> {
        let settings = Settings {
            sticky_action_probability: self.sticky_action_probability,
            difficulty_ramping: self.difficulty_ramping,
            minimal_actions: self.minimal_actions,
            max_episode_steps: self.max_episode_steps,
        };
        make(self.game, &settings, seed)
    }

    /// Notes the values that make no sense.
    pub(crate) fn check(&self, check: &mut Check) {
        let sticky = self.sticky_action_probability;
        check.probability("environment.sticky_action_probability", sticky, 0.1);
        check.at_least_one("environment.max_episode_steps", self.max_episode_steps, 27_000);
    }

    /// The MinAtar benchmark's own setting of `game`.
    pub const fn minatar(game: Game) -> Self {
        EnvironmentConfig {
            game,
            sticky_action_probability: 0.1,
            difficulty_ramping: true,
            minimal_actions: false,
            max_episode_steps: 27_000,
        }
    }
}
