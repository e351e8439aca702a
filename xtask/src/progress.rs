//! Display of progress while workers run: bars on a terminal, plain lines elsewhere.

use crate::output;
use crate::plan::{Plan, PlannedRun};
use crate::time::time;
use crate::worker::Worker;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use softmoe_config::Done;
use softmoe_config::words::count;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Time between two plain lines.
const PLAIN_PERIOD: Duration = Duration::from_secs(10);

/// Progress over all runs.
pub(crate) struct Overview {
    /// Runs that need no more work, finished or not.
    pub(crate) runs_ended: usize,
    /// Agent steps of running and waiting runs.
    pub(crate) steps_left: u64,
    /// The remaining time in words, if known.
    pub(crate) time_left: Option<String>,
    pub(crate) elapsed: Duration,
}

/// The display, on standard error.
pub(crate) struct Screen {
    form: Form,
    runs: usize,
    steps: u64,
}

enum Form {
    Bars { all: MultiProgress, overall: ProgressBar, lines: BTreeMap<usize, ProgressBar> },
    Plain { last: Instant },
}

impl Screen {
    /// A display of `plan`'s runs.
    pub(crate) fn new(plan: &Plan) -> Screen {
        let steps = plan.runs.iter().map(PlannedRun::steps).sum();
        let form = if std::io::stderr().is_terminal() {
            let all = MultiProgress::new();
            let overall =
                all.add(ProgressBar::new(steps).with_style(style("{bar:32} {percent:>3}%  {wide_msg}")));
            Form::Bars { all, overall, lines: BTreeMap::new() }
        } else {
            Form::Plain { last: Instant::now() }
        };
        Screen { form, runs: plan.runs.len(), steps }
    }

    /// Prints a line above the bars.
    pub(crate) fn say(&self, line: &str) {
        match &self.form {
            // A closed terminal does not stop the runs.
            Form::Bars { all, .. } => drop(all.println(line)),
            Form::Plain { .. } => output::error_line(format_args!("{line}")),
        }
    }

    /// Shows that a worker has started `run`.
    pub(crate) fn started(&mut self, index: usize, run: &PlannedRun) {
        if let Form::Bars { all, lines, .. } = &mut self.form {
            let bar = ProgressBar::new(run.steps());
            let bar = all.add(bar.with_style(style("  {bar:16} {percent:>3}%  {prefix}  {wide_msg}")));
            bar.set_prefix(run.name());
            lines.insert(index, bar);
        }
    }

    /// Shows that the worker of a run has ended.
    pub(crate) fn ended(&mut self, index: usize) {
        if let Form::Bars { all, lines, .. } = &mut self.form
            && let Some(bar) = lines.remove(&index)
        {
            bar.finish_and_clear();
            all.remove(&bar);
        }
    }

    /// Shows that a run is finished.
    pub(crate) fn finished(&self, run: &PlannedRun, done: &Done, seconds: f64) {
        self.say(&format!("finished: {}: score {:.2} in {}", run.name(), done.score, time(seconds)));
    }

    /// Shows the current state, at limited frequency.
    pub(crate) fn show<'a>(
        &mut self,
        overview: &Overview,
        plan: &Plan,
        workers: impl Iterator<Item = &'a Worker>,
    ) {
        let done = self.steps.saturating_sub(overview.steps_left);
        let left = overview
            .time_left
            .as_ref()
            .map_or("time left unknown".into(), |time| format!("about {time} left"));
        let runs = format!("{} of {}", overview.runs_ended, count(self.runs, "run"));
        let elapsed = time(overview.elapsed.as_secs_f64());
        match &mut self.form {
            Form::Bars { overall, lines, .. } => {
                overall.set_position(done);
                overall.set_message(format!("{runs}, {elapsed}, {left}"));
                for worker in workers {
                    if let (Some(bar), Some(progress)) = (lines.get(&worker.run), &worker.latest) {
                        bar.set_length(progress.of);
                        bar.set_position(progress.agent_steps);
                        let latest = progress
                            .evaluation_return
                            .map_or(String::new(), |mean| format!(", return {mean:.2}"));
                        bar.set_message(format!(
                            "{} {:.0} steps/s{latest}",
                            progress.phase, progress.steps_per_second
                        ));
                    }
                }
            }
            Form::Plain { last } if last.elapsed() >= PLAIN_PERIOD => {
                *last = Instant::now();
                let percent = 100.0 * done as f64 / self.steps.max(1) as f64;
                let running: Vec<String> = workers
                    .map(|worker| {
                        let share = worker.latest.as_ref().map_or(0.0, |progress| {
                            100.0 * progress.agent_steps as f64 / progress.of.max(1) as f64
                        });
                        format!("{} {share:.0}%", plan.runs[worker.run].name())
                    })
                    .collect();
                output::error_line(format_args!(
                    "{elapsed}: {runs}, {percent:.0}%, {left}; running: {}",
                    running.join(", ")
                ));
            }
            Form::Plain { .. } => {}
        }
    }

    /// Removes the bars.
    pub(crate) fn close(&mut self) {
        if let Form::Bars { all, overall, .. } = &self.form {
            overall.finish_and_clear();
            let _ = all.clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
