//! What a worker process tells the runner while it trains: lines on its standard output, and its exit code.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Exit code of a program that a signal stopped: 128 + SIGINT. The run goes on from its checkpoint when it is started again.
pub const INTERRUPTED: u8 = 130;

/// Line of JSON on a worker's standard output, with `--progress json`.
///
/// ```
/// use softmoe_config::{Phase, ProgressLine};
///
/// let text = r#"{"agent_steps":50,"of":100,"steps_per_second":10.0,"evaluation_return":null,"phase":"train"}"#;
/// let line: ProgressLine = serde_json::from_str(text)?;
/// assert_eq!((line.agent_steps, line.of, line.phase), (50, 100, Phase::Train));
/// assert_eq!(serde_json::to_string(&line)?, text);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProgressLine {
    /// Agent steps trained.
    pub agent_steps: u64,
    /// Agent steps of the whole run.
    pub of: u64,
    /// Agent steps a second lately; 0 before the first are measured.
    pub steps_per_second: f64,
    /// Mean return of the latest evaluation.
    pub evaluation_return: Option<f64>,
    /// Current phase of the run.
    pub phase: Phase,
}

/// Phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Playing and learning.
    Train,
    /// Playing without learning.
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
