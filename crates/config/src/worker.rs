//! The contract between the worker (`softmoe-run`) and its readers: exit code, lines of progress, columns of the files that
//! it appends to. Where the files lie is [`RunDirectory`](crate::RunDirectory).

use crate::AgentSteps;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Exit code of a worker that was stopped at a checkpoint, and of a runner that was interrupted (128 + SIGINT).
pub const EXIT_INTERRUPTED: u8 = 130;

/// A phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Playing and learning.
    Train,
    /// Playing with the weights held fixed.
    Evaluate,
    /// Writing a checkpoint.
    Checkpoint,
}

/// As in a line of progress, e.g. `train`.
impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Train => "train",
            Phase::Evaluate => "evaluate",
            Phase::Checkpoint => "checkpoint",
        })
    }
}

/// A line of progress: a JSON object on the worker's standard output (`--progress json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProgressLine {
    /// Agent steps trained.
    pub agent_steps: AgentSteps,
    /// Agent steps of the whole run.
    pub of: AgentSteps,
    /// The latest rate; 0 before the first is measured.
    pub steps_per_second: f64,
    /// Mean return of the latest evaluation.
    pub evaluation_return: Option<f64>,
    /// The phase that the run is in.
    pub phase: Phase,
}

/// A row of `metrics.csv`, one an evaluation. The last two columns are times, and differ from run to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Agent steps a second since the last row, evaluation apart.
    pub agent_steps_per_second: f64,
    /// Seconds of wall time, over all resumptions.
    pub wall_seconds: f64,
}

/// A row of `diagnostics.csv`. Values whose name begins with `time/` or `speed/` differ from run to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiagnosticsRow {
    /// Agent steps trained.
    pub agent_steps: AgentSteps,
    /// Name of the diagnostic.
    pub name: String,
    /// Its value.
    pub value: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_progress_is_one_object_with_plain_numbers() {
        let line = ProgressLine {
            agent_steps: AgentSteps(5),
            of: AgentSteps(10),
            steps_per_second: 2.5,
            evaluation_return: None,
            phase: Phase::Evaluate,
        };
        let text =
            r#"{"agent_steps":5,"of":10,"steps_per_second":2.5,"evaluation_return":null,"phase":"evaluate"}"#;
        assert_eq!(serde_json::to_string(&line).unwrap(), text);
        assert_eq!(serde_json::from_str::<ProgressLine>(text).unwrap(), line);
        assert_eq!(line.phase.to_string(), "evaluate");
    }
}
