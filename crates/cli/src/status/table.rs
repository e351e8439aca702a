//! The state of runs as text: a table of arms and games, the running runs and the failed ones.

use super::scan::{Run, Scan, State};
use crate::line::{Glyphs, RunLine};
use crate::time::time;
use comfy_table::{ContentArrangement, Table, presets};
use softmoe_config::Phase;
use softmoe_config::words::thousands;
use std::collections::BTreeMap;

/// Longest name of a host in a line.
const HOST: usize = 16;

/// The text about `scan` in lines of at most `width` characters; of the running and of the failed runs `listed` each.
pub(crate) fn page(scan: &Scan, glyphs: Glyphs, width: usize, listed: usize) -> String {
    let mut text = String::new();
    let mut by_profile: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
    for run in &scan.runs {
        by_profile.entry(&run.profile).or_default().push(run);
    }
    for (profile, runs) in &by_profile {
        text += &format!("profile {profile}\n{}\n", arms_and_games(runs, glyphs, width));
    }
    text += &format!("{}\n", summary(scan));
    let of = |state| scan.runs.iter().filter(move |run| run.state == state);
    for run in of(State::Running).take(listed) {
        text += &format!("{}\n", running(run, glyphs, width));
    }
    text += &more(of(State::Running).count(), listed, "running");
    for run in of(State::Failed).take(listed) {
        let reason = reason(run.error.as_deref().unwrap_or_default());
        text += &glyphs.cut(&format!("failed: {} {} {}: {reason}", run.arm, run.game, run.seed), width);
        text.push('\n');
    }
    text += &more(of(State::Failed).count(), listed, "failed");
    text.trim_end().to_owned()
}

/// An error without its first words, which name the run once more.
fn reason(error: &str) -> &str {
    let error = error.strip_prefix("error: ").unwrap_or(error);
    match error.split_once(" stopped: ") {
        Some((run, reason)) if run.starts_with("run ") => reason,
        _ => error,
    }
}

fn more(number: usize, listed: usize, what: &str) -> String {
    match number.saturating_sub(listed) {
        0 => String::new(),
        others => format!("and {} more {what}\n", thousands(others)),
    }
}

/// A row an arm and a column a game.
fn arms_and_games(runs: &[&Run], glyphs: Glyphs, width: usize) -> Table {
    let mut games: Vec<&str> = runs.iter().map(|run| run.game.as_str()).collect();
    games.sort_unstable();
    games.dedup();
    let mut arms: BTreeMap<&str, BTreeMap<&str, Vec<&Run>>> = BTreeMap::new();
    for run in runs {
        arms.entry(&run.arm).or_default().entry(&run.game).or_default().push(run);
    }
    let mut table = Table::new();
    table.load_style(if glyphs == Glyphs::UNICODE {
        presets::UTF8_FULL_CONDENSED
    } else {
        presets::ASCII_FULL_CONDENSED
    });
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table.set_header(std::iter::once("arm").chain(games.iter().copied()));
    for (arm, of_game) in arms {
        let cells = games.iter().map(|game| of_game.get(game).map_or(String::new(), |runs| cell(runs)));
        table.add_row(std::iter::once(arm.to_owned()).chain(cells));
    }
    table
}

/// The runs of an arm on a game, e.g. `1 of 3 done, 1 at 45%`; those that are not named wait.
fn cell(runs: &[&Run]) -> String {
    let count = |state| runs.iter().filter(|run| run.state == state).count();
    let done = match count(State::Done) {
        done if done == runs.len() => return format!("{done} done"),
        done => format!("{done} of {} done", runs.len()),
    };
    let at: Vec<String> = runs
        .iter()
        .filter(|run| run.state == State::Running)
        .map(|run| format!("{:.0}%", 100.0 * share(run)))
        .collect();
    let running = match at.len() {
        0 => None,
        1..=3 => Some(format!("{} at {}", at.len(), at.join(", "))),
        many => Some(format!("{many} running")),
    };
    let others = [(State::Stopped, "stopped"), (State::Failed, "failed")]
        .map(|(state, name)| (count(state) > 0).then(|| format!("{} {name}", count(state))));
    [Some(done), running].into_iter().chain(others).flatten().collect::<Vec<_>>().join(", ")
}

/// The number of runs in each state, and the time that is left.
fn summary(scan: &Scan) -> String {
    let states = [
        (State::Done, "done"),
        (State::Running, "running"),
        (State::Failed, "failed"),
        (State::Stopped, "stopped"),
        (State::Waiting, "waiting"),
    ];
    let counts = states.map(|(state, name)| (scan.count(state), name));
    let counts: Vec<String> = counts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, name)| format!("{} {name}", thousands(*number)))
        .collect();
    let left = match scan.seconds_left() {
        _ if scan.count(State::Done) == scan.runs.len() => String::new(),
        Some(seconds) => format!("; about {} left", time(seconds)),
        None => "; time left unknown".to_owned(),
    };
    format!("{}{left}", counts.join(", "))
}

/// The line of a running run, its host at the end.
fn running(run: &Run, glyphs: Glyphs, width: usize) -> String {
    let line = RunLine {
        arm: &run.arm,
        game: &run.game,
        seed: run.seed,
        share: share(run),
        speed: run.agent_steps_per_second,
        phase: Phase::Train,
        returns: &run.returns,
    };
    let Some(host) = &run.host else { return line.render(glyphs, width) };
    let host = glyphs.cut(host, HOST);
    let rest = width.saturating_sub(host.chars().count() + 1);
    format!("{:<rest$} {host}", line.render(glyphs, rest))
}

fn share(run: &Run) -> f64 {
    match run.of {
        Some(of) if of > 0 => (run.agent_steps as f64 / of as f64).min(1.0),
        _ => 0.0,
    }
}
