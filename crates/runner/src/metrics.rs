//! The files that a run appends to at every evaluation: `metrics.csv`, `diagnostics.csv`, and TensorBoard's events, which
//! repeat both.

use crate::RunError;
use crate::appended::{Appended, Written};
use crate::tensorboard;
use serde::{Deserialize, Serialize};
use softmoe_agents::diagnostics::Diagnostic;
use softmoe_config::{AgentSteps, DiagnosticRow, MetricsRow, RunDirectory};
use std::time::SystemTime;

/// Length and checksum of each file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Positions {
    /// `metrics.csv`.
    pub metrics: Written,
    /// `diagnostics.csv`.
    pub diagnostics: Written,
    /// TensorBoard's events.
    pub events: Written,
}

/// The files, open to append.
#[derive(Debug)]
pub struct Metrics {
    metrics: Appended,
    diagnostics: Appended,
    events: Appended,
}

impl Metrics {
    /// Opens the files of a run at `positions`, which are zero for a new run. Later bytes were written after the checkpoint
    /// and will be written again: they are cut off.
    ///
    /// # Errors
    /// If a file cannot be opened, is shorter, or has changed before its position.
    pub fn open(directory: &RunDirectory, positions: Positions) -> Result<Self, RunError> {
        let mut metrics = Metrics {
            metrics: Appended::open(directory.metrics_csv(), positions.metrics)?,
            diagnostics: Appended::open(directory.diagnostics_csv(), positions.diagnostics)?,
            events: Appended::open(directory.events(), positions.events)?,
        };
        metrics.metrics.begin_rows::<MetricsRow>("the header of metrics.csv")?;
        metrics.diagnostics.begin_rows::<DiagnosticRow>("the header of diagnostics.csv")?;
        if positions.events.len == 0 {
            metrics.events.append(&tensorboard::file_version(SystemTime::now()))?;
        }
        Ok(metrics)
    }

    /// Appends an evaluation to every file, and puts its row of `metrics.csv` on disk.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn append(&mut self, row: &MetricsRow, diagnostics: &[Diagnostic]) -> Result<(), RunError> {
        self.metrics.append_rows([row], "a row of metrics.csv")?;
        self.metrics.sync()?;
        let agent_steps = row.agent_steps;
        let scalars = scalars(row);
        let scalars = scalars.iter().copied().chain(diagnostics.iter().map(|d| (d.name.as_str(), d.value)));
        self.events.append(&tensorboard::scalars(SystemTime::now(), agent_steps, scalars))?;
        let rows = diagnostics.iter().cloned();
        let rows = rows.map(|Diagnostic { name, value }| DiagnosticRow { agent_steps, name, value });
        self.diagnostics.append_rows(rows, "a row of diagnostics.csv")
    }

    /// Appends diagnostics to the files that have them, apart from an evaluation.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn append_diagnostics(
        &mut self,
        agent_steps: AgentSteps,
        diagnostics: &[Diagnostic],
    ) -> Result<(), RunError> {
        let scalars = diagnostics.iter().map(|d| (d.name.as_str(), d.value));
        self.events.append(&tensorboard::scalars(SystemTime::now(), agent_steps, scalars))?;
        let rows = diagnostics.iter().cloned();
        let rows = rows.map(|Diagnostic { name, value }| DiagnosticRow { agent_steps, name, value });
        self.diagnostics.append_rows(rows, "a row of diagnostics.csv")
    }

    /// Puts everything on disk.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn sync(&mut self) -> Result<Positions, RunError> {
        for file in [&mut self.metrics, &mut self.diagnostics, &mut self.events] {
            file.sync()?;
        }
        Ok(Positions {
            metrics: self.metrics.written(),
            diagnostics: self.diagnostics.written(),
            events: self.events.written(),
        })
    }
}

/// The values of a row, by their names in TensorBoard.
fn scalars(row: &MetricsRow) -> Vec<(&'static str, f64)> {
    let always = [
        ("return/evaluation", row.evaluation_return),
        ("progress/episodes", row.episodes as f64),
        ("progress/updates", row.updates as f64),
        ("progress/wall_seconds", row.wall_seconds),
    ];
    let sometimes = [("return/training", row.training_return), ("learning/mean_loss", row.loss)];
    let present = sometimes.into_iter().filter_map(|(name, value)| Some((name, value?)));
    always.into_iter().chain(present).collect()
}
