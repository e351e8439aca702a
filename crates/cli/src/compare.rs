//! `cargo xtask compare A B`: the scores of two directories side by side.

use crate::cli::CompareOptions;
use crate::output;
use crate::store::{self, Place};
use anyhow::{Result, bail};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;
use softmoe_config::words::count;
use softmoe_config::{Done, RunDirectory, file};
use softmoe_statistics::{Contrast, Estimate, Runs, Scores, Tasks, average};
use std::collections::BTreeMap;
use std::path::Path;

/// Confidence of the intervals.
const CONFIDENCE: f64 = 0.95;

/// Finished runs by profile, arm and game: the score of each seed.
type ByArm = BTreeMap<[String; 3], BTreeMap<u64, f64>>;

/// An arm on a game in both directories.
struct Row<'a> {
    /// Profile, arm, game.
    name: &'a [String; 3],
    left: Vec<f64>,
    right: Vec<f64>,
    /// Mean on the right less mean on the left, with Welch's interval where both have two runs.
    difference: Estimate,
}

/// Prints the scores of the arms that both directories have.
pub(crate) fn compare(options: &CompareOptions) -> Result<()> {
    let read = |out: &Path| -> Result<ByArm> {
        store::check_out(out)?;
        let scores = scores(&out.join("runs"), options.profile.as_deref());
        if scores.is_empty() {
            bail!("there is no finished run in {}", out.join("runs").display());
        }
        Ok(scores)
    };
    let (left, right) = (read(&options.left)?, read(&options.right)?);
    let rows = rows(&left, &right)?;
    if rows.is_empty() {
        bail!(
            "{} and {} have no arm and game of the same profile in common",
            options.left.display(),
            options.right.display()
        );
    }
    let only =
        |these: &ByArm, others: &ByArm| these.keys().filter(|name| !others.contains_key(*name)).count();
    if options.json {
        output::line(format_args!("{}", in_json(&rows)));
        return Ok(());
    }
    output::line(format_args!("{}", table(&rows)));
    output::line(format_args!(
        "Mean scores, with the number of runs; B - A with Welch's 95% interval, each row for itself.\nA: {}\nB: {}",
        options.left.display(),
        options.right.display()
    ));
    for (name, number) in [("A", only(&left, &right)), ("B", only(&right, &left))] {
        if number > 0 {
            output::line(format_args!("only in {name}: {}", count(number, "arm-game pair")));
        }
    }
    Ok(())
}

fn rows<'a>(left: &'a ByArm, right: &ByArm) -> Result<Vec<Row<'a>>> {
    let mut rows = Vec::new();
    for (name, of_left) in left {
        let Some(of_right) = right.get(name) else { continue };
        let [left, right] = [of_left, of_right].map(|seeds| seeds.values().copied().collect::<Vec<f64>>());
        let scores = |values: &[f64]| Scores::by_task(Tasks(vec![Runs(values.to_vec())]));
        let (a, b) = (scores(&left)?, scores(&right)?);
        let difference = Contrast::of([(1.0, &b), (-1.0, &a)])?.estimate(CONFIDENCE);
        rows.push(Row { name, left, right, difference });
    }
    Ok(rows)
}

fn table(rows: &[Row<'_>]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["profile", "arm", "game", "A", "B", "B - A"]);
    for Row { name: [profile, arm, game], left, right, difference } in rows {
        let mean = |scores: &[f64]| format!("{:.2} ({})", average(scores), scores.len());
        table.add_row([profile, arm, game, &mean(left), &mean(right), &difference.to_string()]);
    }
    table
}

fn in_json(rows: &[Row<'_>]) -> serde_json::Value {
    let row = |row: &Row<'_>| {
        let [profile, arm, game] = row.name;
        let interval = row.difference.interval.map(|interval| [interval.low, interval.high]);
        json!({
            "profile": profile, "arm": arm, "game": game, "a": row.left, "b": row.right,
            "difference": row.difference.point, "interval": interval,
        })
    };
    rows.iter().map(row).collect()
}

/// The finite scores of the finished runs below `root`.
fn scores(root: &Path, only: Option<&str>) -> ByArm {
    let mut scores = ByArm::new();
    for Place { profile, arm, game, seeds } in store::places(root) {
        if only.is_some_and(|only| only != profile) {
            continue;
        }
        for (seed, path) in seeds {
            let done = file::read::<Done>(&RunDirectory::new(path).done_ron()).ok();
            if let Some(done) = done.filter(|done| done.score.is_finite()) {
                let name = [profile.clone(), arm.clone(), game.clone()];
                scores.entry(name).or_default().insert(seed, done.score);
            }
        }
    }
    scores
}
