//! Rates and times of training since the last evaluation. Evaluations and checkpoints do not count.

use softmoe_agents::Phases;
use softmoe_agents::diagnostics::Diagnostic;
use std::time::Duration;

/// Steps, updates and time since the last evaluation, in this process only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    steps: u64,
    time: Duration,
    /// The run's updates at the last evaluation.
    updates_before: u64,
}

impl Timing {
    /// A timing that starts now, for a run that has made `updates`.
    pub(crate) fn from(updates: u64) -> Self {
        Timing { steps: 0, time: Duration::ZERO, updates_before: updates }
    }

    /// Counts a step.
    pub(crate) fn add_step(&mut self, time: Duration) {
        self.steps += 1;
        self.time += time;
    }

    /// Counts the wait for an update of the last step.
    pub(crate) fn add_wait(&mut self, time: Duration) {
        self.time += time;
    }

    pub(crate) fn steps_per_second(&self) -> f64 {
        per_second(self.steps, self.time)
    }

    /// Rates and times in seconds, by their names in `diagnostics.csv`, of a run that has made `updates`.
    pub(crate) fn diagnostics(&self, updates: u64, phases: Phases, diagnosis: Duration) -> Vec<Diagnostic> {
        let updates = updates - self.updates_before;
        let mut diagnostics = vec![
            Diagnostic::new("speed/agent_steps_per_second", self.steps_per_second()),
            Diagnostic::new("speed/updates_per_second", per_second(updates, self.time)),
        ];
        let times = [
            ("act", phases.act),
            ("env", phases.environment),
            ("sample", phases.sample),
            ("update", phases.update),
            ("train", self.time),
            ("diagnose", diagnosis),
        ];
        let time =
            |(name, time): (&str, Duration)| Diagnostic::new(format!("time/{name}"), time.as_secs_f64());
        diagnostics.extend(times.map(time));
        diagnostics
    }
}

fn per_second(count: u64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
}
