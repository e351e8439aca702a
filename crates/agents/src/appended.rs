//! A file that a run appends to, and goes on with from where its checkpoint says.

use crate::RunError;
use crate::checkpoint::sync_parent;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// The file, open to append.
#[derive(Debug)]
pub(crate) struct Appended {
    path: PathBuf,
    file: File,
    len: u64,
}

impl Appended {
    /// Opens the file of a run that goes on from `len` bytes of it (0: from the start). What is behind was written
    /// after the checkpoint, and will be again: it is cut off.
    ///
    /// # Errors
    /// If the file cannot be opened, or is shorter.
    pub(crate) fn open(path: PathBuf, len: u64) -> Result<Self, RunError> {
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
        Ok(Appended { path, file, len })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), RunError> {
        let mut write = || {
            // A file that somebody has removed takes rows to its grave without a word.
            self.path.symlink_metadata()?;
            self.file.write_all(bytes)
        };
        write().map_err(|source| RunError::cannot_write(&self.path, source))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Puts what was appended on disk.
    ///
    /// # Errors
    /// If that fails.
    pub(crate) fn sync(&mut self) -> Result<(), RunError> {
        self.file.sync_data().map_err(|source| RunError::cannot_write(&self.path, source))
    }

    /// Appends rows with a header before the first of the file.
    ///
    /// # Errors
    /// If a row cannot be encoded, or the file cannot be written.
    pub(crate) fn append_rows<R: serde::Serialize>(
        &mut self,
        rows: impl IntoIterator<Item = R>,
        what: &'static str,
    ) -> Result<(), RunError> {
        let mut writer = csv::WriterBuilder::new().has_headers(self.len == 0).from_writer(Vec::new());
        let encode = |reason: String| RunError::Encode { what, reason };
        for row in rows {
            writer.serialize(row).map_err(|error| encode(error.to_string()))?;
        }
        let bytes = writer.into_inner().map_err(|error| encode(error.to_string()))?;
        self.append(&bytes)
    }

    /// Bytes written.
    pub(crate) fn position(&self) -> u64 {
        self.len
    }
}
