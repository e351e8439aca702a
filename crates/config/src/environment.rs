//! The environment of a run, as data: its game, its difficulty, and the shape of its observations.

use crate::check::Check;
use crate::{ConfigError, Game, GymGame, MinAtarGame};
use serde::{Deserialize, Serialize};
use softmoe_env::{Element, EnvironmentSpec};

/// The environment of a run, by its suite.
///
/// Nothing here plays a game: the runner makes an environment of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum EnvironmentConfig {
    /// A game of MinAtar (Young and Tian 2019, arXiv 1903.03176).
    #[serde(rename = "minatar")]
    MinAtar {
        /// The game.
        game: MinAtarGame,
        /// Probability that the environment repeats the last action instead of the one chosen (MinAtar: 0.1).
        sticky_action_probability: f64,
        /// Whether the game grows harder as the agent lives longer (MinAtar: true).
        difficulty_ramping: bool,
        /// Whether the agent chooses among the game's minimal actions rather than all six (MinAtar: all six).
        minimal_actions: bool,
        /// Agent steps after which an episode is truncated (Dopamine: 27,000).
        max_episode_steps: u64,
    },
    /// A classical control problem of gym-rs. The worker plays it if it was built with the feature `gym`.
    #[serde(rename = "gym")]
    Gym {
        /// The problem.
        game: GymGame,
        /// Agent steps after which an episode is truncated (gym's CartPole-v1: 500).
        max_episode_steps: u64,
    },
}

impl EnvironmentConfig {
    /// A game as its suite plays it.
    pub const fn of(game: Game) -> Self {
        match game {
            Game::MinAtar(game) => EnvironmentConfig::minatar(game),
            Game::Gym(game @ GymGame::CartPole) => EnvironmentConfig::Gym { game, max_episode_steps: 500 },
        }
    }

    /// A game of MinAtar as the benchmark plays it.
    pub const fn minatar(game: MinAtarGame) -> Self {
        EnvironmentConfig::MinAtar {
            game,
            sticky_action_probability: 0.1,
            difficulty_ramping: true,
            minimal_actions: false,
            max_episode_steps: 27_000,
        }
    }

    /// The game.
    pub const fn game(&self) -> Game {
        match *self {
            EnvironmentConfig::MinAtar { game, .. } => Game::MinAtar(game),
            EnvironmentConfig::Gym { game, .. } => Game::Gym(game),
        }
    }

    /// Shape of the observations and number of actions, without making the environment.
    pub const fn spec(&self) -> EnvironmentSpec {
        match *self {
            EnvironmentConfig::MinAtar { game, minimal_actions, .. } => EnvironmentSpec {
                frame: [10, 10, game.channels()],
                stack: 1,
                actions: if minimal_actions { game.minimal_actions() } else { 6 },
                element: Element::Byte { scale: 1 },
            },
            // Position and velocity of the cart, angle and angular velocity of the pole; left and right.
            EnvironmentConfig::Gym { game: GymGame::CartPole, .. } => {
                EnvironmentSpec { frame: [1, 1, 4], stack: 1, actions: 2, element: Element::Float }
            }
        }
    }

    /// Whether the values make sense.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] with every value that does not: its name, itself, the rule, the remedy.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut check = Check::default();
        self.check(&mut check);
        check.finish("environment")
    }

    /// Notes the values that make no sense.
    pub(crate) fn check(&self, check: &mut Check) {
        let (EnvironmentConfig::MinAtar { max_episode_steps, .. }
        | EnvironmentConfig::Gym { max_episode_steps, .. }) = *self;
        if let EnvironmentConfig::MinAtar { sticky_action_probability, .. } = *self {
            check.probability("environment.sticky_action_probability", sticky_action_probability, 0.1);
        }
        let usual = match self {
            EnvironmentConfig::MinAtar { .. } => 27_000,
            EnvironmentConfig::Gym { .. } => 500,
        };
        check.at_least_one("environment.max_episode_steps", max_episode_steps, usual);
    }
}
