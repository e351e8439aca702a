//! Normalisation of scores, so that scores of different games can be averaged.
//!
//! MinAtar has no human score. A game's zero is the mean score of the random policy, its one the mean score of the
//! figure's reference arm: `(score - random) / (reference - random)`. Both means are taken as fixed: intervals of
//! normalised scores do not contain the uncertainty of the scale itself.

use crate::collect::Collection;
use crate::statistics::{Runs, Scores, Tasks};
use softmoe_config::{Game, RANDOM_ARM};
use thiserror::Error;

/// One game's zero and one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GameScale {
    random: f64,
    reference: f64,
}

impl GameScale {
    /// The scale between the two means; `None` unless the reference's mean exceeds the random policy's by more than
    /// rounding.
    pub fn between(random: f64, reference: f64) -> Option<Self> {
        let rounding = 1e-9 * random.abs().max(reference.abs()).max(1.0);
        (reference - random > rounding).then_some(GameScale { random, reference })
    }

    /// `score` on this scale.
    pub fn normalise(&self, score: f64) -> f64 {
        (score - self.random) / (self.reference - self.random)
    }
}

/// The reason for leaving a game out of the aggregates.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum NoScale {
    /// The random policy was not run.
    #[error("{game} is left out of the aggregates: the random policy has no finished run there")]
    NoRandom {
        /// The game.
        game: Game,
    },
    /// The reference arm was not run.
    #[error("{game} is left out of the aggregates: the reference arm {reference} has no finished run there")]
    NoReference {
        /// The game.
        game: Game,
        /// The reference arm.
        reference: String,
    },
    /// The reference arm is no better than the random policy.
    #[error(
        "{game} is left out of the aggregates: the reference arm {reference} (mean score {score:.2}) is not above \
         the random policy ({random:.2}) there, so scores cannot be normalised; train longer"
    )]
    NotAboveRandom {
        /// The game.
        game: Game,
        /// The reference arm.
        reference: String,
        /// Its mean score.
        score: f64,
        /// The random policy's mean score.
        random: f64,
    },
}

/// The scales of all games that have one.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalisation {
    scales: Vec<(Game, GameScale)>,
    /// The games without a scale.
    pub left_out: Vec<NoScale>,
}

impl Normalisation {
    /// The scales of `games`, from the runs of [`RANDOM_ARM`] and of `reference` in `collection`.
    pub fn of(collection: &Collection, reference: &str, games: &[Game]) -> Self {
        let mut normalisation = Normalisation { scales: Vec::new(), left_out: Vec::new() };
        for &game in games {
            match scale(collection, reference, game) {
                Ok(scale) => normalisation.scales.push((game, scale)),
                Err(why) => normalisation.left_out.push(why),
            }
        }
        normalisation
    }

    /// The games with a scale.
    pub fn games(&self) -> impl Iterator<Item = Game> {
        self.scales.iter().map(|(game, _)| *game)
    }

    /// The normalised scores of `arm` on the games with a scale; `None` if there are no such games, or if `arm` has no
    /// finished run of one of them: aggregates over different games cannot be compared.
    pub fn scores(&self, collection: &Collection, arm: &str) -> Option<Scores> {
        let tasks = self.scales.iter().map(|(game, scale)| {
            Runs(collection.scores(arm, *game).into_iter().map(|score| scale.normalise(score)).collect())
        });
        Scores::by_task(Tasks(tasks.collect())).ok()
    }
}

fn scale(collection: &Collection, reference: &str, game: Game) -> Result<GameScale, NoScale> {
    let random = collection.mean_score(RANDOM_ARM, game).ok_or(NoScale::NoRandom { game })?;
    let missing = || NoScale::NoReference { game, reference: reference.to_owned() };
    let score = collection.mean_score(reference, game).ok_or_else(missing)?;
    let useless = || NoScale::NotAboveRandom { game, reference: reference.to_owned(), score, random };
    GameScale::between(random, score).ok_or_else(useless)
}
