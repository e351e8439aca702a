//! The progress of a run on standard output.

use crate::signals::Requests;
use clap::ValueEnum;
use softmoe_config::{AgentSteps, Phase, ProgressLine};
use softmoe_console::output;
use softmoe_runner::{Monitor, Progress};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_millis(500);

/// Format of the progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressFormat {
    /// A line every ten seconds
    Text,
    /// A JSON object a line, twice a second
    Json,
}

/// Tells the progress on standard output.
pub(crate) struct Console {
    format: ProgressFormat,
    requests: Arc<Requests>,
    pace: Pace,
}

/// When to tell the progress, and the rate at which it is made.
#[derive(Default)]
struct Pace {
    /// When progress was last told, and of which phase.
    told: Option<(Instant, Phase)>,
    /// Since when, and from which step on, the rate is measured.
    since: Option<(Instant, AgentSteps)>,
    /// The latest rate; none before the first is measured.
    steps_per_second: Option<f64>,
}

impl Pace {
    /// Whether to tell `report`, which was made `now`: a new phase at once, within a phase once a `period`.
    fn tells(&mut self, now: Instant, period: Duration, report: &Progress) -> bool {
        if let Some((before, phase)) = self.told
            && phase == report.phase
            && now - before < period
        {
            return false;
        }
        self.told = Some((now, report.phase));
        let (since, first) = *self.since.get_or_insert((now, report.agent_steps));
        if now - since >= period {
            let steps = report.agent_steps.0.saturating_sub(first.0) as f64;
            self.steps_per_second = Some(steps / (now - since).as_secs_f64());
            self.since = Some((now, report.agent_steps));
        }
        true
    }
}

impl Console {
    /// A console that prints in `format` and passes `requests` on to the run.
    pub(crate) fn new(format: ProgressFormat, requests: Arc<Requests>) -> Self {
        Console { format, requests, pace: Pace::default() }
    }
}

impl Monitor for Console {
    fn report(&mut self, report: &Progress) {
        self.requests.set_saving(report.phase == Phase::Checkpoint);
        let period = match self.format {
            ProgressFormat::Json => REPORT_EVERY,
            ProgressFormat::Text => 20 * REPORT_EVERY,
        };
        if !self.pace.tells(Instant::now(), period, report) {
            return;
        }
        let line = ProgressLine {
            agent_steps: report.agent_steps.0,
            of: report.of.0,
            steps_per_second: self.pace.steps_per_second.unwrap_or(0.0),
            evaluation_return: report.evaluation_return,
            phase: report.phase,
        };
        match self.format {
            ProgressFormat::Json => {
                output::line(format_args!("{}", serde_json::to_string(&line).unwrap_or_default()))
            }
            ProgressFormat::Text => {
                let evaluated =
                    line.evaluation_return.map(|r| format!(", return {r:.2}")).unwrap_or_default();
                let rate =
                    self.pace.steps_per_second.map(|rate| format!(", {rate:.0} steps/s")).unwrap_or_default();
                let ProgressLine { agent_steps, of, phase, .. } = line;
                output::line(format_args!("{phase}: {agent_steps} of {of} steps{rate}{evaluated}"));
            }
        }
    }

    fn warn(&mut self, message: &str) {
        output::error_line(format_args!("warning: {message}"));
    }

    fn keep_going(&mut self) -> bool {
        !self.requests.stop()
    }

    fn wants_checkpoint(&mut self) -> bool {
        self.requests.take_save()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_phase_is_told_at_once_and_a_rate_once_it_is_known() {
        let (start, period) = (Instant::now(), Duration::from_secs(10));
        let mut pace = Pace::default();
        let mut tells = |seconds: u64, steps: u64, phase| {
            let report = Progress {
                phase,
                agent_steps: AgentSteps(steps),
                of: AgentSteps(1000),
                evaluation_return: None,
            };
            let told = pace.tells(start + Duration::from_secs(seconds), period, &report);
            (told, pace.steps_per_second)
        };
        assert_eq!(tells(0, 100, Phase::Train), (true, None));
        assert_eq!(tells(9, 190, Phase::Train), (false, None));
        assert_eq!(tells(9, 190, Phase::Evaluate), (true, None));
        assert_eq!(tells(10, 200, Phase::Train), (true, Some(10.0)));
        assert_eq!(tells(11, 200, Phase::Train), (false, Some(10.0)));
        assert_eq!(tells(20, 250, Phase::Train), (true, Some(5.0)));
    }
}
