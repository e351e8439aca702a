//! The comparisons: rows of the table and of `bench.json`.

use super::works::{Unit, Work};
use anyhow::{Context, Result};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;
use softmoe_config::protocol::Figure;
use std::fs::OpenOptions;
use std::path::Path;

/// A spread (median over best) above which something else probably ran on the machine.
pub(crate) const UNQUIET: f64 = 1.3;
/// Columns of the table where there is no terminal.
const COLUMNS: u16 = 120;

/// The rounds of one side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rounds(Vec<Figure>);

impl Rounds {
    /// A limit instead of a measurement.
    pub(crate) fn of(number: f64) -> Self {
        Rounds(vec![Figure { min: number, max: number, median: number }])
    }

    pub(crate) fn add(&mut self, figure: Figure) {
        self.0.push(figure);
    }

    /// The best round: the shortest time or the highest rate.
    pub(crate) fn best(&self, unit: Unit) -> Option<f64> {
        let (least, most) = (|a: f64, b: f64| a.min(b), |a: f64, b: f64| a.max(b));
        match unit.is_rate() {
            true => self.0.iter().map(|figure| figure.max).reduce(most),
            false => self.0.iter().map(|figure| figure.min).reduce(least),
        }
    }

    /// The spread: the time of the median round over that of the best.
    pub(crate) fn spread(&self, unit: Unit) -> Option<f64> {
        let mut medians: Vec<f64> = self.0.iter().map(|figure| figure.median).collect();
        medians.sort_by(f64::total_cmp);
        let median = *medians.get(medians.len() / 2)?;
        Some(unit.ratio(median, self.best(unit)?))
    }
}

/// One work, compared with one peer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Comparison {
    pub(crate) work: String,
    /// The best of our rounds.
    pub(crate) ours: f64,
    /// The best of the peer's rounds; `None` if the peer was missing.
    pub(crate) peer: Option<f64>,
    /// The peer's name and version.
    pub(crate) peer_name: String,
    pub(crate) unit: &'static str,
    /// The ratio of our time to the peer's, also if `unit` is a rate.
    pub(crate) ratio: Option<f64>,
    /// The largest `ratio` that is good enough; `None` without a target.
    pub(crate) target: Option<f64>,
    /// The spreads: time of the median round over that of the best.
    pub(crate) ours_spread: f64,
    pub(crate) peer_spread: Option<f64>,
    /// Number of cores of each side.
    pub(crate) cores: usize,
    /// The reason for a missing peer.
    pub(crate) missing: Option<String>,
}

impl Comparison {
    pub(crate) fn new(
        work: &Work,
        target: Option<f64>,
        ours: &Rounds,
        peer_name: String,
        peer: &Rounds,
        missing: Option<String>,
    ) -> Result<Comparison> {
        let figure = || format!("softmoe-measure gave no `{}`", work.figure);
        let best = ours.best(work.unit).with_context(figure)?;
        let peer_best = peer.best(work.unit);
        Ok(Comparison {
            work: work.name.clone(),
            ours: best,
            peer: peer_best,
            peer_name,
            unit: work.unit.name(),
            ratio: peer_best.map(|peer| work.unit.ratio(best, peer)),
            target,
            ours_spread: ours.spread(work.unit).with_context(figure)?,
            peer_spread: peer.spread(work.unit),
            cores: 1,
            missing,
        })
    }

    /// Whether the target is met, if there is a target and both sides were measured.
    pub(crate) fn is_met(&self) -> Option<bool> {
        Some(self.ratio? <= self.target?)
    }

    /// Whether something else seems to have run during the rounds of either side.
    pub(crate) fn is_unquiet(&self) -> bool {
        self.ours_spread.max(self.peer_spread.unwrap_or(1.0)) > UNQUIET
    }
}

/// Checks before any measurement that `path` can be written, and keeps its content.
pub(crate) fn check(path: &Path) -> Result<()> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map(drop).with_context(|| unwritable(path))
}

/// Writes `rows` as JSON.
pub(crate) fn write(path: &Path, rows: &[Comparison]) -> Result<()> {
    let text = serde_json::to_string_pretty(rows)? + "\n";
    std::fs::write(path, text).with_context(|| unwritable(path))
}

fn unwritable(path: &Path) -> String {
    format!("cannot write {}: name another file with `--out FILE`", path.display())
}

/// The table.
pub(crate) fn table(rows: &[Comparison]) -> String {
    let head = ["work", "unit", "ours", "peer's", "peer", "ratio", "target", "", "spread"];
    let mut table = new_table(head.into_iter());
    for index in [2, 3, 5, 6, 8] {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut before = "";
    for row in rows {
        // Rows of further peers do not repeat the work.
        let (work, unit) = if row.work == before { ("", "") } else { (row.work.as_str(), row.unit) };
        before = &row.work;
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
        let spread = |spread: f64| format!("{spread:.2}");
        table.add_row([
            work.to_owned(),
            unit.to_owned(),
            if work.is_empty() { String::new() } else { digits(row.ours) },
            or_dash(row.peer.map(digits)),
            row.peer_name.clone(),
            or_dash(row.ratio.map(ratio)),
            or_dash(row.target.map(ratio)),
            row.is_met().map_or("", |met| if met { "✓" } else { "" }).to_owned(),
            format!("{} / {}", spread(row.ours_spread), or_dash(row.peer_spread.map(spread))),
        ]);
    }
    table.to_string()
}

/// An empty table as wide as the terminal, or of [`COLUMNS`].
pub(crate) fn new_table<'a>(head: impl Iterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(terminal_size::terminal_size().map_or(COLUMNS, |(width, _)| width.0)).set_header(head);
    table
}

/// Three digits or more, e.g. `0.0314`, `3.35`, `5,750`.
pub(crate) fn digits(number: f64) -> String {
    match number.abs() {
        size if size >= 1_000.0 => softmoe_config::words::thousands(number.round() as u64),
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size >= 1.0 => format!("{number:.2}"),
        size if size >= 0.1 => format!("{number:.3}"),
        _ => format!("{number:.4}"),
    }
}

/// Two digits or more.
fn ratio(number: f64) -> String {
    if number >= 0.1 { format!("{number:.2}") } else { format!("{number:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(figures: &[[f64; 3]]) -> Rounds {
        Rounds(figures.iter().map(|&[min, max, median]| Figure { min, max, median }).collect())
    }

    fn work(unit: Unit) -> Work {
        Work { name: "step/x".into(), figure: "step", unit, targets: vec![Some(0.25)] }
    }

    #[test]
    fn times_are_compared_by_their_least() {
        let ours = rounds(&[[1.0, 9.0, 2.0], [1.5, 2.0, 1.6]]);
        let peer = rounds(&[[5.0, 9.0, 6.0], [4.0, 9.0, 4.4]]);
        let row =
            Comparison::new(&work(Unit::Milliseconds), Some(0.25), &ours, "JAX".into(), &peer, None).unwrap();
        assert_eq!((row.ours, row.peer, row.ratio), (1.0, Some(4.0), Some(0.25)));
        assert_eq!((row.ours_spread, row.peer_spread), (2.0, Some(1.5)));
        assert_eq!((row.is_met(), row.is_unquiet()), (Some(true), true));
    }

    #[test]
    fn rates_are_compared_by_their_highest() {
        let ours = rounds(&[[4_000.0, 5_000.0, 4_500.0], [4_800.0, 4_900.0, 4_800.0]]);
        let peer = rounds(&[[900.0, 1_000.0, 1_000.0]]);
        let row =
            Comparison::new(&work(Unit::StepsPerSecond), Some(0.1), &ours, "Dopamine".into(), &peer, None)
                .unwrap();
        assert_eq!((row.ours, row.peer, row.ratio), (5_000.0, Some(1_000.0), Some(0.2)));
        assert!((row.ours_spread - 5_000.0 / 4_800.0).abs() < 1e-12);
        assert_eq!((row.is_met(), row.is_unquiet()), (Some(false), false));
    }

    #[test]
    fn a_peer_that_is_not_there_has_no_ratio() {
        let reason = Some("torch: No module named 'torch'".to_owned());
        let none = Rounds::default();
        let ours = rounds(&[[1.0, 1.0, 1.0]]);
        let row =
            Comparison::new(&work(Unit::Milliseconds), Some(0.25), &ours, "PyTorch".into(), &none, reason)
                .unwrap();
        assert_eq!((row.peer, row.ratio, row.is_met()), (None, None, None));
        assert!(table(&[row]).contains("PyTorch"));
        assert!(Comparison::new(&work(Unit::Milliseconds), None, &none, String::new(), &none, None).is_err());
    }

    #[test]
    fn numbers_have_the_digits_that_say_something() {
        let written = [0.0314, 0.123, 3.351, 31.23, 257.4, 5_750.2].map(digits);
        assert_eq!(written, ["0.0314", "0.123", "3.35", "31.2", "257", "5,750"]);
        assert_eq!([0.1429, 0.05, 1.0].map(ratio), ["0.14", "0.050", "1.00"]);
    }
}
