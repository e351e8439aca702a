//! The files of a run and their columns, as the worker writes them and the runner and the reporter read them.

use crate::{AgentSteps, RunConfig};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const CHECKPOINT_PREFIX: &str = "step-";
/// Extension of a checkpoint's name.
pub const CHECKPOINT_EXTENSION: &str = "ckpt";

/// Directory of a run, and the names of the files in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDirectory(PathBuf);

impl RunDirectory {
    /// The run directory at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        RunDirectory(path.into())
    }

    /// The directory of `config`'s run: `root/<profile>/<arm>/<game>/seed-<k>`.
    pub fn of(root: &Path, config: &RunConfig) -> Self {
        let directory = root.join(&config.profile).join(&config.arm).join(config.environment.game().name());
        RunDirectory(directory.join(format!("seed-{}", config.seed)))
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The resolved configuration, written first ([`RunConfig`]). `run.json` beside it holds the same.
    pub fn run_ron(&self) -> PathBuf {
        self.0.join("run.ron")
    }

    /// One row an evaluation, appended and flushed.
    pub fn metrics_csv(&self) -> PathBuf {
        self.0.join("metrics.csv")
    }

    /// More numbers of every evaluation, one a row.
    pub fn diagnostics_csv(&self) -> PathBuf {
        self.0.join("diagnostics.csv")
    }

    /// The numbers of both files for TensorBoard, which knows its files by `tfevents` in their names.
    pub fn events(&self) -> PathBuf {
        self.0.join("events.out.tfevents")
    }

    /// The last two checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoint")
    }

    /// Agent steps of the newest checkpoint, by its name; `None` without a checkpoint.
    pub fn newest_checkpoint(&self) -> Option<AgentSteps> {
        let entries = self.checkpoints().read_dir().ok()?;
        entries.flatten().filter_map(|entry| checkpoint_steps(entry.file_name().to_str()?)).max()
    }

    /// The file that a worker holds locked while it trains the run, so that no second one does.
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// The trained weights, written when the run ends.
    pub fn weights(&self) -> PathBuf {
        self.0.join("weights.safetensors")
    }

    /// The worker's standard error, appended over all resumptions.
    pub fn stderr_log(&self) -> PathBuf {
        self.0.join("stderr.log")
    }

    /// The result, written last ([`Done`](crate::Done)). `done.json` beside it holds the same.
    pub fn done_ron(&self) -> PathBuf {
        self.0.join("done.ron")
    }
}

/// File name of the checkpoint after `steps` agent steps, e.g. `step-000000012345.ckpt`. Names sort by steps.
pub fn checkpoint_name(steps: AgentSteps) -> String {
    format!("{CHECKPOINT_PREFIX}{:012}.{CHECKPOINT_EXTENSION}", steps.0)
}

/// Agent steps of the checkpoint of this file name, e.g. `step-000000012345.ckpt`; none for another file.
pub fn checkpoint_steps(name: &str) -> Option<AgentSteps> {
    let steps =
        name.strip_prefix(CHECKPOINT_PREFIX)?.strip_suffix(CHECKPOINT_EXTENSION)?.strip_suffix('.')?;
    steps.parse().ok().map(AgentSteps)
}

/// Row of `metrics.csv`, whose fields are the columns. The last two are times, which differ from run to run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricsRow {
    /// Agent steps trained.
    pub agent_steps: AgentSteps,
    /// Training episodes finished.
    pub episodes: u64,
    /// Mean return of the training episodes that finished since the last row.
    pub training_return: Option<f64>,
    /// Mean return of the evaluation's episodes.
    pub evaluation_return: f64,
    /// Updates made.
    pub updates: u64,
    /// Mean loss of the updates since the last row.
    pub loss: Option<f64>,
    /// Agent steps a second since the last row, without evaluation.
    pub agent_steps_per_second: f64,
    /// Seconds of wall time, over all resumptions.
    pub wall_seconds: f64,
}

/// Point of a learning curve: the columns of a [`MetricsRow`] that make one. A reader may find more columns, or fewer values.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct CurvePoint {
    /// Agent steps trained.
    pub agent_steps: AgentSteps,
    /// Mean return of the evaluation's episodes.
    pub evaluation_return: Option<f64>,
    /// Agent steps a second since the point before.
    #[serde(default)]
    pub agent_steps_per_second: Option<f64>,
}

/// The points in the `metrics.csv` at `path`, in order of agent steps.
///
/// # Errors
///
/// A text, if the file cannot be read or a row is invalid.
pub fn read_points(path: &Path) -> Result<Vec<CurvePoint>, String> {
    let mut points: Vec<CurvePoint> = read_metrics(path)?;
    points.sort_by_key(|point| point.agent_steps);
    Ok(points)
}

/// The rows of the `metrics.csv` at `path`, each with the columns that `Row` names.
pub(crate) fn read_metrics<Row: DeserializeOwned>(path: &Path) -> Result<Vec<Row>, String> {
    let explain = |error: csv::Error| format!("cannot read metrics.csv: {error}");
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(explain)?;
    reader.deserialize().collect::<Result<_, _>>().map_err(explain)
}

/// Row of `diagnostics.csv`. Values whose name begins with `time/` or `speed/` differ from run to run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DiagnosticRow {
    /// Agent steps trained.
    pub agent_steps: AgentSteps,
    /// Name of the value.
    pub name: String,
    /// The value.
    pub value: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_are_found_by_their_names() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDirectory::new(root.path());
        assert_eq!(run.newest_checkpoint(), None);
        std::fs::create_dir(run.checkpoints()).unwrap();
        for steps in [900, 12_345, 1_000].map(AgentSteps) {
            std::fs::write(run.checkpoints().join(checkpoint_name(steps)), "").unwrap();
        }
        for other in ["step-x.ckpt", "step-99999", "rows-000000099999.ckpt", ".writing-1"] {
            std::fs::write(run.checkpoints().join(other), "").unwrap();
        }
        assert_eq!(run.newest_checkpoint(), Some(AgentSteps(12_345)));
        assert_eq!(checkpoint_name(AgentSteps(5)), "step-000000000005.ckpt");
        assert_eq!(checkpoint_steps("step-000000000005.ckpt"), Some(AgentSteps(5)));
    }

    /// A row that is written is read as a point of the curve, by the names of its columns.
    #[test]
    fn a_row_has_the_columns_of_a_curve() {
        let row = MetricsRow {
            agent_steps: AgentSteps(100),
            episodes: 2,
            training_return: None,
            evaluation_return: 1.5,
            updates: 25,
            loss: Some(0.5),
            agent_steps_per_second: 1e3,
            wall_seconds: 0.1,
        };
        let point: CurvePoint = serde_json::from_value(serde_json::to_value(row).unwrap()).unwrap();
        let expected = CurvePoint {
            agent_steps: AgentSteps(100),
            evaluation_return: Some(1.5),
            agent_steps_per_second: Some(1e3),
        };
        assert_eq!(point, expected);
    }
}
