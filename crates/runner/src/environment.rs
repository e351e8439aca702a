//! Makes environments from their configurations.

use crate::RunError;
use softmoe_config::{EnvironmentConfig, Game};
use softmoe_env::{DynEnvironment, RenderedEnvironment, SaveState, TimeLimit};

/// The environment of `config` at the start of its first episode, with its random numbers drawn from `seed`.
///
/// # Errors
///
/// If the configuration is invalid, if this build lacks the suite, if the game's files are missing or damaged, or if the environment is the
/// calling program's own, which only [`train_in`](crate::train_in) has.
pub fn make(config: &EnvironmentConfig, seed: u64) -> Result<Box<dyn DynEnvironment>, RunError> {
    match *config {
        #[cfg(feature = "gym")]
        EnvironmentConfig::Gym { game: softmoe_config::GymGame::CartPole, max_episode_steps } => {
            config.validate()?;
            let cart_pole = crate::gym::CartPole::new(seed);
            Ok(Box::new(TimeLimit::new(cart_pole, max_episode_steps)))
        }
        #[cfg(not(feature = "gym"))]
        EnvironmentConfig::Gym { .. } => Err(RunError::Suite { suite: "gym-rs", feature: "gym" }),
        _ => make_rendered(config, seed).map(|environment| environment as Box<dyn DynEnvironment>),
    }
}

/// The same with pictures.
///
/// # Errors
///
/// As [`make`], and [`RunError::NotDrawn`] for the environments of gym-rs.
pub fn make_rendered(
    config: &EnvironmentConfig,
    seed: u64,
) -> Result<Box<dyn RenderedEnvironment>, RunError> {
    config.validate()?;
    match *config {
        #[cfg(feature = "minatar")]
        EnvironmentConfig::MinAtar {
            game,
            sticky_action_probability,
            difficulty_ramping,
            minimal_actions,
            max_episode_steps,
        } => {
            let settings = softmoe_minatar::Settings {
                sticky_action_probability,
                difficulty_ramping,
                minimal_actions,
                max_episode_steps,
            };
            Ok(softmoe_minatar::make(port(game), &settings, seed))
        }
        #[cfg(not(feature = "minatar"))]
        EnvironmentConfig::MinAtar { .. } => Err(RunError::Suite { suite: "MinAtar", feature: "minatar" }),
        #[cfg(feature = "atari")]
        EnvironmentConfig::Atari {
            game,
            sticky_action_probability,
            full_action_set,
            terminal_on_life_loss,
            frame_skip,
            noop_max,
            preprocessing,
            max_episode_steps,
        } => {
            let settings = softmoe_env::atari::Settings {
                sticky_action_probability,
                full_action_set,
                terminal_on_life_loss,
                frame_skip,
                noop_max,
                preprocessing,
                max_episode_steps,
                max_episode_frames: 0,
            };
            let atari = softmoe_env::atari::make(game, &settings, seed);
            Ok(atari.map_err(|error| RunError::Environment { game: config.game(), source: error.into() })?)
        }
        #[cfg(not(feature = "atari"))]
        EnvironmentConfig::Atari { .. } => Err(RunError::Suite { suite: "Atari", feature: "atari" }),
        EnvironmentConfig::Gym { game, .. } => Err(RunError::NotDrawn { game: Game::Gym(game) }),
        EnvironmentConfig::Own { .. } => Err(RunError::OwnEnvironment),
    }
}

/// Makes the environment of a configuration, with its random numbers drawn from a seed.
pub(crate) type Maker<'a> = dyn Fn(&EnvironmentConfig, u64) -> Result<Box<dyn DynEnvironment>, RunError> + 'a;

/// Makes a program's own environment with `own`, as `config` says.
pub(crate) fn make_own<E: SaveState + Send + 'static>(
    config: &EnvironmentConfig,
    own: impl Fn(u64) -> E,
    seed: u64,
) -> Result<Box<dyn DynEnvironment>, RunError> {
    config.validate()?;
    let EnvironmentConfig::Own { spec, max_episode_steps } = *config else {
        return Err(RunError::OfSuite { game: config.game() });
    };
    let environment = own(seed);
    let found = environment.spec();
    if found != spec {
        return Err(RunError::OtherEnvironment { configured: spec, found });
    }
    Ok(Box::new(TimeLimit::new(environment, max_episode_steps)))
}

/// The game of the port that has this name.
#[cfg(feature = "minatar")]
const fn port(game: softmoe_config::MinAtarGame) -> softmoe_minatar::Game {
    use softmoe_config::MinAtarGame;
    use softmoe_minatar::Game;
    match game {
        MinAtarGame::Asterix => Game::Asterix,
        MinAtarGame::Breakout => Game::Breakout,
        MinAtarGame::Freeway => Game::Freeway,
        MinAtarGame::Seaquest => Game::Seaquest,
        MinAtarGame::SpaceInvaders => Game::SpaceInvaders,
    }
}
