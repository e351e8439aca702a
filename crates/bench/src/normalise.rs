//! Normalisation of scores, so that scores of different games can be averaged.
//!
//! A normalised score is `(score - zero) / (one - zero)`, with the [`ScoreScale`] of the game. MinAtar has no human score:
//! a game's zero is the mean score of the random policy, its one the mean score of the figure's reference arm. Both are
//! taken as fixed: intervals of normalised scores do not contain the uncertainty of the scale itself.

use crate::collect::Collection;
use crate::statistics::{Runs, Scores, Tasks};
use softmoe_config::{Game, RANDOM_ARM, ScoreScale};
use thiserror::Error;

/// One game's zero and one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GameScale {
    zero: f64,
    one: f64,
}

impl GameScale {
    /// The scale between two scores; `None` unless `one` exceeds `zero` by more than rounding.
    pub fn between(zero: f64, one: f64) -> Option<Self> {
        let rounding = 1e-9 * zero.abs().max(one.abs()).max(1.0);
        (one - zero > rounding).then_some(GameScale { zero, one })
    }

    /// `score` on this scale.
    pub fn normalise(&self, score: f64) -> f64 {
        (score - self.zero) / (self.one - self.zero)
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
    if let ScoreScale::Returns { zero, one } = game.score_scale() {
        return Ok(GameScale { zero, one });
    }
    let random = collection.mean_score(RANDOM_ARM, game).ok_or(NoScale::NoRandom { game })?;
    let missing = || NoScale::NoReference { game, reference: reference.to_owned() };
    let score = collection.mean_score(reference, game).ok_or_else(missing)?;
    let useless = || NoScale::NotAboveRandom { game, reference: reference.to_owned(), score, random };
    GameScale::between(random, score).ok_or_else(useless)
}

/// The meaning of 0 and 1 in the normalised scores of `games`, in a sentence; `reference` is the label of the reference arm.
/// The games of a figure belong to one suite, so that the first one's scale stands for all.
pub fn sentence(games: &[Game], reference: &str) -> String {
    match games.first().map(|game| game.score_scale()) {
        Some(ScoreScale::Returns { zero, one }) => {
            format!("Scores are normalised per game: 0 is a return of {zero}, 1 a return of {one}.")
        }
        Some(ScoreScale::RandomToReference) | None => {
            format!(
                "Scores are normalised per game: 0 is the mean of the random policy, 1 the mean of {reference}."
            )
        }
    }
}

/// The same as the label of an axis of interquartile means.
pub fn axis(games: &[Game], reference: &str) -> String {
    let (zero, one) = match games.first().map(|game| game.score_scale()) {
        Some(ScoreScale::Returns { zero, one }) => (format!("return {zero}"), format!("return {one}")),
        Some(ScoreScale::RandomToReference) | None => {
            ("random policy".into(), format!("mean of {reference}"))
        }
    };
    format!("IQM of normalised score (0: {zero}, 1: {one} in each game)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use softmoe_config::{GymGame, MinAtarGame};

    #[test]
    fn words_say_what_the_games_are_scaled_by() {
        let minatar = [Game::MinAtar(MinAtarGame::Breakout)];
        assert!(
            sentence(&minatar, "flat").ends_with("0 is the mean of the random policy, 1 the mean of flat.")
        );
        assert!(axis(&minatar, "flat").ends_with("(0: random policy, 1: mean of flat in each game)"));
        let gym = [Game::Gym(GymGame::CartPole)];
        assert!(sentence(&gym, "flat").ends_with("0 is a return of 0, 1 a return of 500."));
        assert!(axis(&gym, "flat").ends_with("(0: return 0, 1: return 500 in each game)"));
    }
}
