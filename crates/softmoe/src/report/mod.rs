//! The report on a figure: the scores of every arm, the verdict on the claim, and the files of both.

mod changes;
mod cost;
pub mod data;
mod diagnostics;
mod drawing;
mod entry;
mod files;
mod judgement;
mod marks;
mod numbers;
mod origin;
mod pictures;
mod sections;
mod table;
mod verdict;

pub use cost::Cost;
pub use drawing::draw;
pub use files::{DATA, WriteError, write};
pub use judgement::{Judgement, Outcome};
pub use pictures::{bars, curves, efficiency, forest, improvement, profiles};
pub use table::{aggregates_csv, markdown, scores_csv, terminal, verdict_markdown};
pub use verdict::Verdict;

use crate::collect::{Collection, Selection};
use crate::normalise::{self, Measure, Normalisation};
use crate::plot::Mark;
use crate::provenance::mixtures;
use crate::statistics::{Bootstrap, Estimate, Streams, Summary, average};
use changes::{changes_of_all, changes_of_bodies};
use softmoe_config::words::{count, thousands};
use softmoe_config::{AgentSteps, Experiment, Game, Profile, RANDOM_ARM};

/// Report on a figure: everything in its files.
#[derive(Clone, Debug)]
pub struct Report {
    /// Name of the figure.
    pub figure: String,
    /// Name of the profile.
    pub profile: String,
    /// Purpose of the profile.
    pub purpose: String,
    /// Agent steps of a run.
    pub agent_steps: AgentSteps,
    /// Title of the figure.
    pub title: String,
    /// The runs: figure, profile, games, seeds, steps, changed settings; and the games that are left out of the
    /// aggregates.
    pub caption: String,
    /// The same with no game left out.
    pub caption_of_all_games: String,
    /// Label of the reference arm.
    pub reference: String,
    /// Whether some arms have a reference of their own.
    pub own_references: bool,
    /// The games.
    pub games: Vec<Game>,
    /// The arms in the experiment's order, and the random policy last.
    pub arms: Vec<ArmReport>,
    /// The verdict on the claim.
    pub verdict: Verdict,
    /// Differences of the profile from the paper's protocol.
    pub leaves_out: Vec<String>,
    /// A warning about the intervals; `None` with at least [`ENOUGH_RUNS`] runs per game.
    pub caution: Option<String>,
    /// The normalised scores.
    pub normalisation: Normalisation,
    /// Missing runs, runs of other settings, games that cannot be normalised, unreadable files: one sentence each.
    pub notes: Vec<String>,
    /// The runs.
    pub collection: Collection,
}

/// Runs per game for intervals without a warning.
pub const ENOUGH_RUNS: usize = 10;

/// Scores of an arm.
#[derive(Clone, Debug)]
pub struct ArmReport {
    /// Name in files.
    pub name: String,
    /// Name in the figure.
    pub label: String,
    /// Title of its group in the figure; empty if it is in none.
    pub group: String,
    /// Colour and pattern in the figure; `None` for the random policy.
    pub mark: Option<Mark>,
    /// Finished runs.
    pub runs: usize,
    /// Aggregates of the normalised scores; `None` if some game has no run.
    pub summary: Option<Summary>,
    /// Interquartile mean with [`Measure::SecondHalf`] for the score.
    pub second_half: Option<Estimate>,
    /// Probability that a run of this arm scores higher than one of its reference; `None` for the reference.
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
    /// Sample standard deviation over runs; `None` with fewer than two.
    pub deviation: Option<f64>,
}

impl Report {
    /// The report on `collection`, the runs of `selection`.
    pub fn new(
        selection: &Selection,
        collection: Collection,
        bootstrap: &Bootstrap,
        streams: Streams,
    ) -> Self {
        let experiment = selection.experiment;
        let (reference, all_games) = (&experiment.reference, selection.profile.games.list());
        let normalised =
            |measure| Normalisation::of(&collection, experiment, &selection.arms, &all_games, measure);
        let (normalisation, late) = (normalised(Measure::Final), normalised(Measure::SecondHalf));

        let mut arms = Vec::new();
        for name in selection.arms.iter().map(String::as_str).chain([RANDOM_ARM]) {
            let summary = |normalisation: &Normalisation, statistic: &str| {
                normalisation.summary(name, bootstrap, &mut streams.generator(&[name, statistic]))
            };
            let own_reference = normalisation.reference_of(name);
            let pair = normalisation.scores(name).zip(normalisation.scores(own_reference));
            let pair = pair.filter(|_| name != own_reference);
            let mut improvement = streams.generator(&[name, "improvement"]);
            // The second half has a scale of its own; on other games its numbers could not be compared.
            let second_half =
                if late.games() == normalisation.games() { summary(&late, "second half") } else { None };
            arms.push(ArmReport {
                name: name.to_owned(),
                label: label(experiment, name),
                group: group(experiment, name),
                mark: mark(experiment, name),
                runs: collection.finished.iter().filter(|run| run.name.arm == name).count(),
                summary: summary(&normalisation, "summary"),
                second_half: second_half.map(|summary| summary.interquartile_mean),
                improvement: pair.and_then(|(x, y)| bootstrap.improvement(&x, &y, &mut improvement).ok()),
                raw: all_games.iter().map(|&game| raw(&collection.scores(name, game))).collect(),
            });
        }

        let verdict = Verdict::judge(experiment, &selection.profile, &normalisation);
        let mut caption = caption(selection, &collection, normalisation.games());
        if verdict.outcome == Outcome::NotApplicable {
            caption += &format!(" · claim {}", verdict.sentence());
        }
        Report {
            figure: experiment.figure.clone(),
            profile: selection.profile_name.clone(),
            purpose: selection.profile.purpose.clone(),
            agent_steps: selection.profile.agent_steps,
            title: experiment.title.clone(),
            caption,
            caption_of_all_games: self::caption(selection, &collection, &all_games),
            reference: label(experiment, reference),
            own_references: selection.arms.iter().any(|arm| experiment.reference_of(arm) != reference),
            games: all_games.clone(),
            leaves_out: as_run(selection, &collection).leaves_out(),
            caution: caution(&arms),
            notes: notes(&all_games, &collection, &normalisation, &arms),
            arms,
            verdict,
            normalisation,
            collection,
        }
    }

    /// The meaning of the scores 0 and 1.
    pub fn scale(&self) -> String {
        normalise::sentence(&self.games, self.reference_words())
    }

    /// The label of the reference arm, or words for those of several.
    pub fn reference_words(&self) -> &str {
        if self.own_references { "the arm's reference" } else { &self.reference }
    }
}

/// The label of the arm `name`.
fn label(experiment: &Experiment, name: &str) -> String {
    let arm = experiment.arms.iter().find(|arm| arm.name == name);
    arm.map_or_else(|| format!("{name} policy"), |arm| arm.label.clone())
}

/// The mark of the arm `name`, which follows from the arm alone; `None` for the random policy.
fn mark(experiment: &Experiment, name: &str) -> Option<Mark> {
    experiment.arms.iter().find(|arm| arm.name == name).map(marks::mark)
}

/// The title of the group of the arm `name`.
fn group(experiment: &Experiment, name: &str) -> String {
    let group = experiment.groups.iter().find(|(_, arms)| arms.iter().any(|arm| arm == name));
    group.map_or_else(String::new, |(title, _)| title.clone())
}

fn raw(scores: &[f64]) -> Raw {
    let runs = scores.len();
    let mean = if runs > 0 { average(scores) } else { 0.0 };
    let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
    Raw { runs, mean, deviation: (runs > 1).then(|| (squares / (runs - 1) as f64).sqrt()) }
}

/// Describes the runs, and the games that are not among `shown`.
fn caption(selection: &Selection, collection: &Collection, shown: &[Game]) -> String {
    let profile = &selection.profile;
    let names = |within: bool| {
        let games = profile.games.list().into_iter().filter(|game| shown.contains(game) == within);
        match profile.games.set() {
            // The set of all games stands for those that are shown.
            Some(set) if within && !shown.is_empty() => set.name().to_owned(),
            _ => games.map(|game| game.name()).collect::<Vec<_>>().join(", "),
        }
    };
    let games = match (names(true), names(false)) {
        (shown, without) if without.is_empty() => shown,
        (shown, without) if shown.is_empty() => format!("without {without}"),
        (shown, without) => format!("{shown}, without {without}"),
    };
    let mut caption = format!(
        "{} · profile {} · {games} · {} · {} agent steps",
        selection.experiment.figure,
        selection.profile_name,
        count(profile.seeds, "seed"),
        thousands(profile.agent_steps.0),
    );
    let of_all =
        changes_of_all(&collection.finished).into_iter().map(|(key, value)| format!("{key} = {value}"));
    let of_bodies = changes_of_bodies(&collection.finished).into_iter().map(|(arm, key, value)| {
        let label = label(selection.experiment, &arm);
        format!("{key} = {value} ({label})")
    });
    let changes: Vec<String> = of_all.chain(of_bodies).collect();
    if !changes.is_empty() {
        caption += &format!(" · changed: {}", changes.join(", "));
    }
    caption
}

/// The profile with the settings that were changed for all of its runs.
fn as_run(selection: &Selection, collection: &Collection) -> Profile {
    let changes = changes_of_all(&collection.finished);
    let mut profile = selection.profile.clone();
    profile.set.extend(changes.into_iter().map(|(key, value)| format!("{key}={value}")));
    profile
}

/// The warning about intervals of few runs.
fn caution(arms: &[ArmReport]) -> Option<String> {
    let learners = arms.iter().filter(|arm| arm.mark.is_some());
    let counts = learners.flat_map(|arm| &arm.raw).map(|raw| raw.runs);
    let fewest = counts.filter(|&runs| runs > 1).min()?;
    (fewest < ENOUGH_RUNS).then(|| {
        format!(
            "Bootstrap intervals of {fewest} runs of a game are too narrow; run {ENOUGH_RUNS} or more \
             (--seeds {ENOUGH_RUNS}) before relying on them. The t intervals of the verdict hold with few runs."
        )
    })
}

fn notes(
    games: &[Game],
    collection: &Collection,
    normalisation: &Normalisation,
    arms: &[ArmReport],
) -> Vec<String> {
    let mut notes: Vec<String> = collection.missing_sentence().into_iter().collect();
    notes.extend(collection.left_out_sentences().into_iter().map(|what| format!("{what}.")));
    notes.extend(normalisation.left_out.iter().map(|why| format!("{why}.")));
    let scaled = normalisation.games();
    for arm in arms.iter().filter(|arm| arm.runs > 0 && arm.summary.is_none() && !scaled.is_empty()) {
        let without = arm.raw.iter().zip(games).filter(|(raw, game)| raw.runs == 0 && scaled.contains(game));
        let games: Vec<&str> = without.map(|(_, game)| game.name()).collect();
        notes.push(format!("{} has no aggregate: no finished run on {}.", arm.label, games.join(", ")));
    }
    if arms.iter().any(|arm| arm.summary.is_some_and(|summary| summary.mean.interval.is_none())) {
        notes.push("A game with a single run has no interval; run more seeds (--seeds 3).".to_owned());
    }
    notes.extend(mixtures(&collection.finished).into_iter().map(|what| format!("{what}.")));
    notes.extend(collection.warnings.iter().map(|warning| format!("{warning}.")));
    notes
}
