//! `metrics.csv`: one row an evaluation, appended and flushed.

use crate::RunError;
use crate::checkpoint::sync_parent;
use serde::{Deserialize, Serialize};
use softmoe_spec::AgentSteps;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// A row of `metrics.csv`. The last two columns are of time, and differ from run to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Agent steps trained.
    pub agent_steps: AgentSteps,
    /// Training episodes finished.
    pub episodes: u64,
    /// Mean return of the training episodes that finished since the last row.
    pub training_return: Option<f64>,
    /// Mean return of the evaluation's episodes.
    pub evaluation_return: f64,
    /// Updates made.
    pub updates: u64,
    /// Mean loss of the updates since the last row.
    pub loss: Option<f64>,
    /// Agent steps a second since the last row, evaluation apart.
    pub agent_steps_per_second: f64,
    /// Seconds of wall time, over all resumptions.
    pub wall_seconds: f64,
}

/// The file, open to append.
#[derive(Debug)]
pub struct Metrics {
    path: PathBuf,
    file: File,
    len: u64,
}

impl Metrics {
    /// Opens the file of a run that goes on from `len` bytes of it (0: from the start). What is behind was written
    /// after the checkpoint, and will be again: it is cut off.
    ///
    /// # Errors
    /// If the file cannot be opened, or is shorter.
    pub fn open(path: PathBuf, len: u64) -> Result<Self, RunError> {
        let open = || -> io::Result<(File, u64)> {
            let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
            sync_parent(&path)?;
            let found = file.metadata()?.len();
            Ok((file, found))
        };
        let (mut file, found) = open().map_err(|source| RunError::cannot_write(&path, source))?;
        if found < len {
            return Err(RunError::MetricsTooShort { path, found, expected: len });
        }
        let mut cut = || -> io::Result<()> {
            file.set_len(len)?;
            file.seek(SeekFrom::Start(len))?;
            Ok(())
        };
        cut().map_err(|source| RunError::cannot_write(&path, source))?;
        Ok(Metrics { path, file, len })
    }

    /// Appends a row, and puts it on disk.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn append(&mut self, row: &Row) -> Result<(), RunError> {
        let mut writer = csv::WriterBuilder::new().has_headers(self.len == 0).from_writer(Vec::new());
        let encode = |reason: String| RunError::Encode { what: "a row of metrics.csv", reason };
        writer.serialize(row).map_err(|error| encode(error.to_string()))?;
        let bytes = writer.into_inner().map_err(|error| encode(error.to_string()))?;
        let mut write = || {
            // A file that somebody has removed takes rows to its grave without a word.
            self.path.symlink_metadata()?;
            self.file.write_all(&bytes)?;
            self.file.sync_data()
        };
        write().map_err(|source| RunError::cannot_write(&self.path, source))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Bytes written.
    pub fn position(&self) -> u64 {
        self.len
    }
}
