//! Checkpoints: a run's whole state, written so that a good one always exists.
//!
//! A checkpoint is a file that names others. Each row of the replay is written once, to a file of the rows that are new since
//! the previous checkpoint. A replay of a million frames costs a checkpoint no more than its new rows. Each file is written
//! under a temporary name, flushed to the disk and renamed, the checkpoint itself last. The two newest checkpoints are
//! kept, with the files that they name. A checkpoint begins with a magic word, the format's version, and the length and
//! CRC-32 of the rest, and holds length and CRC-32 of its files of rows, so that truncated and changed files are detected.

mod format;
mod rows;
mod state;

pub use state::{FilesState, State};

use crate::RunError;
use crate::atomic::make_directory;
use crate::checksum::{damaged, expect_end};
use rows::RowsFile;
use softmoe_agents::ReplayConfig;
use softmoe_config::directory::{CHECKPOINT_EXTENSION, checkpoint_name};
use softmoe_config::error::with_causes;
use softmoe_config::file::write_atomically_with;
use softmoe_config::setting::differences;
use softmoe_config::{AgentSteps, RunConfig};
use softmoe_replay::{Replay, Restoring};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Number of checkpoints kept.
const KEPT: usize = 2;

/// The checkpoints of a run, which one process at a time loads and saves.
#[derive(Debug)]
pub struct Checkpoints {
    directory: PathBuf,
    /// The checkpoints that were loaded or saved, oldest first, at most [`KEPT`].
    kept: Vec<Kept>,
}

/// A good checkpoint.
#[derive(Debug)]
struct Kept {
    path: PathBuf,
    rows: Vec<RowsFile>,
}

impl Checkpoints {
    /// The checkpoints in a directory, which need not exist yet.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Checkpoints { directory: directory.into(), kept: Vec::new() }
    }

    /// The newest checkpoint that was loaded or saved.
    pub fn newest(&self) -> Option<&Path> {
        self.kept.last().map(|kept| kept.path.as_path())
    }

    /// Writes a checkpoint and removes all but the two newest. Rows that an earlier checkpoint of this value has written are
    /// not written again: the replay must be the same one.
    ///
    /// # Errors
    /// If it cannot be written; existing checkpoints remain.
    pub fn save(&mut self, state: &State, replay: &Replay, steps: AgentSteps) -> Result<PathBuf, RunError> {
        let path = self.directory.join(checkpoint_name(steps));
        let write = || -> io::Result<Vec<RowsFile>> {
            make_directory(&self.directory)?;
            let before = self.kept.last().map_or(&[][..], |kept| &kept.rows);
            let rows = rows::write(&self.directory, before, replay)?;
            let written = write_atomically_with(&path, |file| format::write(file, state, &rows, replay));
            if written.is_err() {
                // The disk may be full: a file that no checkpoint names takes no space.
                let new = rows.iter().filter(|file| !before.contains(file));
                rows::paths(&self.directory, new).for_each(|path| drop(fs::remove_file(path)));
            }
            written.map(|()| rows)
        };
        let rows = write().map_err(|source| RunError::cannot_write(&path, source))?;
        self.kept.retain(|kept| kept.path != path);
        self.kept.push(Kept { path: path.clone(), rows });
        self.kept.drain(..self.kept.len().saturating_sub(KEPT));
        self.remove_others(&path);
        Ok(path)
    }

    /// Removes the files that no kept checkpoint names. A file that cannot be removed harms nothing. A checkpoint of a later
    /// step than the `newest` could not be read, or the run would have resumed from it: it stays, does not count, and will be
    /// written again.
    fn remove_others(&self, newest: &Path) {
        let rows = self.kept.iter().flat_map(|kept| &kept.rows);
        let mut used: Vec<PathBuf> = rows::paths(&self.directory, rows).collect();
        used.extend(self.kept.iter().map(|kept| kept.path.clone()));
        for path in entries(&self.directory).unwrap_or_default() {
            let is = |extension: &str| path.extension().is_some_and(|found| found == extension);
            let is_old = is(rows::EXTENSION) || (is(CHECKPOINT_EXTENSION) && path.as_path() <= newest);
            if is_old && !used.contains(&path) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// The newest checkpoint that can be read, or `None` if there is no checkpoint. `warn` gets a message for each that
    /// cannot be read. The caller chooses how the replay keeps its frames.
    ///
    /// # Errors
    /// If there are checkpoints and none can be read, or if the newest readable one has another configuration.
    pub fn load(
        &mut self,
        config: &RunConfig,
        replay: &ReplayConfig,
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
            match read(path, config, replay) {
                Ok((state, rows, replay)) => {
                    self.kept = vec![Kept { path: path.clone(), rows }];
                    return Ok(Some((state, replay)));
                }
                Err(Unreadable::OtherConfiguration(differences)) => {
                    return Err(RunError::OtherConfiguration { checkpoint: path.clone(), differences });
                }
                Err(Unreadable::Damaged(error)) => {
                    let error = with_causes(&error);
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

/// The state of the newest checkpoint that can be read, without its replay, and the checkpoint's path; `None` if there is no checkpoint.
/// Changes nothing, so that it may be read while a worker trains the run. `warn` gets a message for each that cannot be read.
///
/// # Errors
/// If there are checkpoints and none can be read.
pub fn newest_state(
    directory: &Path,
    mut warn: impl FnMut(&str),
) -> Result<Option<(State, PathBuf)>, RunError> {
    let mut reasons = Vec::new();
    for path in newest_first(directory).unwrap_or_default() {
        match File::open(&path).and_then(format::read) {
            Ok((state, ..)) => return Ok(Some((state, path))),
            Err(error) => {
                let error = with_causes(&error);
                warn(&format!("{} cannot be read ({error}); trying the one before", path.display()));
                reasons.push(format!("{}: {error}", path.display()));
            }
        }
    }
    if reasons.is_empty() {
        return Ok(None);
    }
    Err(RunError::NoCheckpoint { directory: directory.to_owned(), reasons: reasons.join("; ") })
}

/// Removes the checkpoints of a finished run. They are by far its largest files.
pub fn remove_all(directory: &Path) {
    // A file that cannot be removed harms nothing.
    let _ = fs::remove_dir_all(directory);
}

/// The reason for refusing a checkpoint.
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

/// The values that differ between two configurations, in words.
fn told_differences(there: &RunConfig, asked: &RunConfig) -> String {
    let told = differences(there, asked);
    told.iter().map(|d| format!("`{}` was {}, is {}", d.key, d.left, d.right)).collect::<Vec<_>>().join("; ")
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(fs::read_dir(directory)?.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect())
}

fn newest_first(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = entries(directory)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == CHECKPOINT_EXTENSION));
    // All names have the same length.
    paths.sort_unstable_by(|a, b| b.cmp(a));
    Ok(paths)
}

fn read(
    path: &Path,
    config: &RunConfig,
    replay: &ReplayConfig,
) -> Result<(State, Vec<RowsFile>, Replay), Unreadable> {
    let (state, rows, mut head) = format::read(File::open(path)?)?;
    if !state.config.computes_as(config) {
        return Err(Unreadable::OtherConfiguration(told_differences(&state.config, config)));
    }
    let ReplayConfig { layout, sampling, storage } = *replay;
    let restored = Restoring::read_head(&mut head, layout, sampling, storage);
    let mut restoring = restored.map_err(io::Error::other)?;
    expect_end(head)?;
    rows::read(path.parent().unwrap_or(Path::new(".")), &rows, &layout, &mut restoring)?;
    let replay = restoring.finish().map_err(io::Error::other)?;
    let actions = config.environment.spec().actions;
    if let Some(action) = replay.largest_action().filter(|&action| usize::from(action) >= actions) {
        return Err(damaged(format!("its rows have the action {action} of a game that has {actions}")).into());
    }
    Ok((state, rows, replay))
}
