//! Atari 2600 games in the Arcade Learning Environment 0.12.1, with the preprocessing of the paper's code.
//!
//! An agent step repeats one action for up to four emulator frames (frame skip). The observation is the greyscale maximum over the last two
//! frames, resized to 84 by 84 pixels. Rewards, lives, ends of episodes, RAM and observations equal those of Dopamine 4.1.2 and of
//! gymnasium 1.4.0, byte for byte (`tests/atari/parity.rs`).
//!
//! | file | contents |
//! |---|---|
//! | `environment` | [`Atari`]: steps, episodes, observations |
//! | `screen` | greyscale and max-pooling over two frames |
//! | `resize` | [`AreaResize`]: area interpolation, equal to OpenCV's |
//! | `state` | [`AtariState`]: saving, checking, restoring |
//! | `vector` | [`AtariVector`]: several games in parallel |
//!
//! `cargo xtask atari setup` downloads emulator and ROMs. A program that links this module is under the GPL, version 2 only; the README
//! of `ale-sys` explains the consequences.
//!
//! ```no_run
//! use softmoe_env::Player;
//! use softmoe_env::atari::{AtariGame, Settings, make};
//!
//! let mut player = Player::new(make(AtariGame::Pong, &Settings::default(), 7)?);
//! let points = loop {
//!     if let Some(episode_return) = player.step(0).finished {
//!         break episode_return;
//!     }
//! };
//! assert_eq!(points, -21.0); // doing nothing loses
//! # Ok::<(), softmoe_env::atari::AtariError>(())
//! ```

mod environment;
mod error;
mod resize;
mod screen;
mod state;
mod vector;

pub use environment::Atari;
pub use error::AtariError;
pub use resize::AreaResize;
pub use softmoe_atari::{
    AtariGame, Files, GameSet, NotSetUp, Preprocessing, SettingError, Settings, VARIABLE,
};
pub use state::AtariState;
pub use vector::AtariVector;

use crate::{RenderedEnvironment, TimeLimit};

/// Height and width of an observation.
pub const SIZE: usize = 84;

/// A game with a time limit, at the start of its first episode. `seed` seeds all random numbers.
///
/// # Errors
///
/// As [`Atari::new`]; [`AtariError::Setting`] if `max_episode_steps` is 0.
pub fn make(
    game: AtariGame,
    settings: &Settings,
    seed: u64,
) -> Result<Box<dyn RenderedEnvironment>, AtariError> {
    settings.check()?;
    let atari = Atari::new(game, settings, seed)?;
    Ok(Box::new(TimeLimit::new(atari, settings.max_episode_steps)))
}
