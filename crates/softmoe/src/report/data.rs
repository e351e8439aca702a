//! The report as data: `report.json`, from which the page is written. `docs/report.md` describes its fields for readers.

use crate::plot::Mark;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the format of [`FigureData`]. It rises when a field changes its meaning or disappears.
pub const FORMAT: u32 = 1;

/// A figure in one profile: the contents of `report.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FigureData {
    /// [`FORMAT`] of the program that wrote it.
    pub format: u32,
    /// Name of the figure, e.g. `fig3`.
    pub figure: String,
    /// Name of the profile, or of the drawing.
    pub profile: String,
    /// Title of the figure.
    pub title: String,
    /// Purpose of the profile.
    pub purpose: String,
    /// One line about the runs: games, seeds, agent steps, changed settings.
    pub caption: String,
    /// The results of the runs; `None` for a drawing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<Results>,
    /// The networks of a drawing; empty for a figure with runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<NetworkData>,
}

/// A network that is drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkData {
    /// Name of the arm.
    pub label: String,
    /// Its layers: name, shape of the output, parameters, multiply-adds.
    pub layers: TextTable,
}

/// The results of a figure with runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The games.
    pub games: Vec<String>,
    /// Label of the reference arm.
    pub reference: String,
    /// Agent steps of a run.
    pub agent_steps: u64,
    /// The meaning of the normalised scores 0 and 1.
    pub scale: String,
    /// A warning about the intervals.
    pub caution: Option<String>,
    /// Missing runs, runs of other settings, games without a scale, unreadable files.
    pub notes: Vec<String>,
    /// Deviations of the profile from the paper's protocol.
    pub deviations: Vec<String>,
    /// The verdict on the claim.
    pub verdict: VerdictData,
    /// The arms in the experiment's order, the random policy last.
    pub arms: Vec<ArmData>,
    /// Every finished run, as in `scores.csv`.
    pub scores: Vec<ScoreData>,
    /// The tables as text, as in `table.md`.
    pub tables: Tables,
    /// The pictures as numbers.
    pub pictures: Pictures,
    /// Diagnostics over the course of training.
    pub diagnostics: Vec<DiagnosticData>,
    /// The settings of the runs.
    pub settings: SettingsData,
    /// The processes that trained the runs.
    pub provenance: ProvenanceData,
}

/// A table of text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TextTable {
    /// Titles of the columns.
    pub header: Vec<String>,
    /// The rows, with a cell for each column.
    pub rows: Vec<Vec<String>>,
    /// The meaning of the columns.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// The tables of `table.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tables {
    /// Scores.
    pub scores: TextTable,
    /// Cost of the networks.
    pub cost: TextTable,
}

/// The verdict on a claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictData {
    /// The claim.
    pub claim: String,
    /// `supported`, `contradicted`, `inconclusive`, `not applicable` or `not judged`.
    pub outcome: String,
    /// The outcome in a sentence.
    pub sentence: String,
    /// How the rules are judged.
    pub method: String,
    /// The premise, if the claim has one.
    pub premise: Option<RuleData>,
    /// The rules.
    pub rules: Vec<RuleData>,
}

/// A rule with its judgement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleData {
    /// The statement.
    pub says: String,
    /// The measured difference as text.
    pub difference: String,
    /// The condition for support.
    pub supported_if: String,
    /// The difference; `None` if an arm has no aggregate.
    pub estimate: Option<EstimateData>,
    /// The same as text.
    pub value: String,
    /// Level of the interval.
    pub confidence: f64,
    /// p value after Holm's correction.
    pub p_value: Option<f64>,
    /// The judgement, with the words of [`VerdictData::outcome`].
    pub outcome: String,
    /// The reason for a missing or inconclusive judgement.
    pub why: Option<String>,
    /// How often the rule can be supported with as many runs.
    pub power: Option<String>,
}

/// A value with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimateData {
    /// The value.
    pub value: f64,
    /// Lower end of the interval; `None` without one.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

/// Scores of an arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmData {
    /// Name in files.
    pub name: String,
    /// Name in pictures.
    pub label: String,
    /// Title of its group; empty if it is in none.
    pub group: String,
    /// Colour and pattern; `None` for the random policy.
    pub mark: Option<Mark>,
    /// Finished runs.
    pub runs: usize,
    /// Interquartile mean of the normalised scores.
    pub iqm: Option<EstimateData>,
    /// The same of the evaluations in the second half of training.
    pub second_half: Option<EstimateData>,
    /// Mean of the normalised scores.
    pub mean: Option<EstimateData>,
    /// Median of the normalised scores.
    pub median: Option<EstimateData>,
    /// Optimality gap (lower is better).
    pub optimality_gap: Option<EstimateData>,
    /// Probability that a run scores higher than one of its reference.
    pub improvement: Option<EstimateData>,
    /// Returns of each game, in the order of [`Results::games`].
    pub returns: Vec<ReturnData>,
    /// Cost of the network; `None` for the random policy and without runs.
    pub cost: Option<CostData>,
}

/// Returns of an arm on a game.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReturnData {
    /// Number of runs.
    pub runs: usize,
    /// Mean over runs; `None` without runs.
    pub mean: Option<f64>,
    /// Sample standard deviation over runs; `None` with fewer than two.
    pub deviation: Option<f64>,
}

/// Cost of a network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostData {
    /// Trained parameters.
    pub parameters: usize,
    /// Multiply-adds in the forward pass of one observation.
    pub multiply_adds: Option<u64>,
    /// Seconds of an update, the mean over runs.
    pub update_seconds: Option<f64>,
}

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreData {
    /// The arm's name.
    pub arm: String,
    /// The game.
    pub game: String,
    /// The seed.
    pub seed: u64,
    /// Agent steps trained.
    pub agent_steps: u64,
    /// Mean return of the final evaluation.
    pub score: f64,
    /// Mean return of the evaluations in the second half of training.
    pub second_half: Option<f64>,
}

/// The pictures as numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pictures {
    /// Interquartile mean of every arm.
    pub figure: RowsData,
    /// The judgement of every rule; `None` without rules.
    pub rules: Option<RowsData>,
    /// Probability of improvement.
    pub improvement: RowsData,
    /// Returns over the course of training.
    pub curves: CurvesData,
    /// Interquartile mean over the course of training.
    pub efficiency: CurvesData,
    /// Performance profiles.
    pub profiles: CurvesData,
}

/// A chart of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowsData {
    /// The meaning of what is drawn.
    pub caption: String,
    /// Label of the axis.
    pub measure: String,
    /// Left and right end of the axis.
    pub range: [f64; 2],
    /// Ticks with their labels.
    pub ticks: Vec<(f64, String)>,
    /// A value drawn through all rows.
    pub reference: Option<f64>,
    /// The rows under the titles of their groups.
    pub groups: Vec<RowGroupData>,
}

/// Rows under a title.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowGroupData {
    /// The title; empty for none.
    pub title: String,
    /// The rows.
    pub rows: Vec<RowData>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowData {
    /// Its name.
    pub label: String,
    /// Further text about the row.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// `bar`, `point`, `filled` or `hollow`.
    pub shape: String,
    /// Colour and pattern of a bar or a point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// Value and interval.
    pub estimate: Option<EstimateData>,
    /// Value and interval as text.
    pub value: String,
    /// Ends of the shaded region; `None` for an end without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<[Option<f64>; 2]>,
    /// A judgement.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outcome: String,
}

/// A chart of curves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvesData {
    /// The meaning of what is drawn.
    pub caption: String,
    /// Label of the horizontal axes.
    pub across: String,
    /// Label of the vertical axes.
    pub up: String,
    /// Number of points of the longest line that are left out.
    pub thinned: usize,
    /// The sections.
    pub sections: Vec<CurveSectionData>,
}

/// Panels under a title.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurveSectionData {
    /// The title; empty for none.
    pub title: String,
    /// The panels.
    pub panels: Vec<PanelData>,
}

/// One panel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PanelData {
    /// The title, e.g. a game.
    pub title: String,
    /// A value to compare with, and its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<(String, f64)>,
    /// The lines.
    pub lines: Vec<LineData>,
}

/// One line, as columns of equal length; numbers have five digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineData {
    /// Label of the arm.
    pub label: String,
    /// Colour and pattern.
    pub mark: Mark,
    /// Places along the horizontal axis.
    pub x: Vec<f64>,
    /// Values.
    pub y: Vec<f64>,
    /// Lower ends of the band; empty if no point has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub low: Vec<Option<f64>>,
    /// Upper ends of the band.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub high: Vec<Option<f64>>,
}

/// A value of `diagnostics.csv` over the course of training on one game.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiagnosticData {
    /// Name in the file, e.g. `dormant/all`.
    pub name: String,
    /// The game.
    pub game: String,
    /// The arms that have it.
    pub lines: Vec<DiagnosticLine>,
}

/// A diagnostic of an arm: the mean over its runs at each step at which all of them have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiagnosticLine {
    /// Name of the arm.
    pub arm: String,
    /// Runs that have it.
    pub runs: usize,
    /// Agent steps.
    pub x: Vec<f64>,
    /// Values.
    pub y: Vec<f64>,
}

/// The settings of the runs by their keys, as in `--set`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SettingsData {
    /// Settings that all runs have in common. Of the random policy, only settings of the environment count.
    pub common: BTreeMap<String, String>,
    /// The other settings of each arm, by its name. Settings that differ between the runs of an arm (game, seed) are left out.
    pub arms: BTreeMap<String, BTreeMap<String, String>>,
    /// Settings that were changed with `--set` and differ from the profile.
    pub changed: Vec<String>,
}

/// The processes that trained the runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProvenanceData {
    /// Processes that are alike, in the order of the runs.
    pub processes: Vec<ProcessData>,
    /// Start of the first process, as in RFC 3339.
    pub first_started: Option<String>,
    /// End of the last one.
    pub last_ended: Option<String>,
    /// Largest resident memory of a process in bytes.
    pub peak_memory: Option<u64>,
}

/// Build, machine and settings of a process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProcessData {
    /// Commit, `+changes` if the files differed from it; `unknown` without git.
    pub build: String,
    /// Name of the machine.
    pub host: Option<String>,
    /// Name of the processor or of the graphics card.
    pub device_name: Option<String>,
    /// Device, e.g. `cpu`.
    pub device: String,
    /// Instruction set of the CPU engine.
    pub instruction_set: Option<String>,
    /// Threads.
    pub threads: usize,
    /// Number of runs with such a process.
    pub runs: usize,
}
