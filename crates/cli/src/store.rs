//! The directories of the runs: finished, resumable, or in the way.

use crate::hints::Change;
use crate::output;
use anyhow::{Context, Result, bail};
use softmoe_config::error::with_causes;
use softmoe_config::setting::{Difference, between, differences};
use softmoe_config::{AgentPreset, Done, RANDOM_ARM, RunConfig, RunDirectory, file, mended};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// The state of a run's directory.
#[derive(Debug)]
pub(crate) enum State {
    /// Nothing yet, or only the configuration.
    New,
    /// A checkpoint.
    Resumable,
    /// Another worker is training the run: somebody else started it, or it outlived its runner.
    Elsewhere,
    /// A result that cannot be read, and the one that was put together from the rest of the run. Without one the run is resumed, or begins
    /// anew.
    Damaged(String, Option<Box<Done>>),
    /// The result.
    Finished {
        /// The device of the run.
        device: String,
    },
    /// Something else: files that must not be overwritten.
    Conflict(Conflict),
}

/// Files in the way of a run.
#[derive(Debug)]
pub(crate) struct Conflict {
    /// What they are, in words.
    pub(crate) what: String,
    /// The options that ask for the run that they belong to; none if they cannot be read.
    pub(crate) change: Option<Change>,
    /// Whether they are in the way of the random policy.
    pub(crate) is_random: bool,
}

impl Conflict {
    fn of(asked: &RunConfig, what: String, change: Option<Change>) -> Self {
        Conflict { what, change, is_random: asked.arm == RANDOM_ARM }
    }
}

/// The state of `directory` with respect to the run `config`, which is `with` another agent if it is given one; changes
/// nothing.
pub(crate) fn inspect(
    directory: &RunDirectory,
    config: &RunConfig,
    with: impl Fn(AgentPreset) -> Option<RunConfig>,
) -> State {
    let run_ron = directory.run_ron();
    let has = |path: &Path| path.symlink_metadata().is_ok();
    if !has(&run_ron) {
        if has(&directory.done_ron()) || has_entries(&directory.checkpoints()) {
            let what = format!("{} holds the files of a run but no run.ron", directory.path().display());
            return State::Conflict(Conflict::of(config, what, None));
        }
        return State::New;
    }
    if !is_running(directory) && holds_only_a_configuration(directory) {
        // The earlier run was refused or failed at once: nothing is lost.
        return State::New;
    }
    match RunConfig::read_unchecked(&run_ron) {
        Err(error) => return State::Conflict(Conflict::of(config, with_causes(&error), None)),
        Ok(there) if !there.computes_as(config) => return conflict(&run_ron, &there, config, with),
        Ok(_) => {}
    }
    if is_running(directory) {
        State::Elsewhere
    } else if has(&directory.done_ron()) {
        match file::read::<Done>(&directory.done_ron()) {
            Ok(done) => State::Finished { device: done.device },
            Err(error) => State::Damaged(with_causes(&error), mended(directory, config).map(Box::new)),
        }
    } else if has_entries(&directory.checkpoints()) {
        State::Resumable
    } else {
        State::New
    }
}

/// Whether a worker is running in `directory`. It holds the lock there until its process ends; on another host, its lease tells.
pub(crate) fn is_running(directory: &RunDirectory) -> bool {
    let lock = File::open(directory.lock());
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
        || directory.holder().is_some()
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

fn has_entries(directory: &Path) -> bool {
    directory.read_dir().is_ok_and(|mut entries| entries.next().is_some())
}

/// The differences between an existing run and the requested one, and the options of the existing one.
fn conflict(
    run_ron: &Path,
    there: &RunConfig,
    asked: &RunConfig,
    with: impl Fn(AgentPreset) -> Option<RunConfig>,
) -> State {
    let differences = differences(there, asked);
    let line =
        |Difference { key, left, right }: &Difference| format!("\n  {key}: {left} there, {right} asked for");
    let lines: Vec<String> = differences.iter().map(line).collect();
    let mut what = format!("{} has a different configuration:{}", run_ron.display(), lines.concat());
    if there.training.agent_steps < asked.training.agent_steps {
        what += "\nA run cannot be made longer: its checkpoint is removed once its result is there. The longer run begins anew, in \
                 another directory.";
    }
    let other_length = there.training.agent_steps != asked.training.agent_steps;
    let steps = other_length.then_some(there.training.agent_steps.0);
    let follows_the_length = |key: &str| {
        other_length && ["training.evaluation_period", "training.checkpoint_period"].contains(&key)
    };
    // The fewest options: the same agent, or another preset.
    let others = AgentPreset::ALL.into_iter().filter_map(|preset| Some((Some(preset), with(preset)?)));
    let ways = std::iter::once((None, asked.clone())).chain(others).map(|(agent, from)| {
        let mut set = between(&from, there);
        set.retain(|setting| !follows_the_length(setting.key()));
        Change { steps, agent, set }
    });
    let change = ways.min_by_key(|change| change.set.len() + usize::from(change.agent.is_some()));
    State::Conflict(Conflict::of(asked, what, change))
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
        if let State::Damaged(reason, mended) = state {
            let aside = directory.path().join("done.ron.broken");
            fs::rename(directory.done_ron(), &aside)
                .with_context(|| format!("cannot move aside ({reason})"))?;
            let then = match mended {
                Some(done) => {
                    file::write(&directory.done_ron(), &**done).context(instead)?;
                    "its score was put together from the run's metrics"
                }
                None if has_entries(&directory.checkpoints()) => "the run is resumed",
                None => "the run has no checkpoint any more and begins anew",
            };
            output::error_line(format_args!("warning: {reason}; moved to {}; {then}", aside.display()));
        }
        // Settings that change no result may change during a run.
        let is_changed =
            || RunConfig::read_unchecked(&directory.run_ron()).is_ok_and(|there| there != *config);
        if matches!(state, State::New) || (matches!(state, State::Resumable) && is_changed()) {
            file::write_with_json(&directory.run_ron(), config).context(instead)?;
        }
    }
    Ok(())
}

/// The runs of an arm on a game, finished or not.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) profile: String,
    pub(crate) arm: String,
    pub(crate) game: String,
    /// Their directories by seed.
    pub(crate) seeds: BTreeMap<u64, PathBuf>,
}

/// Where there are runs below `root`: in `<profile>/<arm>/<game>/seed-<k>`, as far down as the directories begin so.
pub(crate) fn places(root: &Path) -> Vec<Place> {
    let mut places = Vec::new();
    descend(root, &mut Vec::new(), &mut places);
    places
}

/// Deepest directory of a game below the root.
const DEEPEST: usize = 4;

fn descend(path: &Path, names: &mut Vec<String>, places: &mut Vec<Place>) {
    let inside = directories(path);
    let seed = |name: &str| name.strip_prefix("seed-").and_then(|seed| seed.parse().ok());
    let seeds: BTreeMap<u64, PathBuf> =
        inside.iter().filter_map(|(name, path)| Some((seed(name)?, path.clone()))).collect();
    if let ([.., profile, arm, game], false) = (&names[..], seeds.is_empty()) {
        let [profile, arm, game] = [profile, arm, game].map(String::clone);
        places.push(Place { profile, arm, game, seeds });
    } else if names.len() < DEEPEST {
        for (name, path) in inside {
            names.push(name);
            descend(&path, names, places);
            names.pop();
        }
    }
}

/// The directories in `parent` by their names, sorted.
fn directories(parent: &Path) -> BTreeMap<String, PathBuf> {
    let entries = parent.read_dir().into_iter().flatten().flatten();
    let is_directory = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    entries
        .filter(is_directory)
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .collect()
}

/// Makes the directory of a file.
pub(crate) fn make_parent(file: &Path) -> Result<()> {
    let parent = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))
}

/// Whether `out` can be a directory.
pub(crate) fn check_out(out: &Path) -> Result<()> {
    if let (Ok(target), false) = (out.read_link(), out.exists()) {
        bail!(
            "`--out {}` is a link to {}, which does not exist: make that directory, or choose another with `--out DIR`",
            out.display(),
            target.display()
        );
    }
    if out.exists() && !out.is_dir() {
        bail!("`--out {}` is a file but must be a directory: choose another with `--out DIR`", out.display());
    }
    Ok(())
}
