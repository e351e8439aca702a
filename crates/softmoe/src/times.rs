//! The time of an update, from the files of a run.

use serde::Deserialize;
use softmoe_config::{DiagnosticRow, RunDirectory};

/// The columns of `metrics.csv` that count.
#[derive(Deserialize)]
struct Updates {
    updates: Option<u64>,
}

/// Mean time of an update of the run in `directory`, in seconds; `None` if its files do not tell.
pub(crate) fn update_seconds(directory: &RunDirectory) -> Option<f64> {
    let mut metrics = csv::Reader::from_path(directory.metrics_csv()).ok()?;
    let updates = metrics.deserialize::<Updates>().filter_map(|row| row.ok()?.updates).max()?;
    let mut diagnostics = csv::Reader::from_path(directory.diagnostics_csv()).ok()?;
    let rows = diagnostics.deserialize::<DiagnosticRow>().flatten();
    let seconds: f64 = rows.filter(|row| row.name == "time/update").map(|row| row.value).sum();
    (updates > 0 && seconds > 0.0).then(|| seconds / updates as f64)
}
