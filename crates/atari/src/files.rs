//! The location of the sources and ROMs of the Arcade Learning Environment.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::AtariGame;

/// The version of ALE that the build compiles and the tests cover.
pub const VERSION: &str = "0.12.1";
/// File name of ALE's source distribution on PyPI. It also contains the ROMs.
pub const ARCHIVE: &str = "ale_py-0.12.1.tar.gz";
/// SHA-256 of the source distribution, in hexadecimal.
pub const ARCHIVE_SHA256: &str = "c503d574c5983e1063b451201ccb779d935919c0f6bf116fb0f4f8aa4c86d249";
/// The environment variable that overrides the default directory.
pub const VARIABLE: &str = "SOFTMOE_ALE";
/// The command that installs the files, in a clone.
pub const SETUP: &str = "cargo xtask atari setup";

/// The file with the checksum of the source archive. Its presence means that the installation is complete.
const STAMP: &str = "archive.sha256";

/// ALE's files in one directory: `src` with the sources, `roms` with the games.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files(PathBuf);

/// Reasons why ALE's files cannot be used. Each message names the command to type.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotSetUp {
    /// The directory with the files does not exist.
    #[error("the Arcade Learning Environment {VERSION} is not set up (there is no {}): type `{SETUP}` in a clone, or `softmoe atari setup`", .0.display())]
    Missing(PathBuf),
    /// The files come from another archive.
    #[error(
        "{} holds other files than those of {ARCHIVE}: type `{SETUP}`, or name another directory with {VARIABLE}",
        .0.display()
    )]
    Other(PathBuf),
    /// The variable names a relative path, which is another one in each crate's build.
    #[error("{VARIABLE} is `{}`, a relative path: give an absolute one", .0.display())]
    Relative(PathBuf),
    /// The user has no data directory.
    #[error("this user has no data directory: name one with {VARIABLE} and type `{SETUP}`")]
    NoDirectory,
}

impl Files {
    /// The files in `directory`, whether or not they exist.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Files(directory.into())
    }

    /// The default location: the directory that [`VARIABLE`] names, or `softmoe-rl/ale-<version>` in the user's data directory
    /// (`$XDG_DATA_HOME` or `~/.local/share` on Linux).
    ///
    /// # Errors
    ///
    /// [`NotSetUp::Relative`]; [`NotSetUp::NoDirectory`] if there is neither a named directory nor a data directory.
    pub fn usual() -> Result<Self, NotSetUp> {
        if let Some(named) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
            let named = PathBuf::from(named);
            return if named.is_absolute() { Ok(Files(named)) } else { Err(NotSetUp::Relative(named)) };
        }
        let data = dirs::data_dir().ok_or(NotSetUp::NoDirectory)?;
        Ok(Files(data.join("softmoe-rl").join(format!("ale-{VERSION}"))))
    }

    /// The files in the default location, if they are set up.
    ///
    /// # Errors
    ///
    /// As [`usual`](Self::usual) and [`check`](Self::check).
    pub fn find() -> Result<Self, NotSetUp> {
        let files = Self::usual()?;
        files.check()?;
        Ok(files)
    }

    /// Checks that the files are set up and come from the right archive.
    ///
    /// # Errors
    ///
    /// [`NotSetUp::Missing`] or [`NotSetUp::Other`].
    pub fn check(&self) -> Result<(), NotSetUp> {
        match fs::read_to_string(self.stamp()) {
            Ok(text) if text.trim() == ARCHIVE_SHA256 => Ok(()),
            Ok(_) => Err(NotSetUp::Other(self.0.clone())),
            Err(_) => Err(NotSetUp::Missing(self.0.clone())),
        }
    }

    /// The directory that contains all files.
    pub fn directory(&self) -> &Path {
        &self.0
    }

    /// The directory of the C++ sources: the include path for `ale/..`.
    pub fn source(&self) -> PathBuf {
        self.0.join("src")
    }

    /// The directory of the ROMs.
    pub fn roms(&self) -> PathBuf {
        self.0.join("roms")
    }

    /// The ROM of a game.
    pub fn rom(&self, game: AtariGame) -> PathBuf {
        self.roms().join(format!("{}.bin", game.rom()))
    }

    /// The file with the archive's SHA-256. Setup writes it last.
    pub fn stamp(&self) -> PathBuf {
        self.0.join(STAMP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_told_with_the_command() {
        let files = Files::at("/nowhere/at/all");
        let message = files.check().unwrap_err().to_string();
        assert!(message.contains("there is no /nowhere/at/all"), "{message}");
        assert!(
            message.ends_with("type `cargo xtask atari setup` in a clone, or `softmoe atari setup`"),
            "{message}"
        );
    }

    #[test]
    fn a_rom_has_the_name_of_its_game() {
        let rom = Files::at("ale").rom(AtariGame::SpaceInvaders);
        assert!(rom.ends_with("roms/space_invaders.bin"), "{}", rom.display());
    }
}
