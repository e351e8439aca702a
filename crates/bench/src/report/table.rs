//! The table and the verdict as text, and the raw scores as CSV.

use super::{Judgement, Raw, Report, Verdict};
use crate::statistics::Estimate;
use comfy_table::{ContentArrangement, Table, presets};
use std::fmt::Write as _;

/// `table.md`.
pub fn markdown(report: &Report) -> String {
    let mut text = format!("# {}\n\n{}.\n\n", report.title, report.caption);
    let mut header = vec![
        "arm".to_owned(),
        "IQM".to_owned(),
        "mean".to_owned(),
        "median".to_owned(),
        "optimality gap".to_owned(),
    ];
    header.push(format!("P(better than {})", report.reference));
    header.extend(report.games.iter().map(|game| game.name().to_owned()));
    header.push("runs".to_owned());
    row(&mut text, &header);
    row(&mut text, &vec!["---".to_owned(); header.len()]);
    for arm in &report.arms {
        let aggregates = match arm.summary {
            Some(summary) => {
                [summary.interquartile_mean, summary.mean, summary.median, summary.optimality_gap]
                    .map(|estimate| estimate.to_string())
            }
            None => [(); 4].map(|()| absent()),
        };
        let mut cells = vec![arm.label.clone()];
        cells.extend(aggregates);
        cells.push(optional(arm.improvement));
        cells.extend(arm.raw.iter().map(raw));
        cells.push(arm.runs.to_string());
        row(&mut text, &cells);
    }
    let _ = write!(
        text,
        "\n{} IQM, mean, median and optimality gap (lower is better) are of normalised scores, the columns of the \
         games raw: mean ± standard deviation over seeds. Brackets: 95% stratified bootstrap intervals, the scale \
         being taken as given. P: probability that a run scores higher than one of {}.\n",
        report.scale(),
        report.reference
    );
    list(&mut text, &report.notes);
    text
}

/// `verdict.md`.
pub fn verdict_markdown(report: &Report) -> String {
    let Verdict { claim, judgements, outcome } = &report.verdict;
    let mut text = format!("# {}: {outcome}\n\n{}.\n\n**Claim.** {claim}\n\n", report.title, report.caption);
    row(&mut text, &["says", "difference of IQMs", "value", "supported if", "verdict"].map(str::to_owned));
    row(&mut text, &["---"; 5].map(str::to_owned));
    for judgement in judgements {
        let Judgement { says, difference, asks, .. } = judgement;
        let value = optional(judgement.estimate);
        row(&mut text, &[says.clone(), difference.clone(), value, asks.clone(), outcome_of(judgement)]);
    }
    let _ = write!(
        text,
        "\n{} Brackets: 95% stratified bootstrap intervals of the difference, each for itself (not corrected for the \
         number of rules). The whole claim is contradicted if a part is, and supported if every part is.\n",
        report.scale()
    );
    if !report.leaves_out.is_empty() {
        text.push_str("\n## What this profile leaves out of the paper's protocol\n");
        list(&mut text, &report.leaves_out);
    }
    if !report.notes.is_empty() {
        text.push_str("\n## Notes\n");
        list(&mut text, &report.notes);
    }
    text
}

/// Games whose raw scores still fit a terminal; more of them are in `table.md` alone.
const MOST_GAMES: usize = 2;

/// Table, notes and verdict for a terminal of `width` columns.
pub fn terminal(report: &Report, width: u16) -> String {
    let mut table = grid(width);
    let better = format!("P(> {})", report.reference);
    let mut header = vec!["arm".to_owned(), "IQM [95%]".to_owned(), better];
    let games = if report.games.len() <= MOST_GAMES { report.games.len() } else { 0 };
    header.extend(report.games.iter().take(games).map(|game| game.name().replace('_', " ")));
    table.set_header(header);
    for arm in &report.arms {
        let iqm = arm.summary.map(|summary| summary.interquartile_mean);
        let mut cells = vec![arm.label.clone(), optional(iqm), optional(arm.improvement)];
        cells.extend(arm.raw.iter().take(games).map(raw));
        table.add_row(cells);
    }
    let wrap = |text: &str| wrapped(text, usize::from(width));
    let mut text = format!("{}\n{}\n{table}\n{}\n", report.title, wrap(&report.caption), report.scale());
    for note in &report.notes {
        let _ = writeln!(text, "{}", wrap(&format!("warning: {note}")));
    }

    let Verdict { claim, judgements, outcome } = &report.verdict;
    let mut rules = grid(width);
    rules.set_header(["rule", "difference [95%]", "supported if", "verdict"]);
    for judgement in judgements {
        let Judgement { says, asks, estimate, .. } = judgement;
        rules.add_row([says.clone(), optional(*estimate), asks.clone(), outcome_of(judgement)]);
    }
    let _ =
        write!(text, "\n{}\n{rules}\nVerdict at this size: {outcome}\n", wrap(&format!("Claim: {claim}")));
    text
}

/// `scores.csv`: the columns `arm,game,seed,agent_steps,score`, one row a finished run.
///
/// # Errors
///
/// As the CSV writer.
pub fn scores_csv(report: &Report) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["arm", "game", "seed", "agent_steps", "score"])?;
    for run in &report.collection.finished {
        let (seed, steps) = (run.name.seed.to_string(), run.agent_steps.to_string());
        let row = [&run.name.arm, run.name.game.name(), &seed, &steps, &run.score.to_string()];
        writer.write_record(row)?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn grid(width: u16) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width);
    table
}

/// `text` in lines of at most `width` characters, where its words allow it.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

fn outcome_of(judgement: &Judgement) -> String {
    let outcome = judgement.outcome.map_or_else(|| "not judged".to_owned(), |outcome| outcome.to_string());
    match &judgement.why {
        Some(why) => format!("{outcome}: {why}"),
        None => outcome,
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
