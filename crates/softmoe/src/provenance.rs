//! Whether runs may be pooled: they should be of one build, and compute with instructions that give the same bits.

use crate::collect::FinishedRun;
use softmoe_config::Session;
use softmoe_config::words::count;
use std::collections::BTreeMap;
use thiserror::Error;

/// An error: runs are pooled that may differ for other reasons than their settings.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("refused because of `--strict`: {}. Run them anew with one build, in another directory (`--out DIR`), or leave out `--strict`", reasons.join("; "))]
pub struct Mixed {
    /// The mixtures, each in words.
    pub reasons: Vec<String>,
}

/// What the program of a run is called that was built without git, or is older than this record.
const UNKNOWN: &str = "unknown";

/// Sentences, without a full stop, about runs of different builds or of instructions that give different bits; none if the runs
/// are alike.
pub fn mixtures(runs: &[FinishedRun]) -> Vec<String> {
    let kinds = [("builds", of_each(runs, builds)), ("instruction sets", of_each(runs, instructions))];
    let mixed = kinds.into_iter().filter(|(_, numbers)| numbers.len() > 1);
    mixed
        .map(|(what, numbers)| format!("Runs of different {what} are pooled: {}", listed(&numbers)))
        .collect()
}

/// Checks that all runs are of one commit without changes, and alike in their instructions.
///
/// # Errors
///
/// [`Mixed`] otherwise.
pub fn check(runs: &[FinishedRun]) -> Result<(), Mixed> {
    let mut reasons = mixtures(runs);
    let untraced = of_each(runs, builds);
    let untraced: BTreeMap<_, _> =
        untraced.into_iter().filter(|(build, _)| build.contains(UNKNOWN) || build.contains('+')).collect();
    if !untraced.is_empty() {
        reasons.push(format!("Some runs are of a build that no commit describes: {}", listed(&untraced)));
    }
    if reasons.is_empty() { Ok(()) } else { Err(Mixed { reasons }) }
}

/// How many runs have each value; runs without one are left out.
fn of_each(runs: &[FinishedRun], value: impl Fn(&[Session]) -> Option<String>) -> BTreeMap<String, usize> {
    let mut numbers = BTreeMap::new();
    for value in runs.iter().filter_map(|run| value(&run.sessions)) {
        *numbers.entry(value).or_default() += 1;
    }
    numbers
}

/// The builds that trained a run, in order.
fn builds(sessions: &[Session]) -> Option<String> {
    let mut builds: Vec<String> =
        sessions.iter().map(|session| session.build().unwrap_or_else(|| UNKNOWN.to_owned())).collect();
    builds.dedup();
    Some(if builds.is_empty() { UNKNOWN.to_owned() } else { builds.join(", then ") })
}

/// The instruction sets that trained a run. `avx2` and `avx512` compute the same bits and count as one.
fn instructions(sessions: &[Session]) -> Option<String> {
    let name = |name: &String| match name.as_str() {
        "avx2" | "avx512" => "avx2 or avx512".to_owned(),
        other => other.to_owned(),
    };
    let mut names: Vec<String> =
        sessions.iter().filter_map(|session| session.instruction_set.as_ref().map(name)).collect();
    names.dedup();
    (!names.is_empty()).then(|| names.join(", then "))
}

fn listed(numbers: &BTreeMap<String, usize>) -> String {
    numbers
        .iter()
        .map(|(name, runs)| format!("{name} ({})", count(*runs, "run")))
        .collect::<Vec<_>>()
        .join(", ")
}
