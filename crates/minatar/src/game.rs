//! The names of the games.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A game of the MinAtar suite (Young and Tian 2019, arXiv 1903.03176).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Game {
    /// Asterix: collect gold on eight lanes, avoid the enemies.
    Asterix,
    /// Breakout: break bricks with a ball and a paddle.
    Breakout,
    /// Freeway: cross a road of eight lanes.
    Freeway,
    /// Seaquest: rescue divers, shoot submarines and fish, mind the oxygen.
    Seaquest,
    /// Space Invaders: shoot a block of aliens that comes down.
    SpaceInvaders,
}

impl Game {
    /// Every game, in alphabetical order.
    pub const ALL: [Game; 5] =
        [Game::Asterix, Game::Breakout, Game::Freeway, Game::Seaquest, Game::SpaceInvaders];

    /// The game's name in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Game::Asterix => "asterix",
            Game::Breakout => "breakout",
            Game::Freeway => "freeway",
            Game::Seaquest => "seaquest",
            Game::SpaceInvaders => "space_invaders",
        }
    }
}

impl fmt::Display for Game {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No game has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no MinAtar game {name:?}{}; the games are {}",
    nearest.map(|game| format!(" (did you mean {game}?)")).unwrap_or_default(),
    Game::ALL.map(Game::name).join(", ")
)]
pub struct UnknownGame {
    name: String,
    nearest: Option<Game>,
}

impl FromStr for Game {
    type Err = UnknownGame;

    /// Reads a game's [`name`](Game::name).
    ///
    /// ```
    /// use softmoe_minatar::Game;
    ///
    /// assert_eq!("space_invaders".parse(), Ok(Game::SpaceInvaders));
    /// let error = "space-invader".parse::<Game>().unwrap_err();
    /// assert!(error.to_string().contains("did you mean space_invaders?"));
    /// ```
    fn from_str(name: &str) -> Result<Self, UnknownGame> {
        if let Some(game) = Game::ALL.into_iter().find(|game| game.name() == name) {
            return Ok(game);
        }
        let similarity = |game: &Game| strsim::jaro_winkler(game.name(), &name.to_lowercase());
        let nearest = Game::ALL
            .into_iter()
            .max_by(|a, b| similarity(a).total_cmp(&similarity(b)))
            .filter(|game| similarity(game) > 0.8);
        Err(UnknownGame { name: name.to_owned(), nearest })
    }
}
