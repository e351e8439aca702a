//! A file that a run appends to. A resumed run continues at the position in its checkpoint.

use crate::RunError;
use crate::atomic::sync_parent;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// Length and checksum of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Length in bytes.
    pub len: u64,
    /// CRC-32 of those bytes.
    pub crc: u32,
}

/// A file, open to append.
#[derive(Debug)]
pub struct Appended {
    path: PathBuf,
    file: File,
    written: Written,
}

impl Appended {
    /// Opens the file of a run at the position `written`, which is 0 for a new run. Later bytes were written after the
    /// checkpoint and will be written again: they are cut off.
    ///
    /// # Errors
    /// If the file cannot be opened, is shorter, or has changed before that position.
    pub fn open(path: PathBuf, written: Written) -> Result<Self, RunError> {
        let len = written.len;
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
        let mut checksum = crc32fast::Hasher::new();
        let mut buffer = [0; 4096];
        let mut rest = (&mut file).take(len);
        loop {
            match rest.read(&mut buffer).map_err(|source| RunError::cannot_write(&path, source))? {
                0 => break,
                read => checksum.update(&buffer[..read]),
            }
        }
        if checksum.finalize() != written.crc {
            return Err(RunError::MetricsChanged { path });
        }
        let mut cut = || -> io::Result<()> {
            file.set_len(len)?;
            file.seek(SeekFrom::Start(len))?;
            Ok(())
        };
        cut().map_err(|source| RunError::cannot_write(&path, source))?;
        Ok(Appended { path, file, written })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), RunError> {
        let mut write = || {
            // Rows in a removed file would be lost without an error.
            self.path.symlink_metadata()?;
            self.file.write_all(bytes)
        };
        write().map_err(|source| RunError::cannot_write(&self.path, source))?;
        let Written { len, crc } = self.written;
        let mut checksum = crc32fast::Hasher::new_with_initial_len(crc, len);
        checksum.update(bytes);
        self.written = Written { len: len + bytes.len() as u64, crc: checksum.finalize() };
        Ok(())
    }

    /// Writes the header of rows `R` into an empty file; a file with bytes has it already.
    ///
    /// # Errors
    /// If the header cannot be encoded, or the file cannot be written.
    pub fn begin_rows<R: Serialize + Default>(&mut self, what: &'static str) -> Result<(), RunError> {
        if self.written.len > 0 {
            return Ok(());
        }
        // The header comes from a row, which is not written.
        let header = rows_as_csv([R::default()], true, what)?;
        self.append(header.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default())
    }

    /// Appends rows of CSV, without a header.
    ///
    /// # Errors
    /// If a row cannot be encoded, or the file cannot be written.
    pub fn append_rows<R: Serialize>(
        &mut self,
        rows: impl IntoIterator<Item = R>,
        what: &'static str,
    ) -> Result<(), RunError> {
        self.append(&rows_as_csv(rows, false, what)?)
    }

    /// Puts the appended bytes on disk.
    ///
    /// # Errors
    /// If the file cannot be flushed.
    pub fn sync(&mut self) -> Result<(), RunError> {
        self.file.sync_data().map_err(|source| RunError::cannot_write(&self.path, source))
    }

    /// Length and checksum so far.
    pub fn written(&self) -> Written {
        self.written
    }
}

/// Rows as CSV, with a header or without one; `what` names them in an error.
fn rows_as_csv<R: Serialize>(
    rows: impl IntoIterator<Item = R>,
    header: bool,
    what: &'static str,
) -> Result<Vec<u8>, RunError> {
    let mut writer = csv::WriterBuilder::new().has_headers(header).from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(|error| RunError::Encode { what, source: error.into() })?;
    }
    writer.into_inner().map_err(|error| RunError::Encode { what, source: error.into_error().into() })
}
