//! The directories of the runs: what is finished, what can be resumed, what is in the way.

use crate::output;
use anyhow::{Context, Result, bail};
use softmoe_config::setting::{Difference, differences, settable};
use softmoe_config::{AgentPreset, Done, RunConfig, RunDirectory, file};
use std::fs::{self, File, TryLockError};
use std::path::Path;

/// What a run's directory holds.
#[derive(Debug)]
pub(crate) enum State {
    /// Nothing yet, or only the configuration.
    New,
    /// A checkpoint.
    Resumable,
    /// Being made by a worker that somebody else started, or that outlived its runner.
    Elsewhere,
    /// A result that cannot be read: it will be moved aside and the run resumed.
    Damaged(String),
    /// The result.
    Finished {
        /// The device that it was made on.
        device: String,
    },
    /// Something else: files that must not be overwritten. The second text is what to type instead.
    Conflict(String, String),
}

/// What `directory` holds of the run that `config` describes; changes nothing.
pub(crate) fn inspect(directory: &RunDirectory, config: &RunConfig) -> State {
    let run_ron = directory.run_ron();
    let has = |path: &Path| path.symlink_metadata().is_ok();
    if !has(&run_ron) {
        if has(&directory.done_ron()) || has_entries(&directory.checkpoints()) {
            let what = format!("{} holds a run but no run.ron that says which", directory.path().display());
            return State::Conflict(what, "move the directory away".into());
        }
        return State::New;
    }
    if !is_running(directory) && holds_only_a_configuration(directory) {
        // What was asked for before was refused or failed at once: nothing is lost with it.
        return State::New;
    }
    match file::read::<RunConfig>(&run_ron) {
        Err(error) => return State::Conflict(error.to_string(), "move its directory away".into()),
        Ok(there) if !there.computes_as(config) => return conflict(&run_ron, &there, config),
        Ok(_) => {}
    }
    if is_running(directory) {
        State::Elsewhere
    } else if has(&directory.done_ron()) {
        match file::read::<Done>(&directory.done_ron()) {
            Ok(done) => State::Finished { device: done.device },
            Err(error) => State::Damaged(error.to_string()),
        }
    } else if has_entries(&directory.checkpoints()) {
        State::Resumable
    } else {
        State::New
    }
}

/// Whether a worker is at work in `directory`: it holds the file `lock` there until it ends, however it ends.
pub(crate) fn is_running(directory: &RunDirectory) -> bool {
    let lock = File::open(directory.path().join("lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn holds_only_a_configuration(directory: &RunDirectory) -> bool {
    // The first line of the metrics names the columns.
    let rows = fs::read_to_string(directory.metrics_csv()).map_or(0, |text| text.lines().skip(1).count());
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    rows == 0
        && !has_entries(&directory.checkpoints())
        && !is_there(&directory.done_ron())
        && !is_there(&directory.weights())
}

/// Agent steps of the newest checkpoint, by its name (`step-000000012345.ckpt`); 0 if there is none.
pub(crate) fn steps_saved(directory: &RunDirectory) -> u64 {
    let Ok(entries) = directory.checkpoints().read_dir() else { return 0 };
    let steps = |name: &str| name.strip_prefix("step-")?.strip_suffix(".ckpt")?.parse().ok();
    entries.flatten().filter_map(|entry| steps(entry.file_name().to_str()?)).max().unwrap_or(0)
}

fn has_entries(directory: &Path) -> bool {
    directory.read_dir().is_ok_and(|mut entries| entries.next().is_some())
}

/// The differences between a run that is there and the one asked for, and the options that it was made with.
fn conflict(run_ron: &Path, there: &RunConfig, asked: &RunConfig) -> State {
    let differences = differences(there, asked);
    let line =
        |Difference { key, left, right }: &Difference| format!("\n  {key}: {left} there, {right} asked for");
    let lines: Vec<String> = differences.iter().map(line).collect();
    let what = format!("{} was made with other values:{}", run_ron.display(), lines.concat());
    let other_length = there.training.agent_steps != asked.training.agent_steps;
    let mut options = Vec::new();
    if other_length {
        options.push(format!("--steps {}", there.training.agent_steps));
    }
    let follows_the_length = |key: &str| {
        other_length && ["training.evaluation_period", "training.checkpoint_period"].contains(&key)
    };
    let mut from_preset: Option<Vec<Difference>> = None;
    if differences.iter().any(|difference| difference.key == "agent") {
        let (preset, left) = nearest_preset(there, asked);
        options.push(format!("--agent {preset}"));
        from_preset = Some(left);
    }
    // What the profile sets in every agent needs no option.
    let is_of_preset = |key: &String| {
        from_preset.as_ref().is_some_and(|left| left.iter().all(|difference| difference.key != *key))
    };
    let settable = settable(there);
    let is_set = |key: &String| settable.contains(key) && !follows_the_length(key) && !is_of_preset(key);
    for Difference { key, left, .. } in differences.iter().filter(|difference| is_set(&difference.key)) {
        // Parentheses mean something to shells.
        let quote = if left.contains('(') { "'" } else { "" };
        options.push(format!("--set {key}={quote}{left}{quote}"));
    }
    State::Conflict(what, format!("give the values it was made with (`{}`)", options.join(" ")))
}

/// The preset that `there`'s agent differs least from, and the values in which `there` then differs from `asked`.
fn nearest_preset(there: &RunConfig, asked: &RunConfig) -> (AgentPreset, Vec<Difference>) {
    let with = |preset: AgentPreset| {
        let asked = RunConfig { agent: preset.config(), ..asked.clone() };
        (preset, differences(there, &asked))
    };
    let [first, others @ ..] = AgentPreset::ALL;
    others.map(with).into_iter().fold(
        with(first),
        |best, other| {
            if other.1.len() < best.1.len() { other } else { best }
        },
    )
}

/// Makes the directories of `out` and the configuration of every run that has not begun.
///
/// # Errors
///
/// If `out` is no directory or cannot be written.
pub(crate) fn prepare<'a>(
    out: &Path,
    results: &Path,
    runs: impl Iterator<Item = (&'a RunDirectory, &'a RunConfig, &'a State)>,
) -> Result<()> {
    let instead = "choose a directory that can be written with `--out DIR`";
    let make = |path: &Path| {
        fs::create_dir_all(path).with_context(|| format!("cannot make {}; {instead}", path.display()))
    };
    check_out(out)?;
    make(results)?;
    for (directory, config, state) in runs {
        make(directory.path())?;
        if let State::Damaged(reason) = state {
            let aside = directory.path().join("done.ron.broken");
            fs::rename(directory.done_ron(), &aside)
                .with_context(|| format!("cannot move aside ({reason})"))?;
            output::error_line(format_args!(
                "warning: {reason}; moved to {}, the run is resumed",
                aside.display()
            ));
        }
        // What changes no result may be changed under way.
        let is_changed = || file::read::<RunConfig>(&directory.run_ron()).is_ok_and(|there| there != *config);
        if matches!(state, State::New) || (matches!(state, State::Resumable) && is_changed()) {
            file::write(&directory.run_ron(), config).context(instead)?;
        }
    }
    Ok(())
}

/// Whether `out` can be a directory.
pub(crate) fn check_out(out: &Path) -> Result<()> {
    if out.exists() && !out.is_dir() {
        bail!("`--out {}` is a file but must be a directory: choose another with `--out DIR`", out.display());
    }
    Ok(())
}
