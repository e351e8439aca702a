//! Watching a run, stopping it, and its outcome.

use softmoe_config::{AgentSteps, Done, Phase};

/// The progress of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The phase that the run is in.
    pub phase: Phase,
    /// Agent steps trained.
    pub agent_steps: AgentSteps,
    /// Agent steps of the whole run.
    pub of: AgentSteps,
    /// Mean return of the latest evaluation.
    pub evaluation_return: Option<f64>,
}

/// An observer of a run, which may stop it.
pub trait Monitor {
    /// Called with the progress of the run, at the start of each phase and frequently during training.
    fn report(&mut self, progress: &Progress);

    /// Takes a warning for the user, e.g. of a checkpoint that cannot be read.
    fn warn(&mut self, message: &str);

    /// Whether the run continues, asked before every step of training and of evaluation. If not, the run writes a checkpoint
    /// and stops. A resumed run repeats an interrupted evaluation.
    fn keep_going(&mut self) -> bool;

    /// Whether the run saves a checkpoint now and continues, asked before every step of training. Checkpoints change no result.
    fn wants_checkpoint(&mut self) -> bool {
        false
    }
}

/// The outcome of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The run is finished, and `done.ron` is written.
    Finished(Done),
    /// The run was stopped at this step, and resumes from it when it is started again.
    Interrupted(AgentSteps),
}
