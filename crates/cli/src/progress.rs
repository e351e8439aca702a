//! Display of progress while workers run: lines that are drawn anew on a terminal, plain ones elsewhere.

use crate::line::{self, Glyphs, RunLine};
use crate::output;
use crate::plan::{Plan, PlannedRun};
use crate::time::time;
use crate::worker::Worker;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use softmoe_config::words::count;
use softmoe_config::{Done, Phase, RunConfig};
use std::collections::BTreeMap;
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
    /// A line for all runs, and one a worker.
    Lines {
        all: MultiProgress,
        overall: ProgressBar,
        lines: BTreeMap<usize, ProgressBar>,
        glyphs: Glyphs,
    },
    Plain {
        last: Instant,
    },
}

/// Columns of a terminal that does not tell its width.
const USUAL_WIDTH: u16 = 80;

impl Screen {
    /// A display of `plan`'s runs.
    pub(crate) fn new(plan: &Plan) -> Screen {
        let steps = plan.runs.iter().map(PlannedRun::steps).sum();
        let form = if output::can_draw() {
            let all = MultiProgress::new();
            let overall = all.add(line());
            let glyphs = Glyphs::of(supports_unicode::Stream::Stderr);
            Form::Lines { all, overall, lines: BTreeMap::new(), glyphs }
        } else {
            Form::Plain { last: Instant::now() }
        };
        Screen { form, runs: plan.runs.len(), steps }
    }

    /// Prints a line above the others.
    pub(crate) fn say(&self, line: &str) {
        match &self.form {
            // A closed terminal does not stop the runs.
            Form::Lines { all, .. } => drop(all.println(line)),
            Form::Plain { .. } => output::error_line(format_args!("{line}")),
        }
    }

    /// Shows that a worker has started the run.
    pub(crate) fn started(&mut self, index: usize) {
        if let Form::Lines { all, lines, .. } = &mut self.form {
            lines.insert(index, all.add(line()));
        }
    }

    /// Shows that the worker of a run has ended.
    pub(crate) fn ended(&mut self, index: usize) {
        if let Form::Lines { all, lines, .. } = &mut self.form
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
        let share = if self.steps == 0 { 0.0 } else { done as f64 / self.steps as f64 };
        let left = overview.time_left.as_deref();
        match &mut self.form {
            Form::Lines { overall, lines, glyphs, .. } => {
                // The last column stays free: some terminals begin a new line after it.
                let width =
                    terminal_size::terminal_size_of(std::io::stderr()).map_or(USUAL_WIDTH, |(w, _)| w.0);
                let width = usize::from(width.saturating_sub(1)).max(1);
                let runs = (overview.runs_ended, self.runs);
                overall.set_message(line::overall(*glyphs, width, share, runs, overview.elapsed, left));
                for worker in workers {
                    if let Some(line) = lines.get(&worker.run) {
                        let config = &plan.runs[worker.run].config;
                        line.set_message(worker_line(config, worker).render(*glyphs, width));
                    }
                }
            }
            Form::Plain { last } if last.elapsed() >= PLAIN_PERIOD => {
                *last = Instant::now();
                let percent = 100.0 * share;
                let left = left.map_or("time left unknown".into(), |time| format!("about {time} left"));
                let runs = format!("{} of {}", overview.runs_ended, count(self.runs, "run"));
                let elapsed = time(overview.elapsed.as_secs_f64());
                let running: Vec<String> = workers
                    .map(|worker| {
                        let percent = 100.0 * worker.share();
                        format!("{} {percent:.0}%", plan.runs[worker.run].name())
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

    /// Removes the lines.
    pub(crate) fn close(&mut self) {
        if let Form::Lines { all, overall, .. } = &self.form {
            overall.finish_and_clear();
            let _ = all.clear();
        }
    }
}

/// A line that shows its message only.
fn line() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(1).with_style(style)
}

fn worker_line<'a>(config: &'a RunConfig, worker: &'a Worker) -> RunLine<'a> {
    let latest = worker.latest.as_ref();
    RunLine {
        arm: &config.arm,
        game: config.environment.game().name(),
        seed: config.seed,
        share: worker.share(),
        speed: latest.map(|progress| progress.steps_per_second),
        phase: latest.map_or(Phase::Train, |progress| progress.phase),
        returns: &worker.returns,
    }
}
