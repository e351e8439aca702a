//! The report on a figure: what every arm scored, what that says about the claim, and the files that tell it.

mod files;
mod pictures;
mod table;
mod verdict;

pub use files::{WriteError, write};
pub use pictures::{bars, curves};
pub use table::{markdown, scores_csv, terminal, verdict_markdown};
pub use verdict::{Judgement, Outcome, Verdict};

use crate::collect::{Collection, Selection};
use crate::normalise::Normalisation;
use crate::plot::Mark;
use crate::statistics::{Bootstrap, Estimate, Scores, Summary};
use rand::Rng;
use softmoe_spec::{Experiment, Game, Profile, RANDOM_ARM};

/// Everything that the files of a figure are written from.
#[derive(Clone, Debug)]
pub struct Report {
    /// Title of the figure.
    pub title: String,
    /// What was run: figure, profile, games, seeds, steps.
    pub caption: String,
    /// Label of the reference arm.
    pub reference: String,
    /// The games.
    pub games: Vec<Game>,
    /// The arms in the experiment's order, and the random policy last.
    pub arms: Vec<ArmReport>,
    /// What the runs say about the claim.
    pub verdict: Verdict,
    /// What the profile leaves out of the paper's protocol.
    pub leaves_out: Vec<String>,
    /// Missing runs, games that cannot be normalised, unreadable files: one sentence each.
    pub notes: Vec<String>,
    /// The runs.
    pub collection: Collection,
}

/// One arm.
#[derive(Clone, Debug)]
pub struct ArmReport {
    /// Name in files.
    pub name: String,
    /// Name in the figure.
    pub label: String,
    /// Colour in the figure; none for the random policy.
    pub mark: Option<Mark>,
    /// Finished runs.
    pub runs: usize,
    /// Aggregates of the normalised scores; none where some game has no run.
    pub summary: Option<Summary>,
    /// Probability that a run of this arm scores higher than one of the reference; none for the reference.
    pub improvement: Option<Estimate>,
    /// Raw scores of each game, in the report's order of games.
    pub raw: Vec<Raw>,
}

/// Raw scores of an arm on a game.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Raw {
    /// Number of runs.
    pub runs: usize,
    /// Mean score over runs (0 without runs).
    pub mean: f64,
    /// Sample standard deviation over runs; none with fewer than two.
    pub deviation: Option<f64>,
}

impl Report {
    /// The report on `collection`, the runs of `selection`, in `profile` of `experiment`.
    pub fn new(
        experiment: &Experiment,
        profile: &Profile,
        selection: &Selection,
        collection: Collection,
        bootstrap: &Bootstrap,
        generator: &mut impl Rng,
    ) -> Self {
        let reference = &experiment.reference;
        let normalisation = Normalisation::of(&collection, reference, &selection.games);
        let reference_scores = normalisation.scores(&collection, reference);

        let mut arms = Vec::new();
        for name in selection.arms.iter().map(String::as_str).chain([RANDOM_ARM]) {
            let scores = normalisation.scores(&collection, name);
            let pair = scores.as_ref().zip(reference_scores.as_ref()).filter(|_| name != reference);
            arms.push(ArmReport {
                name: name.to_owned(),
                label: label(experiment, name),
                mark: mark(experiment, name),
                runs: collection.finished.iter().filter(|run| run.name.arm == name).count(),
                summary: scores.as_ref().map(|scores| bootstrap.summary(scores, generator)),
                improvement: pair.and_then(|(x, y)| bootstrap.improvement(x, y, generator).ok()),
                raw: selection.games.iter().map(|&game| raw(&collection.scores(name, game))).collect(),
            });
        }

        let scores_of = |arm: &str| -> Option<Scores> { normalisation.scores(&collection, arm) };
        let verdict = Verdict::judge(experiment, scores_of, bootstrap, generator);
        let notes = notes(selection, &collection, &normalisation, &arms);
        Report {
            title: experiment.title.clone(),
            caption: caption(selection),
            reference: label(experiment, reference),
            games: selection.games.clone(),
            arms,
            verdict,
            leaves_out: profile.leaves_out.clone(),
            notes,
            collection,
        }
    }

    /// What 0 and 1 are.
    pub fn scale(&self) -> String {
        format!(
            "Scores are normalised per game: 0 is the mean of the random policy, 1 the mean of {}.",
            self.reference
        )
    }
}

/// The label of the arm `name`.
fn label(experiment: &Experiment, name: &str) -> String {
    let arm = experiment.arms.iter().find(|arm| arm.name == name);
    arm.map_or_else(|| format!("{name} policy"), |arm| arm.label.clone())
}

/// The colour of the arm `name`, which does not depend on which other arms were selected.
fn mark(experiment: &Experiment, name: &str) -> Option<Mark> {
    let mut others = experiment.arms.iter().filter(|arm| arm.name != experiment.reference);
    if name == experiment.reference {
        Some(Mark::Reference)
    } else {
        others.position(|arm| arm.name == name).map(Mark::Arm)
    }
}

fn raw(scores: &[f64]) -> Raw {
    let runs = scores.len();
    let mean = scores.iter().sum::<f64>() / runs.max(1) as f64;
    let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
    Raw { runs, mean, deviation: (runs > 1).then(|| (squares / (runs - 1) as f64).sqrt()) }
}

fn caption(selection: &Selection) -> String {
    let games: Vec<&str> = selection.games.iter().map(|game| game.name()).collect();
    let plural = if selection.seeds == 1 { "" } else { "s" };
    format!(
        "{} · profile {} · {} · {} seed{plural} · {} agent steps",
        selection.figure,
        selection.profile,
        games.join(", "),
        selection.seeds,
        grouped(selection.agent_steps.0),
    )
}

/// `200,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap_or_default()).collect();
    groups.join(",")
}

fn notes(
    selection: &Selection,
    collection: &Collection,
    normalisation: &Normalisation,
    arms: &[ArmReport],
) -> Vec<String> {
    let mut notes: Vec<String> = collection.missing_sentence().into_iter().collect();
    notes.extend(normalisation.left_out.iter().map(|why| format!("{why}.")));
    let scaled: Vec<Game> = normalisation.games().collect();
    for arm in arms.iter().filter(|arm| arm.runs > 0 && arm.summary.is_none() && !scaled.is_empty()) {
        let without = arm.raw.iter().zip(&selection.games).filter(|(raw, _)| raw.runs == 0);
        let games: Vec<&str> = without.map(|(_, game)| game.name()).collect();
        notes.push(format!("{} has no aggregate: no finished run on {}.", arm.label, games.join(", ")));
    }
    if arms.iter().any(|arm| arm.summary.is_some_and(|summary| summary.mean.interval.is_none())) {
        notes.push(
            "Where a game has a single run there is no interval; run more seeds (--seeds 3).".to_owned(),
        );
    }
    let counts = || arms.iter().filter(|arm| arm.mark.is_some()).flat_map(|arm| &arm.raw).map(|raw| raw.runs);
    if counts().filter(|&runs| runs > 1).min() == Some(2) {
        notes.push(
            "Intervals resampled from two runs of a game are narrower than the true uncertainty; \
             run more seeds before believing them."
                .to_owned(),
        );
    }
    notes.extend(collection.warnings.iter().map(|warning| format!("{warning}.")));
    notes
}
