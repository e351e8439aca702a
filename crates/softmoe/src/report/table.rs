//! The table and the verdict as text, and the raw scores as CSV.

use super::data::TextTable;
use super::{Judgement, Outcome, Raw, Report, Verdict, cost};
use crate::collect::RunName;
use crate::normalise::Measure;
use crate::statistics::{Estimate, Interval, Summary};
use crate::text;
use comfy_table::Table;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// `table.md`.
pub fn markdown(report: &Report) -> String {
    let mut text = format!("# {}\n\n{}.\n\n", report.title, report.caption);
    if let Some(devices) = report.collection.devices_sentence() {
        let _ = write!(text, "{devices}\n\n");
    }
    let table = scores_text(report);
    rows_of(&mut text, &table);
    let _ = write!(text, "\n{}\n", table.note);
    if report.verdict.outcome == Outcome::NotApplicable {
        let _ = write!(text, "\nThe claim is {}.\n", report.verdict.sentence());
    }
    list(&mut text, &with_constant_note(report.caution.iter().chain(&report.notes).cloned()));
    costs(&mut text, report);
    text
}

/// The table of scores.
pub(super) fn scores_text(report: &Report) -> TextTable {
    let mut header = vec![
        "arm".to_owned(),
        "IQM".to_owned(),
        "IQM, second half".to_owned(),
        "mean".to_owned(),
        "median".to_owned(),
        "optimality gap".to_owned(),
    ];
    header.push(format!("P(better than {})", report.reference_words()));
    header.extend(report.games.iter().map(|game| game.name().to_owned()));
    header.push("runs".to_owned());
    let mut rows = Vec::new();
    for arm in &report.arms {
        let aggregates = match arm.summary {
            Some(summary) => [
                summary.interquartile_mean.to_string(),
                optional(arm.second_half),
                summary.mean.to_string(),
                summary.median.to_string(),
                summary.optimality_gap.to_string(),
            ],
            None => [(); 5].map(|()| absent()),
        };
        let mut cells = vec![arm.label.clone()];
        cells.extend(aggregates);
        cells.push(optional(arm.improvement));
        cells.extend(arm.raw.iter().map(raw));
        cells.push(arm.runs.to_string());
        rows.push(cells);
    }
    let note = format!(
        "{} IQM, mean, median and optimality gap (lower is better) are computed from normalised scores of the final evaluation, \
         \"IQM, second half\" from the mean return of the evaluations in the second half of training. The game columns are \
         raw returns: mean ± standard deviation over seeds. Brackets: 95% stratified bootstrap intervals, with the \
         uncertainty of the scale. P: probability that a run scores higher than one of {}.",
        report.scale(),
        report.reference_words()
    );
    TextTable { header, rows, note }
}

/// The rows of a table in Markdown.
fn rows_of(text: &mut String, table: &TextTable) {
    row(text, &table.header);
    row(text, &vec!["---".to_owned(); table.header.len()]);
    table.rows.iter().for_each(|cells| row(text, cells));
}

/// The table of costs; empty without runs.
pub(super) fn cost_text(report: &Report) -> TextTable {
    let mut rows = cost::rows(report).into_iter();
    let header = rows.next().unwrap_or_default();
    let note = "Multiply-adds: products and convolutions in the forward pass of one observation. The time of an update is the mean over the \
                runs; runs that ran at the same time on one machine slow each other down.";
    TextTable { header, rows: rows.collect(), note: note.to_owned() }
}

/// The cost of each arm beside its score.
fn costs(text: &mut String, report: &Report) {
    let table = cost_text(report);
    if table.rows.is_empty() {
        return;
    }
    text.push_str("\n## Cost\n\n");
    rows_of(text, &table);
    let _ = write!(text, "\n{}\n", table.note);
}

/// The notes of a report: its own `notes`, then those of every report.
pub(super) fn with_constant_note(notes: impl IntoIterator<Item = String>) -> Vec<String> {
    let always = "Arms with the same seed share environment seeds but are treated as independent.";
    notes.into_iter().chain([always.to_owned()]).collect()
}

/// `verdict.md`.
pub fn verdict_markdown(report: &Report) -> String {
    let Verdict { claim, premise, judgements, .. } = &report.verdict;
    let mut text = format!(
        "# {}: {}\n\n{}.\n\n**Claim.** {claim}\n\n",
        report.title,
        report.verdict.sentence(),
        report.caption
    );
    if let Some(caution) = &report.caution {
        let _ = write!(text, "**Caution.** {caution}\n\n");
    }
    let difference =
        if report.normalisation.is_interquartile() { "difference of IQMs" } else { "difference of means" };
    let header = ["says", difference, "value", "supported if", "verdict", "power"];
    row(&mut text, &header.map(str::to_owned));
    row(&mut text, &["---"; 6].map(str::to_owned));
    for (kind, judgement) in rules(premise.as_ref(), judgements) {
        let Judgement { says, difference, asks, power, .. } = judgement;
        let power = power.clone().unwrap_or_else(absent);
        let cells = [format!("{kind}{says}"), difference.clone(), value(judgement), asks.clone()];
        row(&mut text, &[cells.as_slice(), &[outcome_of(judgement), power]].concat());
    }
    let _ = write!(text, "\n{}\n", method(report));
    if !report.leaves_out.is_empty() {
        text.push_str("\n## Deviations of this profile from the paper's protocol\n");
        list(&mut text, &report.leaves_out);
    }
    text.push_str("\n## Notes\n");
    list(&mut text, &with_constant_note(report.notes.iter().cloned()));
    text
}

/// How the rules of a verdict are judged.
pub(super) fn method(report: &Report) -> String {
    let mut text = format!(
        "{} {} A rule is contradicted at 5% after Holm's correction for the number of rules. The claim is contradicted if any rule \
         is, and supported if every rule is. Power: how often a rule would be supported with as many runs, given the spread \
         between seeds that these have.",
        report.scale(),
        if report.normalisation.is_interquartile() { OF_IQMS } else { OF_MEANS }
    );
    if report.verdict.premise.is_some() {
        text.push_str("\nThe claim applies only if its premise is supported.");
    }
    text
}

/// The values of the verdict's table, where the reference's score is 1 or the games define the unit.
const OF_MEANS: &str = "Values are differences of mean normalised scores. Brackets: t intervals (95%; 90% for rules with a margin) with the \
                        uncertainty of the scale.";

/// The same for human-normalised scores.
const OF_IQMS: &str = "Values are differences of interquartile means (IQM), since a mean of human-normalised scores is the score of a few games. \
                       Brackets: t intervals (95%; 90% for rules with a margin). A margin is a share of the reference's IQM; its test \
                       includes the uncertainty of that IQM.";

/// The premise and the rules, each with the words that tell them apart.
fn rules<'a>(
    premise: Option<&'a Judgement>,
    judgements: &'a [Judgement],
) -> impl Iterator<Item = (&'static str, &'a Judgement)> {
    premise.map(|premise| ("premise: ", premise)).into_iter().chain(judgements.iter().map(|rule| ("", rule)))
}

/// The value of a rule; the level of its interval where it is not 95%.
pub(super) fn value(judgement: &Judgement) -> String {
    let text = optional(judgement.estimate);
    let has_interval = judgement.estimate.is_some_and(|estimate| estimate.interval.is_some());
    if has_interval && judgement.confidence != 0.95 {
        format!("{text} ({:.0}%)", 100.0 * judgement.confidence)
    } else {
        text
    }
}

/// Table, notes and verdict for a terminal of `width` columns.
pub fn terminal(report: &Report, width: u16) -> String {
    let table = scores_table(report, width);
    let wrap = |text: &str| text::wrapped(text, width);
    let mut text =
        format!("{}\n{}\n{table}\n{}\n", report.title, wrap(&report.caption), wrap(&report.scale()));
    if let Some(devices) = report.collection.devices_sentence() {
        let _ = writeln!(text, "{}", wrap(&devices));
    }
    for note in &report.notes {
        let _ = writeln!(text, "{}", wrap(&format!("warning: {note}")));
    }

    let Verdict { claim, premise, judgements, .. } = &report.verdict;
    let mut table = text::table(width);
    table.set_header(["rule", "difference [95%]", "supported if", "verdict"]);
    for (kind, judgement) in rules(premise.as_ref(), judgements) {
        let Judgement { says, asks, .. } = judgement;
        table.add_row([format!("{kind}{says}"), value(judgement), asks.clone(), outcome_of(judgement)]);
    }
    let sentence = report.verdict.sentence();
    let verdict = match sentence.strip_prefix("not applicable at this size") {
        Some(reason) => format!("Verdict: not applicable at this size{reason}"),
        None => format!("Verdict at this size: {sentence}"),
    };
    let _ = write!(text, "\n{}\n{table}\n{verdict}\n", wrap(&format!("Claim: {claim}")));
    if let Some(caution) = &report.caution {
        let _ = writeln!(text, "{}", wrap(&format!("caution: {caution}")));
    }
    text
}

/// `scores.csv`: the columns `arm,game,seed,agent_steps,score,second_half,normalised_score`, one row a finished run: the mean return of the
/// final evaluation, that of the evaluations in the second half of training (empty without a learning curve), and the normalised score
/// (empty where the aggregates leave out the game or the arm). `docs/results.md` turns it into rliable's matrices.
///
/// # Errors
///
/// As the CSV writer.
pub fn scores_csv(report: &Report) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "arm",
        "game",
        "seed",
        "agent_steps",
        "score",
        "second_half",
        "normalised_score",
    ])?;
    let normalised = normalised_scores(report);
    for run in &report.collection.finished {
        let (seed, steps) = (run.name.seed.to_string(), run.agent_steps.to_string());
        let late = Measure::SecondHalf.of(run).map(|value| value.to_string()).unwrap_or_default();
        let normalised = normalised.get(&run.name).map(f64::to_string).unwrap_or_default();
        let row =
            [&run.name.arm, run.name.game.name(), &seed, &steps, &run.score.to_string(), &late, &normalised];
        writer.write_record(row)?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// The normalised score of each run that has one.
fn normalised_scores(report: &Report) -> BTreeMap<RunName, f64> {
    let mut normalised = BTreeMap::new();
    for arm in &report.arms {
        let Some(scores) = report.normalisation.scores(&arm.name) else { continue };
        for (&game, task) in report.normalisation.games().iter().zip(scores.tasks()) {
            let names = report.collection.of(&arm.name, game).map(|run| run.name.clone());
            normalised.extend(names.zip(task.iter().copied()));
        }
    }
    normalised
}

/// `aggregates.csv`: the columns `arm,statistic,value,low,high`, the aggregates of `table.md` with all their digits. Without an interval, `low`
/// and `high` are empty.
///
/// # Errors
///
/// As the CSV writer.
pub fn aggregates_csv(report: &Report) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["arm", "statistic", "value", "low", "high"])?;
    for arm in &report.arms {
        let summary = |of: fn(&Summary) -> Estimate| arm.summary.as_ref().map(of);
        for (statistic, estimate) in [
            ("iqm", summary(|summary| summary.interquartile_mean)),
            ("iqm_second_half", arm.second_half),
            ("mean", summary(|summary| summary.mean)),
            ("median", summary(|summary| summary.median)),
            ("optimality_gap", summary(|summary| summary.optimality_gap)),
            ("probability_of_improvement", arm.improvement),
        ] {
            let Some(Estimate { point, interval }) = estimate else { continue };
            let [low, high] = interval.map_or_else(Default::default, |Interval { low, high }| {
                [low, high].map(|end| end.to_string())
            });
            writer.write_record([&arm.name, statistic, &point.to_string(), &low, &high])?;
        }
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// The table of scores, limited to `width` columns: if they do not fit, only `table.md` has the raw scores of the games and
/// the intervals of the probability of improvement.
fn scores_table(report: &Report, width: u16) -> Table {
    let better = format!("P(> {})", report.reference_words());
    let rows = |games: usize, intervals: bool| {
        let mut header = vec!["arm".to_owned(), "IQM [95%]".to_owned(), better.clone()];
        header.extend(report.games.iter().take(games).map(|game| game.name().replace('_', " ")));
        let mut rows = vec![header];
        for arm in &report.arms {
            let iqm = arm.summary.map(|summary| summary.interquartile_mean);
            let improvement = arm
                .improvement
                .map(|estimate| Estimate { interval: estimate.interval.filter(|_| intervals), ..estimate });
            let mut cells = vec![arm.label.clone(), optional(iqm), optional(improvement)];
            cells.extend(arm.raw.iter().take(games).map(raw));
            rows.push(cells);
        }
        rows
    };
    let all = report.games.len();
    let mut fitting = [(all, true), (all, false), (0, true)].into_iter().map(|(games, p)| rows(games, p));
    let fitting = fitting.find(|rows| natural_width(rows) <= usize::from(width));
    let mut rows = fitting.unwrap_or_else(|| rows(0, false)).into_iter();
    let mut table = text::table(width);
    table.set_header(rows.next().unwrap_or_default()).add_rows(rows);
    table
}

/// Columns of a table in which nothing is wrapped: every column has a space on either side and a line or space to
/// its left, and the last a line to its right.
fn natural_width(rows: &[Vec<String>]) -> usize {
    let columns = rows.first().map_or(0, Vec::len);
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    (0..columns).map(|column| widest(column) + 3).sum::<usize>() + 1
}

fn outcome_of(judgement: &Judgement) -> String {
    match &judgement.why {
        Some(why) => format!("{}: {why}", judgement.outcome),
        None => judgement.outcome.to_string(),
    }
}

/// `3.20 ± 0.40`, `3.20`, or a dash.
fn raw(raw: &Raw) -> String {
    match (raw.runs, raw.deviation) {
        (0, _) => absent(),
        (_, Some(deviation)) => format!("{:.2} ± {deviation:.2}", raw.mean),
        (_, None) => format!("{:.2}", raw.mean),
    }
}

fn optional(estimate: Option<Estimate>) -> String {
    estimate.map_or_else(absent, |estimate| estimate.to_string())
}

fn absent() -> String {
    "–".to_owned()
}

fn row(text: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

fn list(text: &mut String, items: &[String]) {
    if !items.is_empty() {
        text.push('\n');
    }
    for item in items {
        let _ = writeln!(text, "- {}", item.replace('\n', " "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::Collection;
    use crate::normalise::Normalisation;
    use crate::report::{ArmReport, Report};
    use crate::statistics::{Interval, Summary};
    use softmoe_config::{Game, MinAtarGame};

    fn report(label: &str) -> Report {
        let estimate = Estimate { point: 0.5, interval: Some(Interval { low: -0.25, high: 0.75 }) };
        let summary = Summary {
            interquartile_mean: estimate,
            mean: estimate,
            median: estimate,
            optimality_gap: estimate,
        };
        let arm = ArmReport {
            name: "a".into(),
            label: label.into(),
            group: String::new(),
            mark: None,
            runs: 3,
            summary: Some(summary),
            second_half: Some(estimate),
            improvement: Some(estimate),
            raw: vec![Raw { runs: 3, mean: 15.0, deviation: Some(4.5) }; 2],
        };
        Report {
            figure: "fig".into(),
            profile: "tiny".into(),
            purpose: String::new(),
            agent_steps: softmoe_config::AgentSteps(100),
            title: "title".into(),
            caption: "caption".into(),
            caption_of_all_games: "caption".into(),
            reference: "flat".into(),
            own_references: false,
            games: vec![MinAtarGame::Breakout, MinAtarGame::SpaceInvaders]
                .into_iter()
                .map(Game::MinAtar)
                .collect(),
            arms: vec![arm],
            verdict: Verdict {
                claim: "claim".into(),
                premise: None,
                judgements: Vec::new(),
                outcome: Outcome::NotJudged,
            },
            leaves_out: Vec::new(),
            caution: None,
            normalisation: Normalisation::default(),
            notes: Vec::new(),
            collection: Collection {
                finished: Vec::new(),
                left_out: Vec::new(),
                missing: Vec::new(),
                warnings: Vec::new(),
            },
        }
    }

    /// Each row of the table is one line as long as the table's columns fit at all.
    #[test]
    fn a_narrow_terminal_gets_fewer_columns_rather_than_broken_ones() {
        let report = report("SoftMoE-4, one more layer");
        let table = |width: u16| scores_table(&report, width).to_string();
        for width in 50..130 {
            let table = table(width);
            assert!(table.lines().all(|line| line.chars().count() <= usize::from(width)), "{table}");
            assert!(width < 64 || table.lines().count() == 5, "{width}:\n{table}");
        }
        assert!(table(120).contains("15.00 ± 4.50"));
        assert_eq!(table(120).matches("[-0.25, 0.75]").count(), 2);
        assert!(table(95).contains("15.00 ± 4.50"));
        assert_eq!(table(95).matches("[-0.25, 0.75]").count(), 1);
        assert!(!table(80).contains("15.00 ± 4.50"));
        assert_eq!(table(80).matches("[-0.25, 0.75]").count(), 2);
    }
}
