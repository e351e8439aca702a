//! The games of each suite, by name.

use crate::named_games::{each_once, games_and_sets, named_atari};
use crate::names::{UnknownName, by_name};
use crate::words::count;
use serde::{Deserialize, Serialize};
use softmoe_atari::{AtariGame, GameSet, HumanScale};
use std::fmt;

/// A game of MinAtar (Young and Tian 2019, arXiv 1903.03176).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MinAtarGame {
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

impl MinAtarGame {
    /// Every game, in alphabetical order.
    pub const ALL: [MinAtarGame; 5] = [
        MinAtarGame::Asterix,
        MinAtarGame::Breakout,
        MinAtarGame::Freeway,
        MinAtarGame::Seaquest,
        MinAtarGame::SpaceInvaders,
    ];

    /// The game's name in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            MinAtarGame::Asterix => "asterix",
            MinAtarGame::Breakout => "breakout",
            MinAtarGame::Freeway => "freeway",
            MinAtarGame::Seaquest => "seaquest",
            MinAtarGame::SpaceInvaders => "space_invaders",
        }
    }

    /// Channels of an observation.
    pub const fn channels(self) -> usize {
        match self {
            MinAtarGame::Asterix | MinAtarGame::Breakout => 4,
            MinAtarGame::SpaceInvaders => 6,
            MinAtarGame::Freeway => 7,
            MinAtarGame::Seaquest => 10,
        }
    }

    /// Number of the actions that make a difference, of MinAtar's six.
    pub const fn minimal_actions(self) -> usize {
        match self {
            MinAtarGame::Breakout | MinAtarGame::Freeway => 3,
            MinAtarGame::SpaceInvaders => 4,
            MinAtarGame::Asterix => 5,
            MinAtarGame::Seaquest => 6,
        }
    }
}

/// A classical control problem of gym-rs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GymGame {
    /// CartPole: keep a pole upright on a cart that is pushed to the left or to the right.
    CartPole,
}

impl GymGame {
    /// Every problem.
    pub const ALL: [GymGame; 1] = [GymGame::CartPole];

    /// The problem's name in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            GymGame::CartPole => "cart_pole",
        }
    }
}

/// A game of any suite: the task of a run, without its difficulties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Game {
    /// A game of MinAtar.
    MinAtar(MinAtarGame),
    /// A game of the Atari 2600.
    Atari(AtariGame),
    /// A problem of gym-rs.
    Gym(GymGame),
    /// An environment of the calling program's own ([`EnvironmentConfig::Own`](crate::EnvironmentConfig::Own)). No file names it.
    Own,
}

impl Game {
    /// The game's name on the command line, in directories and in reports. It is unique within a suite.
    pub const fn name(self) -> &'static str {
        match self {
            Game::MinAtar(game) => game.name(),
            Game::Atari(game) => game.name(),
            Game::Gym(game) => game.name(),
            Game::Own => "own",
        }
    }

    /// A remark on the game's scale for whoever compares scores with other tables.
    pub const fn scale_remark(self) -> Option<&'static str> {
        match self {
            Game::Atari(game) => game.scale_remark(),
            Game::MinAtar(_) | Game::Gym(_) | Game::Own => None,
        }
    }

    /// The zero and the one of a normalised score.
    pub const fn score_scale(self) -> ScoreScale {
        match self {
            Game::MinAtar(_) | Game::Own => ScoreScale::RandomToReference,
            Game::Atari(game) => match game.human_scale() {
                Some(HumanScale { random, human }) => ScoreScale::Human { zero: random, one: human },
                None => ScoreScale::Unknown,
            },
            // No return is below 0, and episodes have 500 steps at most, with a point each.
            Game::Gym(GymGame::CartPole) => ScoreScale::Returns { zero: 0.0, one: 500.0 },
        }
    }
}

impl fmt::Display for Game {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The zero and the one of a game's normalised scores.
///
/// On a scale of humans, games' scores differ by orders of magnitude, and an arm's score is compared by interquartile means in units of its
/// reference's. On the other scales it is compared by means, whose unit is the 1 of the scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ScoreScale {
    /// 0 is the mean of the random policy, 1 the mean of the figure's reference arm: for a game without a published
    /// human score.
    RandomToReference,
    /// 0 is the published score of the random policy, 1 that of a human.
    Human {
        /// The score of the random policy.
        zero: f64,
        /// The score of a human.
        one: f64,
    },
    /// No human score is published for a game of a suite where the others have one: aggregates leave it out.
    Unknown,
    /// Both are returns that are known beforehand.
    Returns {
        /// The return of the normalised score 0.
        zero: f64,
        /// The return of the normalised score 1.
        one: f64,
    },
}

impl ScoreScale {
    /// Whether human scores make the scale, or would if one were published.
    pub const fn is_of_humans(self) -> bool {
        matches!(self, ScoreScale::Human { .. } | ScoreScale::Unknown)
    }
}

/// The games of an experiment, all of one suite, e.g. `minatar([breakout, seaquest])`. In a list of Atari games, the name of a
/// [`GameSet`] stands for its games: `atari([atari20])`, `atari([atari20, Krull])`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Games {
    /// Games of MinAtar.
    #[serde(rename = "minatar")]
    MinAtar(Vec<MinAtarGame>),
    /// Games of the Atari 2600. The worker plays them if it was built with the feature `atari`.
    #[serde(rename = "atari")]
    Atari(#[serde(deserialize_with = "games_and_sets")] Vec<AtariGame>),
    /// Problems of gym-rs. The worker plays them if it was built with the feature `gym`.
    #[serde(rename = "gym")]
    Gym(Vec<GymGame>),
}

impl Games {
    /// The games, in their order.
    pub fn list(&self) -> Vec<Game> {
        match self {
            Games::MinAtar(games) => games.iter().copied().map(Game::MinAtar).collect(),
            Games::Atari(games) => games.iter().copied().map(Game::Atari).collect(),
            Games::Gym(games) => games.iter().copied().map(Game::Gym).collect(),
        }
    }

    /// Every game of the suite.
    pub fn suite(&self) -> Games {
        match self {
            Games::MinAtar(_) => Games::MinAtar(MinAtarGame::ALL.into()),
            Games::Atari(_) => Games::Atari(AtariGame::ALL.into()),
            Games::Gym(_) => Games::Gym(GymGame::ALL.into()),
        }
    }

    /// The games that can be normalised, and those that cannot: no human score of them is published.
    pub fn with_a_scale(&self) -> (Vec<Game>, Vec<Game>) {
        self.list().into_iter().partition(|game| game.score_scale() != ScoreScale::Unknown)
    }

    /// Whether the games' scores are normalised by those of humans.
    pub fn is_human_normalised(&self) -> bool {
        self.list().iter().any(|game| game.score_scale().is_of_humans())
    }

    /// The feature that the worker needs to play them, beside its usual ones.
    pub const fn feature(&self) -> Option<&'static str> {
        match self {
            Games::MinAtar(_) => None,
            Games::Atari(_) => Some("atari"),
            Games::Gym(_) => Some("gym"),
        }
    }

    /// The games' names, in their order.
    pub fn names(&self) -> Vec<&'static str> {
        self.list().into_iter().map(Game::name).collect()
    }

    /// The game of the suite that has this name, listed here or not.
    ///
    /// # Errors
    ///
    /// [`UnknownName`] if there is none.
    pub fn game(&self, name: &str) -> Result<Game, UnknownName> {
        by_name("game", name, &self.suite().list(), Game::name)
    }

    /// The games of the suite that have these names, each once. A name of a [`GameSet`], e.g. `atari100k`, stands for its games.
    ///
    /// # Errors
    ///
    /// [`UnknownName`] for a name that no game has.
    pub fn select<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<Games, UnknownName> {
        let names = names.into_iter().map(str::trim);
        Ok(match self {
            Games::MinAtar(_) => {
                let named = names.map(|name| by_name("game", name, &MinAtarGame::ALL, MinAtarGame::name));
                Games::MinAtar(each_once(named.collect::<Result<Vec<_>, _>>()?))
            }
            Games::Atari(_) => {
                Games::Atari(each_once(names.map(named_atari).collect::<Result<Vec<_>, _>>()?.concat()))
            }
            Games::Gym(_) => {
                let named = names.map(|name| by_name("game", name, &GymGame::ALL, GymGame::name));
                Games::Gym(each_once(named.collect::<Result<Vec<_>, _>>()?))
            }
        })
    }

    /// The set that the games are, in whatever order; `None` if they are no [`GameSet`].
    pub fn set(&self) -> Option<GameSet> {
        let Games::Atari(games) = self else { return None };
        let mut sorted = games.clone();
        sorted.sort_unstable();
        GameSet::ALL.into_iter().find(|set| set.games() == sorted)
    }

    /// How the games fall short of the paper's `atari` games, in a sentence; none if they do not.
    pub(crate) fn leaves_out(&self, atari: usize) -> Option<String> {
        let games = self.list().len();
        match self {
            Games::MinAtar(_) => {
                Some(format!("MinAtar instead of Atari: {} instead of {atari}.", count(games, "small game")))
            }
            Games::Atari(_) if games >= atari => None,
            Games::Atari(_) => Some(format!("{} instead of {atari}.", count(games, "game"))),
            Games::Gym(_) => {
                let problems = count(games, "problem");
                Some(format!("Classical control instead of Atari: {problems} instead of {atari} games."))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn games_are_found_by_their_names_in_their_suite() {
        let minatar = Games::MinAtar(vec![MinAtarGame::Breakout]);
        for game in MinAtarGame::ALL {
            assert_eq!(minatar.game(game.name()), Ok(Game::MinAtar(game)));
        }
        let message = minatar.game("space-invaders").unwrap_err().to_string();
        assert!(message.contains("did you mean `space_invaders`?"), "{message}");
        assert!(message.contains("? Allowed: `asterix`, `breakout`, `freeway`"), "{message}");
        let message = minatar.game("cart_pole").unwrap_err().to_string();
        assert!(message.starts_with("there is no game `cart_pole`. Allowed: `asterix`"), "{message}");
        let gym = Games::Gym(Vec::new());
        assert_eq!(gym.game("cart_pole"), Ok(Game::Gym(GymGame::CartPole)));
        assert!(gym.game("breakout").is_err());
    }

    #[test]
    fn a_selection_keeps_the_order_given_and_has_each_game_once() {
        let all = Games::MinAtar(MinAtarGame::ALL.into());
        let chosen = all.select(["seaquest", " breakout", "seaquest"]).unwrap();
        assert_eq!(chosen, Games::MinAtar(vec![MinAtarGame::Seaquest, MinAtarGame::Breakout]));
        assert_eq!(chosen.names(), ["seaquest", "breakout"]);
        assert_eq!(all.select([]).unwrap().list(), []);
        assert!(all.select(["pong"]).is_err());
        assert!(all.select(["atari20"]).is_err());
    }

    #[test]
    fn games_of_atari_are_found_by_name_and_by_set() {
        let atari = Games::Atari(Vec::new());
        assert_eq!(atari.game("Pong"), Ok(Game::Atari(AtariGame::Pong)));
        for (mistyped, meant) in [("pong", "Pong"), ("space_invaders", "SpaceInvaders"), ("Q*bert", "Qbert")]
        {
            let message = atari.game(mistyped).unwrap_err().to_string();
            assert!(message.contains(&format!("did you mean `{meant}`?")), "{message}");
        }
        let sizes = GameSet::ALL.map(|set| atari.select([set.name()]).unwrap().list().len());
        assert_eq!(sizes, [20, 26, 60]);
        assert_eq!(atari.select(["atari20", "Pong", "Tetris"]).unwrap().list().len(), 21);
        assert_eq!(atari.feature(), Some("atari"));
        for game in AtariGame::ALL {
            assert_eq!(serde_json::to_value(game).unwrap(), game.name());
        }
    }

    #[test]
    fn a_file_names_sets_as_well_as_games() {
        let read = |text: &str| ron::from_str::<Games>(text);
        assert_eq!(
            read("atari([Pong, Breakout])"),
            Ok(Games::Atari(vec![AtariGame::Pong, AtariGame::Breakout]))
        );
        for set in GameSet::ALL {
            let games = read(&format!("atari([{}])", set.name())).unwrap();
            assert_eq!(games, Games::Atari(set.games().to_vec()));
            assert_eq!(games.set(), Some(set));
        }
        let more = read("atari([Tetris, atari20, Pong])").unwrap();
        assert_eq!((more.list().len(), more.set()), (21, None));
        // What is written has the games themselves.
        assert_eq!(read(&ron::to_string(&more).unwrap()), Ok(more));
        for (text, says) in [
            ("atari([atari_20])", "`atari20`"),
            ("atari([Pongg])", "`Pong`"),
            ("atari([atari100])", "`atari100k`"),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(&format!("did you mean {says}?")), "{message}");
        }
        assert!(read("minatar([atari20])").is_err());
    }

    #[test]
    fn scores_of_atari_are_normalised_by_humans() {
        let pong = Game::Atari(AtariGame::Pong);
        assert_eq!(pong.score_scale(), ScoreScale::Human { zero: -20.7, one: 14.6 });
        assert_eq!(Game::Atari(AtariGame::AirRaid).score_scale(), ScoreScale::Unknown);
    }

    #[test]
    fn names_are_those_of_files() {
        for game in MinAtarGame::ALL {
            assert_eq!(serde_json::to_value(game).unwrap(), game.name());
        }
        assert_eq!(serde_json::to_value(GymGame::CartPole).unwrap(), GymGame::CartPole.name());
    }
}
