//! The directories of the runs: what is finished, what can be resumed, what is in the way.

use anyhow::{Context, Result, bail};
use softmoe_spec::setting::{fields, settable};
use softmoe_spec::{Done, RunConfig, RunDirectory, file};
use std::fs;
use std::path::Path;

/// What a run's directory holds.
#[derive(Debug)]
pub(crate) enum State {
    /// Nothing yet, or only the configuration.
    New,
    /// A checkpoint.
    Resumable,
    /// A result that cannot be read: it will be moved aside and the run resumed.
    Damaged(String),
    /// The result.
    Finished,
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
    match file::read::<RunConfig>(&run_ron) {
        Err(error) => return State::Conflict(error.to_string(), "move its directory away".into()),
        Ok(there) if there != *config => return conflict(&run_ron, &there, config),
        Ok(_) => {}
    }
    if has(&directory.done_ron()) {
        match file::read::<Done>(&directory.done_ron()) {
            Ok(_) => State::Finished,
            Err(error) => State::Damaged(error.to_string()),
        }
    } else if has_entries(&directory.checkpoints()) {
        State::Resumable
    } else {
        State::New
    }
}

fn has_entries(directory: &Path) -> bool {
    directory.read_dir().is_ok_and(|mut entries| entries.next().is_some())
}

/// The differences between a run that is there and the one asked for, and the options that it was made with.
fn conflict(run_ron: &Path, there: &RunConfig, asked: &RunConfig) -> State {
    let (old, new) = (fields(there), fields(asked));
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.retain(|key| old.get(*key) != new.get(*key));
    let none = "nothing".to_owned();
    let mut lines: Vec<String> = Vec::new();
    for key in &keys {
        let (old, new) = (old.get(*key).unwrap_or(&none), new.get(*key).unwrap_or(&none));
        lines.push(format!("\n  {key}: {old} there, {new} asked for"));
    }
    let what = format!("{} was made with other values:{}", run_ron.display(), lines.concat());
    let other_length = there.training.agent_steps != asked.training.agent_steps;
    let mut options = Vec::new();
    if other_length {
        options.push(format!("--steps {}", there.training.agent_steps));
    }
    let follows_the_length = |key: &str| {
        other_length && ["training.evaluation_period", "training.checkpoint_period"].contains(&key)
    };
    let settable = settable(there);
    for key in keys.into_iter().filter(|key| settable.contains(key) && !follows_the_length(key)) {
        options.push(format!("--set {key}={}", old[key].trim_matches('"')));
    }
    State::Conflict(what, format!("give the values it was made with (`{}`)", options.join(" ")))
}

/// Makes the directories of `out` and the configuration of every run that has none.
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
            eprintln!("warning: {reason}; moved to {}, the run is resumed", aside.display());
        }
        if !directory.run_ron().exists() {
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
