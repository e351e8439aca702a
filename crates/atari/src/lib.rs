//! Atari games by name, and the place of the files of the Arcade Learning Environment (ALE). Nothing here links an emulator.
//!
//! - [`AtariGame`]: the 104 games that ALE 0.12.1 plays alone, with their numbers of actions.
//! - [`GameSet`]: the sets of 20, 26 and 60 games of the literature.
//! - [`HumanScale`]: the scores between which scores are normalised.
//! - [`Files`]: ALE's sources and ROMs, which `cargo xtask atari setup` puts into the user's data directory.
#![deny(missing_docs)]

mod files;
mod games;
mod preprocessing;
mod scores;
mod sets;

pub use files::{ARCHIVE, ARCHIVE_SHA256, Files, NotSetUp, SETUP, VARIABLE, VERSION};
pub use games::AtariGame;
pub use preprocessing::Preprocessing;
pub use scores::HumanScale;
pub use sets::GameSet;
