//! `cargo xtask status` and `watch`: the runs below a directory, done, running, failed and waiting.
//!
//! Both read the run directories alone, so they work beside a runner, after it, and on another machine that sees the files.

mod scan;
mod table;

use crate::cli::{StatusOptions, WatchOptions};
use crate::line::Glyphs;
use crate::output;
use crate::store;
use crate::{catalog, front_end};
use anyhow::{Result, bail};
use scan::{Scan, State};
use serde_json::json;
use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

/// Columns of a terminal that does not tell its width, and of a file.
const USUAL_WIDTH: u16 = 80;

/// Running or failed runs that are listed one by one.
const LISTED: usize = 20;

/// Prints the state of the runs once.
pub(crate) fn status(options: &StatusOptions) -> Result<()> {
    let scan = scan(options)?;
    if options.json {
        output::line(format_args!("{}", json(&scan)));
        return Ok(());
    }
    if scan.runs.is_empty() {
        bail!("{}", nothing(options));
    }
    output::line(format_args!("{}", page(&scan)));
    Ok(())
}

/// Prints the state of the runs again and again, until none is left to run.
pub(crate) fn watch(options: &WatchOptions) -> Result<()> {
    let period = Duration::from_secs(options.every);
    loop {
        let scan = scan(&options.status)?;
        if options.status.json {
            output::line(format_args!("{}", json(&scan)));
        } else {
            let text = if scan.runs.is_empty() { nothing(&options.status) } else { page(&scan) };
            draw(&text)?;
        }
        let unfinished = [State::Running, State::Waiting, State::Stopped].map(|state| scan.count(state));
        if !scan.runs.is_empty() && unfinished.iter().sum::<usize>() == 0 {
            return Ok(());
        }
        std::thread::sleep(period);
    }
}

/// Prints `text` in the place of the last one, or below it where standard output is no terminal.
fn draw(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    if !out.is_terminal() {
        writeln!(out, "{text}\n")?;
        return Ok(());
    }
    // To the first column of the first row; the rest of each line, and what is below, is cleared.
    let lines: Vec<String> = text.lines().map(|line| format!("{line}\x1b[K\n")).collect();
    write!(out, "\x1b[H{}\x1b[J", lines.concat())?;
    out.flush()?;
    Ok(())
}

fn scan(options: &StatusOptions) -> Result<Scan> {
    store::check_out(&options.out)?;
    let experiment = options.figure.as_deref().map(catalog::experiment).transpose()?;
    let is_wanted_profile = |name: &str| options.profile.as_ref().is_none_or(|wanted| wanted == name);
    let is_wanted_arm = |name: &str| {
        experiment.as_ref().is_none_or(|experiment| experiment.arm_names().any(|arm| arm == name))
    };
    Ok(Scan::read(&options.out.join("runs"), is_wanted_profile, is_wanted_arm))
}

fn nothing(options: &StatusOptions) -> String {
    let runs = options.out.join("runs").join(options.profile.as_deref().unwrap_or_default());
    let figure = options.figure.as_ref().map(|figure| format!(" of {figure}")).unwrap_or_default();
    format!(
        "there are no runs{figure} in {}; `{} reproduce FIGURE` makes them, and `--out DIR` names another directory",
        runs.display(),
        front_end::name()
    )
}

/// Everything about `scan`, for a person.
fn page(scan: &Scan) -> String {
    let terminal = terminal_size::terminal_size();
    let width = usize::from(terminal.map_or(USUAL_WIDTH, |(width, _)| width.0.saturating_sub(1))).max(20);
    table::page(scan, Glyphs::of(supports_unicode::Stream::Stdout), width, LISTED)
}

/// Everything about `scan`, for a program.
fn json(scan: &Scan) -> serde_json::Value {
    let count = |state| scan.count(state);
    json!({
        "done": count(State::Done),
        "running": count(State::Running),
        "failed": count(State::Failed),
        "stopped": count(State::Stopped),
        "waiting": count(State::Waiting),
        "seconds_left": scan.seconds_left(),
        "runs": scan.runs,
    })
}
