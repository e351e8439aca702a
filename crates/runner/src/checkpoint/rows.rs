//! Files of rows of the replay: each row is written once, to the file of the next checkpoint.
//!
//! A file never changes. A checkpoint names the files of its replay's rows, with length and checksum. A file is removed
//! when no kept checkpoint names it.
//!
//! | bytes | content |
//! |---|---|
//! | 8 + 4 | magic, version |
//! | 8 + 8 | numbers of the first row and of the row after the last |
//! | LZ4 | the rows, as [`Replay::write_rows`] writes them |

use crate::checksum::{Checked, damaged, expect_end};
use lz4_flex::frame::{FrameDecoder, FrameEncoder};
use serde::{Deserialize, Serialize};
use softmoe_config::file::write_atomically_with;
use softmoe_replay::{Layout, Replay, Restoring};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"softmoe\x02";
const VERSION: u32 = 1;
/// Extension of the files' names.
pub(super) const EXTENSION: &str = "rows";
/// Largest number of files of one checkpoint. At this number all rows are written again, into one file.
const MOST: usize = 128;
/// Bytes of a row without its frame.
const BESIDE_FRAME: u64 = 6;

/// A file of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RowsFile {
    first: u64,
    end: u64,
    /// Length and CRC-32 of the file.
    len: u64,
    crc: u32,
}

impl RowsFile {
    fn path(&self, directory: &Path) -> PathBuf {
        path(directory, self.first..self.end)
    }

    /// Whether the file exists and has this length.
    fn is_there(&self, directory: &Path) -> bool {
        self.path(directory).metadata().is_ok_and(|file| file.len() == self.len)
    }
}

fn path(directory: &Path, rows: Range<u64>) -> PathBuf {
    directory.join(format!("rows-{:012}-{:012}.{EXTENSION}", rows.start, rows.end))
}

/// The paths of `files`.
pub(super) fn paths<'a>(
    directory: &'a Path,
    files: impl Iterator<Item = &'a RowsFile> + 'a,
) -> impl Iterator<Item = PathBuf> + 'a {
    files.map(|file| file.path(directory))
}

/// Writes a file of the rows that are new since `before`. Returns the files of all rows of `replay`.
pub(super) fn write(directory: &Path, before: &[RowsFile], replay: &Replay) -> io::Result<Vec<RowsFile>> {
    let rows = replay.rows();
    let has_rows = |file: &&RowsFile| file.end > rows.start;
    let mut files: Vec<RowsFile> = before.iter().filter(has_rows).cloned().collect();
    // A file may have been removed.
    if files.len() >= MOST || !files.iter().all(|file| file.is_there(directory)) {
        files.clear();
    }
    let first = files.last().map_or(rows.start, |file| file.end);
    if first < rows.end {
        files.push(write_one(directory, first..rows.end, replay)?);
    }
    Ok(files)
}

fn write_one(directory: &Path, rows: Range<u64>, replay: &Replay) -> io::Result<RowsFile> {
    let path = path(directory, rows.clone());
    let (len, crc) = write_atomically_with(&path, |file| {
        let mut checked = Checked::new(BufWriter::new(file));
        checked.write_all(MAGIC)?;
        checked.write_all(&VERSION.to_le_bytes())?;
        checked.write_all(&rows.start.to_le_bytes())?;
        checked.write_all(&rows.end.to_le_bytes())?;
        let mut compressed = FrameEncoder::new(checked);
        replay.write_rows(rows.clone(), &mut compressed)?;
        let mut checked = compressed.finish().map_err(io::Error::other)?;
        checked.flush()?;
        Ok((checked.len, checked.crc()))
    })?;
    Ok(RowsFile { first: rows.start, end: rows.end, len, crc })
}

/// Reads the rows that `restoring` still misses.
pub(super) fn read(
    directory: &Path,
    files: &[RowsFile],
    layout: &Layout,
    restoring: &mut Restoring,
) -> io::Result<()> {
    for file in files {
        let name = file.path(directory);
        read_one(&name, file, layout, restoring).map_err(|error| {
            io::Error::new(error.kind(), format!("of its rows, {}: {error}", name.display()))
        })?;
    }
    Ok(())
}

fn read_one(path: &Path, file: &RowsFile, layout: &Layout, restoring: &mut Restoring) -> io::Result<()> {
    let opened = File::open(path)?;
    let found = opened.metadata()?.len();
    if found != file.len {
        return Err(damaged(format!("it has {found} bytes of {}", file.len)));
    }
    let mut checked = Checked::new(BufReader::new(opened));
    let read = read_rows(&mut checked, file, layout, restoring);
    // The checksum covers the rest too. It is checked first, as a changed file may be the reason for unreadable rows.
    io::copy(&mut checked, &mut io::sink())?;
    if checked.crc() != file.crc {
        return Err(damaged("its checksum does not match: it was changed"));
    }
    read
}

fn read_rows(
    reader: &mut impl Read,
    file: &RowsFile,
    layout: &Layout,
    restoring: &mut Restoring,
) -> io::Result<()> {
    let mut header = [0; 8 + 4 + 8 + 8];
    reader.read_exact(&mut header)?;
    let mut expected = MAGIC.to_vec();
    expected.extend(VERSION.to_le_bytes());
    expected.extend(file.first.to_le_bytes());
    expected.extend(file.end.to_le_bytes());
    if header[..] != expected {
        return Err(damaged("it does not begin as a file of these rows does"));
    }
    let missing = restoring.missing();
    if file.first > missing.start {
        return Err(damaged(format!("rows {} to {} are missing before it", missing.start, file.first - 1)));
    }
    let mut rows = FrameDecoder::new(reader);
    // The oldest of its rows may have left the replay.
    let before = missing.start.min(file.end) - file.first.min(file.end);
    let skipped = before.saturating_mul(BESIDE_FRAME + layout.frame_len as u64);
    if io::copy(&mut (&mut rows).take(skipped), &mut io::sink())? != skipped {
        return Err(damaged("it ends early"));
    }
    restoring.read_rows(&mut rows, file.end).map_err(io::Error::other)?;
    expect_end(rows)
}
