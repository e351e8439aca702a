//! Progress of a measurement.

use super::works::{Group, seconds};
use crate::output;
use crate::time::time;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// Progress on standard error: a bar on a terminal, plain lines elsewhere.
pub(super) struct Screen {
    bar: Option<ProgressBar>,
    /// Expected seconds of everything, and of the part that is done.
    expected: f64,
    done: f64,
    started: Instant,
}

impl Screen {
    pub(super) fn new(groups: &[Group], rounds: u64) -> Screen {
        let bar = output::can_draw().then(|| {
            let style = ProgressStyle::with_template("{bar:32} {percent:>3}%  {wide_msg}");
            let bar =
                ProgressBar::new(1_000).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_secs(1));
            bar
        });
        let expected = groups.iter().map(|group| seconds(group, rounds)).sum();
        Screen { bar, expected, done: 0.0, started: Instant::now() }
    }

    /// The remaining time, at the pace so far; at first at the expected pace.
    pub(super) fn left(&self, done: f64) -> String {
        let elapsed = self.started.elapsed().as_secs_f64();
        let pace = if done < 0.05 * self.expected { 1.0 } else { elapsed / done };
        format!("about {} left", time((self.expected - done) * pace))
    }

    pub(super) fn begin(&self, works: &str) {
        let left = self.left(self.done);
        match &self.bar {
            Some(bar) => bar.set_message(format!("{left}: {works}")),
            None => output::error_line(format_args!(
                "{}: {works}; {left}",
                time(self.started.elapsed().as_secs_f64())
            )),
        }
    }

    /// Adds `seconds` of a group to the part that is done.
    pub(super) fn advance(&self, seconds: f64) {
        if let Some(bar) = &self.bar {
            bar.set_position((1_000.0 * (self.done + seconds) / self.expected) as u64);
        }
    }

    pub(super) fn end(&mut self, seconds: f64) {
        self.done += seconds;
    }

    pub(super) fn close(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
