//! Normalisation of scores, so that scores of different games can be averaged.
//!
//! A normalised score is `(score - zero) / (one - zero)`, with the [`ScoreScale`] of the game. MinAtar has no human score:
//! a game's zero is the mean score of the random policy, its one the mean score of the arm's reference. These means are
//! estimates, and the intervals of aggregates and differences contain their uncertainty.
//!
//! Atari's human-normalised scores differ by orders of magnitude between games. There, arms are compared by interquartile means
//! ([`Normalisation::is_interquartile`]).

use crate::collect::{Collection, FinishedRun};
use crate::statistics::{
    Bootstrap, Contrast, Normalised, Runs, Scores, Summary, Tasks, Uncertainty, average,
};
use rand::Rng;
use softmoe_config::{AgentSteps, Experiment, Game, RANDOM_ARM, ScoreScale};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// Standard errors by which a reference arm must exceed the random policy for its game to count.
const CLEARLY: f64 = 4.0;

/// The number that is a run's score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// The mean return of the final evaluation.
    #[default]
    Final,
    /// The mean return of the evaluations in the second half of training: the area under that half of the learning curve.
    SecondHalf,
}

impl Measure {
    /// The score of `run`; `None` without a learning curve.
    pub fn of(self, run: &FinishedRun) -> Option<f64> {
        match self {
            Measure::Final => Some(run.score),
            Measure::SecondHalf => {
                let late = run.curve.iter().filter(|(steps, _)| steps.0 * 2 > run.agent_steps.0);
                let returns: Vec<f64> = late.map(|(_, value)| *value).collect();
                match returns.as_slice() {
                    // The random policy learns nothing: its only evaluation stands for all.
                    [] => (run.name.arm == RANDOM_ARM).then_some(run.score),
                    returns => Some(average(returns)),
                }
            }
        }
    }
}

/// The reason for leaving a game out of the aggregates.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum NoScale {
    /// No human score is published.
    #[error("{game} is left out of the aggregates: no human score of it is published")]
    NoHuman {
        /// The game.
        game: Game,
    },
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
    /// The reference arm is not clearly better than the random policy.
    #[error(
        "{game} is left out of the aggregates: the reference arm {reference} (mean score {score:.2}) is not clearly above the \
         random policy ({random:.2}) there, {}, so scores cannot be normalised; train longer or with more seeds",
        distance(*errors)
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
        /// The difference in standard errors; `None` with a single run of either.
        errors: Option<f64>,
    },
}

/// The distance from the random policy, in words.
fn distance(errors: Option<f64>) -> String {
    errors.map_or_else(
        || "in a single run".to_owned(),
        |errors| format!("by {errors:.1} standard errors where at least {CLEARLY} and a 95% interval above 0 are needed"),
    )
}

/// The arms' scores on the games that can be normalised.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Normalisation {
    measure: Measure,
    games: Vec<Game>,
    /// The games without a scale.
    pub left_out: Vec<NoScale>,
    /// The arms with runs on all games, and their positions in `methods`.
    positions: BTreeMap<String, usize>,
    /// Raw scores on `games`.
    methods: Vec<Scores>,
    /// The reference of each arm.
    references: BTreeMap<String, String>,
}

impl Normalisation {
    /// The normalisation of the scores of `arms` on `games`, by the runs of [`RANDOM_ARM`] and of the arms' references in
    /// `collection`.
    pub fn of(
        collection: &Collection,
        experiment: &Experiment,
        arms: &[String],
        games: &[Game],
        measure: Measure,
    ) -> Self {
        let names = || arms.iter().map(String::as_str).chain([RANDOM_ARM]);
        let references: BTreeMap<String, String> =
            names().map(|arm| (arm.to_owned(), experiment.reference_of(arm).to_owned())).collect();
        let raw = |arm: &str, game: Game| -> Vec<f64> {
            collection.of(arm, game).filter_map(|run| measure.of(run)).collect()
        };
        // A reference without any run costs its own arms their scores, not the others their games.
        let was_run = |arm: &str| collection.finished.iter().any(|run| run.name.arm == arm);
        let needed: BTreeSet<&str> = references
            .values()
            .map(String::as_str)
            .filter(|reference| *reference == experiment.reference || was_run(reference))
            .collect();
        let scale = |game: Game| {
            needed.iter().try_for_each(|reference| {
                check_scale(game, reference, &raw(reference, game), &raw(RANDOM_ARM, game))
            })
        };
        let mut normalisation = Normalisation {
            measure,
            games: Vec::new(),
            left_out: Vec::new(),
            positions: BTreeMap::new(),
            methods: Vec::new(),
            references: references.clone(),
        };
        for &game in games {
            match scale(game) {
                Ok(()) => normalisation.games.push(game),
                Err(why) => normalisation.left_out.push(why),
            }
        }
        let all: BTreeSet<&str> = names().chain(needed.iter().copied()).collect();
        for arm in all {
            let tasks = normalisation.games.iter().map(|&game| Runs(raw(arm, game)));
            if let Ok(scores) = Scores::by_task(Tasks(tasks.collect())) {
                normalisation.positions.insert(arm.to_owned(), normalisation.methods.len());
                normalisation.methods.push(scores);
            }
        }
        normalisation
    }

    /// The games with a scale.
    pub fn games(&self) -> &[Game] {
        &self.games
    }

    /// Whether the scale is made of the runs of other arms, as opposed to returns that the games define.
    fn is_estimated(&self) -> bool {
        self.games.iter().any(|game| game.score_scale() == ScoreScale::RandomToReference)
    }

    /// Whether arms are compared by interquartile means rather than by means: on a scale of humans.
    pub fn is_interquartile(&self) -> bool {
        self.games.iter().any(|game| game.score_scale().is_of_humans())
    }

    /// The reference of `arm`.
    pub fn reference_of<'a>(&'a self, arm: &'a str) -> &'a str {
        self.references.get(arm).map_or(arm, String::as_str)
    }

    /// The positions of `arm` and its scale; `None` if there are no games, or if one of these arms has no finished run of one of
    /// them: aggregates over different games cannot be compared.
    fn normalised(&self, arm: &str) -> Option<Normalised> {
        let position = |arm: &str| self.positions.get(arm).copied();
        Some(Normalised {
            method: position(arm)?,
            zero: position(RANDOM_ARM)?,
            one: position(self.reference_of(arm))?,
        })
    }

    /// The scores of `arm` on the scale that its games define.
    fn on_fixed_scale(&self, arm: &str) -> Option<Scores> {
        let raw = &self.methods[*self.positions.get(arm)?];
        let scale = |task: usize| match self.games[task].score_scale() {
            ScoreScale::Returns { zero, one } | ScoreScale::Human { zero, one } => (zero, one),
            ScoreScale::RandomToReference | ScoreScale::Unknown => (0.0, 1.0),
        };
        raw.map(|task, score| (score - scale(task).0) / (scale(task).1 - scale(task).0)).ok()
    }

    /// The normalised scores of `arm` on the games with a scale; `None` if there are no such games, or if `arm`, its reference or
    /// the random policy has no finished run of one of them: aggregates over different games cannot be compared.
    pub fn scores(&self, arm: &str) -> Option<Scores> {
        if self.is_estimated() {
            self.normalised(arm)?.scores(&self.methods).ok()
        } else {
            self.on_fixed_scale(arm)
        }
    }

    /// The aggregates of `arm`, with intervals that contain the uncertainty of the scale; `None` as in
    /// [`scores`](Self::scores).
    pub fn summary(&self, arm: &str, bootstrap: &Bootstrap, generator: &mut impl Rng) -> Option<Summary> {
        if self.is_estimated() {
            bootstrap.normalised_summary(&self.methods, self.normalised(arm)?, generator).ok()
        } else {
            Some(bootstrap.summary(&self.on_fixed_scale(arm)?, generator))
        }
    }

    /// A weighted sum of the arms' mean normalised scores, with the uncertainty of the scale; on a scale of humans, of their interquartile
    /// means. Each arm must be given once.
    ///
    /// # Errors
    ///
    /// The arms without [`scores`](Self::scores).
    pub fn contrast<'a>(&self, terms: &[(f64, &'a str)]) -> Result<Contrast, Vec<&'a str>> {
        let absent: Vec<&str> =
            terms.iter().map(|(_, arm)| *arm).filter(|arm| self.scores(arm).is_none()).collect();
        if !absent.is_empty() {
            return Err(absent);
        }
        let contrast = if self.is_estimated() {
            let terms: Vec<(f64, Normalised)> =
                terms.iter().filter_map(|&(weight, arm)| Some((weight, self.normalised(arm)?))).collect();
            Contrast::of_normalised(&self.methods, &terms)
        } else {
            let scores: Vec<(f64, Scores)> =
                terms.iter().filter_map(|&(weight, arm)| Some((weight, self.on_fixed_scale(arm)?))).collect();
            let terms = scores.iter().map(|(weight, scores)| (*weight, scores));
            if self.is_interquartile() {
                Contrast::of_interquartile_means(terms)
            } else {
                Contrast::of(terms)
            }
        };
        contrast.map_err(|_| terms.iter().map(|(_, arm)| *arm).collect())
    }

    /// The normalised evaluation returns of `arm` at the agent steps at which all of its runs were evaluated, on the scale of
    /// the scores.
    pub fn steps(&self, collection: &Collection, arm: &str) -> Vec<(AgentSteps, Scores)> {
        let mut found: BTreeMap<AgentSteps, Vec<Runs<f64>>> = BTreeMap::new();
        let runs = |game: Game| collection.of(arm, game).filter(|run| self.measure.of(run).is_some());
        for (task, &game) in self.games.iter().enumerate() {
            for run in runs(game) {
                for &(steps, value) in &run.curve {
                    let tasks = found.entry(steps).or_default();
                    tasks.resize(self.games.len().max(tasks.len()), Runs(Vec::new()));
                    tasks[task].0.push(value);
                }
            }
        }
        let complete = |tasks: &[Runs<f64>]| {
            tasks.iter().zip(&self.games).all(|(values, &game)| values.0.len() == runs(game).count())
        };
        let normalised = |tasks: Vec<Runs<f64>>| {
            let raw = Scores::by_task(Tasks(tasks)).ok()?;
            if !self.is_estimated() {
                let of_steps = Normalisation {
                    positions: BTreeMap::from([(arm.to_owned(), 0)]),
                    methods: vec![raw],
                    ..self.clone()
                };
                return of_steps.on_fixed_scale(arm);
            }
            let Normalised { zero, one, .. } = self.normalised(arm)?;
            let methods = [raw, self.methods[zero].clone(), self.methods[one].clone()];
            Normalised { method: 0, zero: 1, one: 2 }.scores(&methods).ok()
        };
        let whole = found.into_iter().filter(|(_, tasks)| complete(tasks));
        whole.filter_map(|(steps, tasks)| Some((steps, normalised(tasks)?))).collect()
    }
}

/// Whether `value` is a unit: at least [`CLEARLY`] standard errors above 0, with a 95% interval above 0. With a single run nothing says
/// how clear it is.
pub(crate) fn is_clearly_positive(value: f64, uncertainty: Option<Uncertainty>) -> bool {
    value > 0.0
        && uncertainty.is_none_or(|of| value >= CLEARLY * of.standard_error && value > of.half_width(0.95))
}

/// Whether the scores of `reference` on `game` are far enough above those of the random policy to be the 1 of a scale.
fn check_scale(game: Game, reference: &str, scores: &[f64], random: &[f64]) -> Result<(), NoScale> {
    match game.score_scale() {
        ScoreScale::Returns { .. } | ScoreScale::Human { .. } => return Ok(()),
        ScoreScale::Unknown => return Err(NoScale::NoHuman { game }),
        ScoreScale::RandomToReference => {}
    }
    if random.is_empty() {
        return Err(NoScale::NoRandom { game });
    }
    if scores.is_empty() {
        return Err(NoScale::NoReference { game, reference: reference.to_owned() });
    }
    let difference = average(scores) - average(random);
    let uncertainty = Uncertainty::of([(1.0, scores), (-1.0, random)]);
    if is_clearly_positive(difference, uncertainty)
        && difference > 1e-9 * average(scores).abs().max(average(random).abs()).max(1.0)
    {
        return Ok(());
    }
    Err(NoScale::NotAboveRandom {
        game,
        reference: reference.to_owned(),
        score: average(scores),
        random: average(random),
        errors: uncertainty.map(|of| difference / of.standard_error),
    })
}

/// The meaning of 0 and 1 in the normalised scores of `games`, in a sentence; `reference` is the label of the reference arm.
/// The games of a figure belong to one suite, so that the first one's scale stands for all.
pub fn sentence(games: &[Game], reference: &str) -> String {
    match games.first().map(|game| game.score_scale()) {
        Some(ScoreScale::Returns { zero, one }) => {
            format!("Scores are normalised per game: 0 is a return of {zero}, 1 a return of {one}.")
        }
        Some(ScoreScale::Human { .. } | ScoreScale::Unknown) => {
            let scale = "Scores are normalised per game: 0 is the published score of the random policy, 1 that of a human.";
            let remarks = games.iter().filter_map(|game| game.scale_remark());
            remarks.fold(scale.to_owned(), |text, remark| format!("{text} {remark}."))
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
        Some(ScoreScale::Human { .. } | ScoreScale::Unknown) => ("random policy".into(), "human".into()),
        Some(ScoreScale::RandomToReference) | None => {
            ("random policy".into(), format!("mean of {reference}"))
        }
    };
    format!("IQM of normalised score (0: {zero}, 1: {one} in each game)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use softmoe_config::{AtariGame, GymGame, MinAtarGame};

    #[test]
    fn words_say_what_the_games_are_scaled_by() {
        let minatar = [Game::MinAtar(MinAtarGame::Breakout)];
        assert!(
            sentence(&minatar, "flat").ends_with("0 is the mean of the random policy, 1 the mean of flat.")
        );
        assert!(axis(&minatar, "flat").ends_with("(0: random policy, 1: mean of flat in each game)"));
        let mut atari = vec![Game::Atari(AtariGame::Pong)];
        assert!(sentence(&atari, "flat").ends_with("the random policy, 1 that of a human."));
        atari.push(Game::Atari(AtariGame::VideoPinball));
        assert!(sentence(&atari, "flat").ends_with("16,256.9, as in dqn_zoo; Dopamine's table has 0.0."));
        let gym = [Game::Gym(GymGame::CartPole)];
        assert!(sentence(&gym, "flat").ends_with("0 is a return of 0, 1 a return of 500."));
        assert!(axis(&gym, "flat").ends_with("(0: return 0, 1: return 500 in each game)"));
    }
}
