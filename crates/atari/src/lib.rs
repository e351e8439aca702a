//! Metadata of Atari games, and the location of the files of the Arcade Learning Environment (ALE). The crate links no emulator.
//!
//! - [`AtariGame`]: the 104 single-player games of ALE 0.12.1, with their numbers of actions.
//! - [`GameSet`]: the sets of 20, 26 and 60 games that papers report.
//! - [`Settings`]: how a game is played, with the values of the paper and of Atari 100k.
//! - [`HumanScale`]: the random and human scores that normalise a game's score.
//! - [`Files`]: ALE's sources and ROMs, which `cargo xtask atari setup` installs in the user's data directory.
//!
//! ```
//! use softmoe_atari::{AtariGame, GameSet};
//!
//! let measured: Vec<&AtariGame> = GameSet::Twenty.games().iter().filter(|game| game.human_scale().is_some()).collect();
//! assert_eq!(measured.len(), 19);
//! assert_eq!(AtariGame::SpaceInvaders.rom(), "space_invaders");
//! assert_eq!(AtariGame::Pong.minimal_actions(), 6);
//! ```
#![deny(missing_docs)]

mod actions;
mod files;
mod games;
mod preprocessing;
mod scores;
mod sets;
mod settings;

pub use actions::ACTION_NAMES;
pub use files::{ARCHIVE, ARCHIVE_SHA256, Files, NotSetUp, SETUP, VARIABLE, VERSION};
pub use games::AtariGame;
pub use preprocessing::Preprocessing;
pub use scores::HumanScale;
pub use sets::GameSet;
pub use settings::{MAX_FRAME_SKIP, MAX_NOOPS, SettingError, Settings};

/// The README's example, compiled and run with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
