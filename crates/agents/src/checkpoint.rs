//! Checkpoints: a run's whole state, written so that there is always a good one.
//!
//! A checkpoint is a file that names other files: the rows of the replay lie in parts, each written once with what came
//! since the checkpoint before, so that a replay of a million frames costs a checkpoint no more than what is new in it.
//! Each file is written beside its name, flushed to the disk and renamed, the checkpoint itself last; the two newest are
//! kept, with the parts that they name. It begins with a magic word, the format's version, the length and the CRC-32 of
//! what follows, and holds length and CRC-32 of its parts, so that a truncated or changed file is told from a good one.

mod format;
mod parts;

use crate::{AgentState, Positions, RunError};
use format::bad;
use parts::Part;
use serde::{Deserialize, Serialize};
use softmoe_config::setting::differences;
use softmoe_config::{AgentSteps, RunConfig};
use softmoe_replay::{Layout, Replay, Restoring, Sampling, Storage};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// How many are kept.
const KEPT: usize = 2;
/// What the names of files begin with while they are written.
const WRITING: &str = ".writing-";
/// What the names of checkpoints end with.
const EXTENSION: &str = "ckpt";

/// What a checkpoint holds besides the replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The configuration that the run has been following.
    pub config: RunConfig,
    /// The agent.
    pub agent: AgentState,
    /// The training environment.
    pub environment: Vec<u8>,
    /// Where the run is.
    pub progress: Progress,
}

/// Where a run is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Training episodes finished.
    pub episodes: u64,
    /// Return of the current training episode.
    pub episode_return: f64,
    /// Returns of the training episodes that finished since the last row of metrics.
    pub recent_returns: Vec<f64>,
    /// Evaluations made.
    pub evaluations: u64,
    /// How far the files that are appended to are written.
    pub files: Positions,
    /// Seconds of wall time.
    pub wall_seconds: f64,
    /// The file of weights that the run began from, if it did.
    pub initial_weights: Option<String>,
    /// What the permutation of shuffled tokens is drawn from.
    pub permutation_seed: u64,
}

/// The checkpoints of a run, which one process at a time loads and saves.
#[derive(Debug)]
pub struct Checkpoints {
    directory: PathBuf,
    /// Those that were loaded or saved, oldest first, at most [`KEPT`].
    kept: Vec<Kept>,
}

/// A good checkpoint.
#[derive(Debug)]
struct Kept {
    path: PathBuf,
    parts: Vec<Part>,
}

impl Checkpoints {
    /// Those that lie in `directory`, or will.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Checkpoints { directory: directory.into(), kept: Vec::new() }
    }

    /// The newest that was loaded or saved.
    pub fn newest(&self) -> Option<&Path> {
        self.kept.last().map(|kept| kept.path.as_path())
    }

    /// Writes a checkpoint and removes all but the two newest. The replay is the one that was saved or loaded before,
    /// and has gone on.
    ///
    /// # Errors
    /// If it cannot be written; those that are there remain.
    pub fn save(&mut self, state: &State, replay: &Replay, steps: AgentSteps) -> Result<PathBuf, RunError> {
        let path = self.directory.join(format!("step-{:012}.{EXTENSION}", steps.0));
        let write = || -> io::Result<Vec<Part>> {
            make_directory(&self.directory)?;
            let before = self.kept.last().map_or(&[][..], |kept| &kept.parts);
            let parts = parts::write(&self.directory, before, replay)?;
            let written = parts::write_beside(&path, |file| format::write(file, state, &parts, replay));
            if written.is_err() {
                // Where the disk is full, what nothing names takes no place.
                let new = parts.iter().filter(|part| !before.contains(part));
                parts::paths(&self.directory, new).for_each(|path| drop(fs::remove_file(path)));
            }
            written.map(|()| parts)
        };
        let parts = write().map_err(|source| RunError::cannot_write(&path, source))?;
        self.kept.retain(|kept| kept.path != path);
        self.kept.push(Kept { path: path.clone(), parts });
        self.kept.drain(..self.kept.len().saturating_sub(KEPT));
        self.remove_others(&path);
        Ok(path)
    }

    /// Removes what the checkpoints that are kept have no use for. What cannot be removed harms nothing. A checkpoint of a
    /// later step than the `newest` could not be read, or the run would have gone on from it: it is left, does not count,
    /// and will be written anew.
    fn remove_others(&self, newest: &Path) {
        let parts = self.kept.iter().flat_map(|kept| &kept.parts);
        let mut used: Vec<PathBuf> = parts::paths(&self.directory, parts).collect();
        used.extend(self.kept.iter().map(|kept| kept.path.clone()));
        for path in entries(&self.directory).unwrap_or_default() {
            let is = |extension: &str| path.extension().is_some_and(|found| found == extension);
            let is_old = is(parts::EXTENSION) || (is(EXTENSION) && path.as_path() <= newest);
            if is_old && !used.contains(&path) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// The newest checkpoint that can be read, or `None` if there is none at all. Each that cannot be read is told to
    /// `warn`, with the reason. How the replay's frames lie in memory is for the caller to choose.
    ///
    /// # Errors
    /// If there are some and none can be read, or if it is of another configuration than `config`.
    pub fn load(
        &mut self,
        config: &RunConfig,
        (layout, sampling, storage): (Layout, Sampling, Storage),
        mut warn: impl FnMut(&str),
    ) -> Result<Option<(State, Replay)>, RunError> {
        let paths = match newest_first(&self.directory) {
            Ok(paths) => paths,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                let path = self.directory.clone();
                let hint = "the run's checkpoints lie there; make the directory readable";
                return Err(RunError::File { action: "read", path, source, hint });
            }
        };
        let mut reasons = Vec::new();
        for path in &paths {
            match read(path, config, layout, sampling, storage) {
                Ok((state, parts, replay)) => {
                    self.kept = vec![Kept { path: path.clone(), parts }];
                    return Ok(Some((state, replay)));
                }
                Err(Unreadable::OtherConfiguration(differences)) => {
                    return Err(RunError::OtherConfiguration { checkpoint: path.clone(), differences });
                }
                Err(Unreadable::Damaged(error)) => {
                    warn(&format!("{} cannot be read ({error}); trying the one before", path.display()));
                    reasons.push(format!("{}: {error}", path.display()));
                }
            }
        }
        if paths.is_empty() {
            return Ok(None);
        }
        Err(RunError::NoCheckpoint { directory: self.directory.clone(), reasons: reasons.join("; ") })
    }
}

/// Makes a directory in one that is there: where the run's own is gone, nothing of it is made again.
fn make_directory(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(_) if path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_parent(path),
    }
}

/// Puts a new or renamed file's entry in its directory on disk.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if parent != Path::new("") => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

/// Removes what a killed process left half written in `directory`. No process may be writing there.
pub fn remove_leftovers(directory: &Path) {
    // A leftover that cannot be removed harms nothing.
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(WRITING) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Removes every checkpoint of a run that is finished: nothing goes on from them, and they are by far its
/// largest files.
pub fn remove_all(directory: &Path) {
    // What cannot be removed harms nothing.
    let _ = fs::remove_dir_all(directory);
}

/// Why a checkpoint cannot be used.
enum Unreadable {
    Damaged(io::Error),
    /// The values that differ.
    OtherConfiguration(String),
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Unreadable::Damaged(error)
    }
}

/// The values in which two configurations differ.
fn told_differences(there: &RunConfig, asked: &RunConfig) -> String {
    let told = differences(there, asked);
    told.iter().map(|d| format!("`{}` was {}, is {}", d.key, d.left, d.right)).collect::<Vec<_>>().join("; ")
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(fs::read_dir(directory)?.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect())
}

fn newest_first(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = entries(directory)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
    // The names are of one length.
    paths.sort_unstable_by(|a, b| b.cmp(a));
    Ok(paths)
}

fn read(
    path: &Path,
    config: &RunConfig,
    layout: Layout,
    sampling: Sampling,
    storage: Storage,
) -> Result<(State, Vec<Part>, Replay), Unreadable> {
    let (state, parts, head) = format::read(File::open(path)?)?;
    if !state.config.computes_as(config) {
        return Err(Unreadable::OtherConfiguration(told_differences(&state.config, config)));
    }
    let restored = Restoring::read_head(head, layout, sampling, storage);
    let mut restoring = restored.map_err(io::Error::other)?;
    parts::read(path.parent().unwrap_or(Path::new(".")), &parts, &layout, &mut restoring)?;
    let replay = restoring.finish().map_err(io::Error::other)?;
    if let (Some(architecture), Some(action)) = (config.architecture(0), replay.largest_action())
        && usize::from(action) >= architecture.actions
    {
        let actions = architecture.actions;
        return Err(bad(format!("its rows have the action {action} of a game that has {actions}")).into());
    }
    Ok((state, parts, replay))
}
