//! Lines of JSON and exit codes between the runner and the processes that it starts: workers, measurements, peers' scripts.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Exit code of a program that a signal stopped: 128 + SIGINT. The run resumes from its checkpoint when it is started again.
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

/// Line of JSON on a worker's standard output, with `--progress json`, when it fails. Its standard error says the same, but that may be a
/// file on a full disk.
///
/// ```
/// use softmoe_config::protocol::FailureLine;
///
/// let line = FailureLine { error: "cannot write metrics.csv".into() };
/// assert_eq!(serde_json::to_string(&line)?, r#"{"error":"cannot write metrics.csv"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureLine {
    /// The reason, with its causes.
    pub error: String,
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

/// Line of JSON of a process that measures in rounds: `softmoe-measure`, and the peers' scripts with `--paced`.
///
/// The process describes itself; says `ready`, or `skipped` with a reason; then answers each line of its standard input with
/// the `figures` of a round. It ends with its input.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MeasurementLine {
    /// Whether the process is ready for rounds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ready: bool,
    /// Reason why there will be no rounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// Figures of a round, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figures: Option<BTreeMap<String, Figure>>,
    /// Name of the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Vector instructions of the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Versions of packages; none for a package that is not installed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub versions: BTreeMap<String, Option<String>>,
}

/// Statistics of several samples of a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Smallest sample.
    pub min: f64,
    /// Largest sample.
    pub max: f64,
    /// Median.
    pub median: f64,
}

impl Figure {
    /// Statistics of at least one sample.
    ///
    /// # Panics
    ///
    /// Without a sample.
    ///
    /// ```
    /// use softmoe_config::protocol::Figure;
    ///
    /// assert_eq!(Figure::of([3.0, 1.0, 2.0]), Figure { min: 1.0, max: 3.0, median: 2.0 });
    /// assert_eq!(Figure::of([4.0, 1.0, 3.0, 2.0]).median, 2.5);
    /// ```
    pub fn of(samples: impl IntoIterator<Item = f64>) -> Self {
        let mut samples: Vec<f64> = samples.into_iter().collect();
        samples.sort_by(f64::total_cmp);
        let middle = samples.len() / 2;
        let median = match samples.len() % 2 {
            0 => (samples[middle - 1] + samples[middle]) / 2.0,
            _ => samples[middle],
        };
        Figure { min: samples[0], max: samples[samples.len() - 1], median }
    }
}

/// Training step of a network in another framework: a line of `peers/gpu_train_step.py`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct TrainStepLine {
    /// Framework, e.g. `torch-graph`.
    pub framework: Option<String>,
    /// Network, e.g. `minatar-flat`.
    pub net: Option<String>,
    /// Milliseconds of a step that is waited for, at the least.
    pub train_ms_min: Option<f64>,
    /// Milliseconds of a step among others that wait in a queue.
    pub train_queued_ms: Option<f64>,
    /// Reason why the framework was not measured.
    pub skipped: Option<String>,
}

impl TrainStepLine {
    /// Framework, network, and updates a second: with a wait after each step, and queued. None for a line of something else.
    ///
    /// ```
    /// use softmoe_config::protocol::TrainStepLine;
    ///
    /// let line = r#"{"framework": "torch-graph", "net": "minatar-flat", "train_ms_min": 0.5, "train_queued_ms": 0.25}"#;
    /// let rates = TrainStepLine::read(line).and_then(|line| line.rates());
    /// assert_eq!(rates, Some(("torch-graph".into(), "minatar-flat".into(), [2_000.0, 4_000.0])));
    /// let line = TrainStepLine::read(r#"{"framework": "jax", "skipped": "jax is not installed"}"#).unwrap();
    /// assert_eq!(line.skipped.as_deref(), Some("jax is not installed"));
    /// assert_eq!(line.rates(), None);
    /// assert_eq!(TrainStepLine::read("not JSON"), None);
    /// ```
    pub fn rates(self) -> Option<(String, String, [f64; 2])> {
        Some((self.framework?, self.net?, [1e3 / self.train_ms_min?, 1e3 / self.train_queued_ms?]))
    }

    /// The line of this text; none for text of another form.
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}
