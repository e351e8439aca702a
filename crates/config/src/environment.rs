//! The environment of a run, as data: its game, its difficulty, and the shape of its observations.

use crate::check::Check;
use crate::{AgentConfig, ConfigError, Game, GymGame, MinAtarGame};
use serde::{Deserialize, Serialize};
use softmoe_atari::{AtariGame, MAX_FRAME_SKIP, MAX_NOOPS, Preprocessing, Settings};
use softmoe_env::{Element, EnvironmentSpec, MOST_ACTIONS};

/// Most values of an own environment's state, which keeps a typo from asking for more memory than there is.
const MOST_VALUES: usize = 1 << 24;

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
    /// A game of the Atari 2600. The worker plays it if it was built with the feature `atari`.
    #[serde(rename = "atari")]
    Atari {
        /// The game.
        game: AtariGame,
        /// Probability that the emulator repeats the last action, drawn for each frame (Machado et al. 2018: 0.25; Atari 100k: 0).
        sticky_action_probability: f64,
        /// Whether the agent chooses among all actions of the joystick rather than the game's minimal ones.
        full_action_set: bool,
        /// Whether a step ends with the frame in which a life is lost. It must be as in the agent's hyperparameters.
        terminal_on_life_loss: bool,
        /// Frames of an agent step (4).
        frame_skip: u32,
        /// Bound on the no-ops before an episode; 0 for none (Atari 100k: 30).
        noop_max: u32,
        /// The software whose order of preprocessing is followed.
        preprocessing: Preprocessing,
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
    /// An environment of the calling program's own, which the program gives to the runner (`softmoe_runner::train_in`). The profile of the
    /// run is its name.
    #[serde(rename = "own")]
    Own {
        /// Shape of its observations and number of its actions.
        spec: EnvironmentSpec,
        /// Agent steps after which an episode is truncated.
        max_episode_steps: u64,
    },
}

impl EnvironmentConfig {
    /// A game as its suite plays it.
    ///
    /// # Panics
    ///
    /// For [`Game::Own`], which belongs to no suite.
    pub const fn of(game: Game) -> Self {
        match game {
            Game::MinAtar(game) => EnvironmentConfig::minatar(game),
            Game::Atari(game) => EnvironmentConfig::atari(game),
            Game::Gym(game @ GymGame::CartPole) => EnvironmentConfig::Gym { game, max_episode_steps: 500 },
            Game::Own => panic!("a program's own environment belongs to no suite"),
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

    /// A game of the Atari 2600 as the paper plays it: sticky actions, the game's minimal actions, four frames a step.
    pub const fn atari(game: AtariGame) -> Self {
        EnvironmentConfig::atari_with(game, Settings::paper())
    }

    /// The same as Atari 100k plays it (Dopamine's `atari_100k`): no sticky actions, no-ops before an episode, and a lost life ends a step.
    pub const fn atari_100k(game: AtariGame) -> Self {
        EnvironmentConfig::atari_with(game, Settings::atari_100k())
    }

    /// A game with these settings. The emulator's own limit on frames is no part of a configuration.
    const fn atari_with(game: AtariGame, settings: Settings) -> Self {
        let Settings {
            sticky_action_probability,
            full_action_set,
            terminal_on_life_loss,
            frame_skip,
            noop_max,
            preprocessing,
            max_episode_steps,
            max_episode_frames: _,
        } = settings;
        EnvironmentConfig::Atari {
            game,
            sticky_action_probability,
            full_action_set,
            terminal_on_life_loss,
            frame_skip,
            noop_max,
            preprocessing,
            max_episode_steps,
        }
    }

    /// A game as `agent` plays it: as [`of`](Self::of), but for an agent whose episodes end with a life, which plays Atari
    /// as [`atari_100k`](Self::atari_100k).
    pub const fn played_by(agent: &AgentConfig, game: Game) -> Self {
        match (game, agent.learning()) {
            (Game::Atari(game), Some(learning)) if learning.terminal_on_life_loss => {
                EnvironmentConfig::atari_100k(game)
            }
            _ => EnvironmentConfig::of(game),
        }
    }

    /// The game.
    pub const fn game(&self) -> Game {
        match *self {
            EnvironmentConfig::MinAtar { game, .. } => Game::MinAtar(game),
            EnvironmentConfig::Atari { game, .. } => Game::Atari(game),
            EnvironmentConfig::Gym { game, .. } => Game::Gym(game),
            EnvironmentConfig::Own { .. } => Game::Own,
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
            EnvironmentConfig::Atari { game, full_action_set, .. } => EnvironmentSpec {
                frame: [84, 84, 1],
                stack: 4,
                actions: if full_action_set { game.full_actions() } else { game.minimal_actions() },
                element: Element::Byte { scale: 255 },
            },
            // Position and velocity of the cart, angle and angular velocity of the pole; left and right.
            EnvironmentConfig::Gym { game: GymGame::CartPole, .. } => {
                EnvironmentSpec { frame: [1, 1, 4], stack: 1, actions: 2, element: Element::Float }
            }
            EnvironmentConfig::Own { spec, .. } => spec,
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

    /// Agent steps after which an episode is truncated.
    pub const fn max_episode_steps(&self) -> u64 {
        match *self {
            EnvironmentConfig::MinAtar { max_episode_steps, .. }
            | EnvironmentConfig::Atari { max_episode_steps, .. }
            | EnvironmentConfig::Gym { max_episode_steps, .. }
            | EnvironmentConfig::Own { max_episode_steps, .. } => max_episode_steps,
        }
    }

    /// Notes the values that make no sense.
    pub(crate) fn check(&self, check: &mut Check) {
        let usual = match *self {
            EnvironmentConfig::MinAtar { sticky_action_probability, .. } => {
                check.probability("environment.sticky_action_probability", sticky_action_probability, 0.1);
                27_000
            }
            EnvironmentConfig::Atari { game, sticky_action_probability, frame_skip, noop_max, .. } => {
                if game == AtariGame::MiniatureGolf {
                    let reason = "the emulator cannot restore its states, so that a run could not be resumed";
                    check.problem(format!("MiniatureGolf cannot be trained: {reason}; choose another game"));
                }
                check.probability("environment.sticky_action_probability", sticky_action_probability, 0.25);
                check.count("environment.frame_skip", frame_skip.into(), MAX_FRAME_SKIP.into(), 4);
                check.that(
                    noop_max <= MAX_NOOPS,
                    "environment.noop_max",
                    noop_max,
                    &format!("at most {MAX_NOOPS}"),
                    30,
                );
                27_000
            }
            EnvironmentConfig::Gym { .. } => 500,
            EnvironmentConfig::Own { spec: EnvironmentSpec { frame, stack, actions, element }, .. } => {
                let values = frame.into_iter().fold(stack, usize::saturating_mul);
                let rule = format!("between 1 and {MOST_VALUES} values, stack included");
                let given = format!("{frame:?} with a stack of {stack}");
                check.that(
                    (1..=MOST_VALUES).contains(&values),
                    "environment.spec.frame",
                    given,
                    &rule,
                    "[1,1,4]",
                );
                check.count("environment.spec.actions", actions as u64, MOST_ACTIONS as u64, 2);
                if let Element::Byte { scale } = element {
                    check.at_least_one("environment.spec.element.scale", scale.into(), 255);
                }
                10_000
            }
        };
        check.at_least_one("environment.max_episode_steps", self.max_episode_steps(), usual);
    }

    /// Notes an agent whose episodes end with a life in an environment whose steps do not, or the other way round.
    pub(crate) fn check_lives(&self, check: &mut Check, agent: &AgentConfig) {
        if let (EnvironmentConfig::Atari { terminal_on_life_loss, .. }, Some(learning)) =
            (self, agent.learning())
        {
            check.that(
                *terminal_on_life_loss == learning.terminal_on_life_loss,
                "environment.terminal_on_life_loss",
                *terminal_on_life_loss,
                "the same as agent.terminal_on_life_loss",
                learning.terminal_on_life_loss,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_environment_is_checked() {
        let spec =
            EnvironmentSpec { frame: [2, 3, 4], stack: 2, actions: 3, element: Element::Byte { scale: 1 } };
        let own = |spec, max_episode_steps| EnvironmentConfig::Own { spec, max_episode_steps };
        own(spec, 9).validate().unwrap();
        assert_eq!((own(spec, 9).spec(), own(spec, 9).game()), (spec, Game::Own));
        let text = ron::to_string(&own(spec, 9)).unwrap();
        assert_eq!(ron::from_str(&text), Ok(own(spec, 9)), "{text}");

        let element = Element::Byte { scale: 0 };
        for (wrong, says) in [
            (own(spec, 0), "max_episode_steps"),
            (own(EnvironmentSpec { frame: [2, 0, 4], ..spec }, 9), "environment.spec.frame"),
            (own(EnvironmentSpec { frame: [usize::MAX; 3], ..spec }, 9), "environment.spec.frame"),
            (own(EnvironmentSpec { stack: 0, ..spec }, 9), "environment.spec.frame"),
            (own(EnvironmentSpec { actions: 257, ..spec }, 9), "environment.spec.actions"),
            (own(EnvironmentSpec { element, ..spec }, 9), "element.scale"),
        ] {
            let message = wrong.validate().unwrap_err().to_string();
            assert!(message.contains(says), "{message}");
        }
    }
}
