//! The rows of the replay, each written once: a file for those that came between two checkpoints.
//!
//! A file never changes. A checkpoint names the files that its replay's rows lie in, with length and checksum, and a
//! file is removed when no checkpoint that is kept names it.
//!
//! | bytes | what |
//! |---|---|
//! | 8 + 4 | magic, version |
//! | 8 + 8 | numbers of the first row and of the one after the last |
//! | LZ4 | the rows, as [`Replay::write_rows`] writes them |

use super::format::{Checked, bad};
use super::{WRITING, sync_parent};
use lz4_flex::frame::{FrameDecoder, FrameEncoder};
use serde::{Deserialize, Serialize};
use softmoe_replay::{Layout, Replay, Restoring};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"softmoe\x02";
const VERSION: u32 = 1;
/// What the names of these files end with.
pub(super) const EXTENSION: &str = "rows";
/// Most files of one checkpoint. Where there are so many all rows are written anew, into one.
const MOST: usize = 128;
/// Bytes of a row beside its frame.
const BESIDE_FRAME: u64 = 6;

/// A file of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    first: u64,
    end: u64,
    /// Length and CRC-32 of the file.
    len: u64,
    crc: u32,
}

impl Part {
    fn path(&self, directory: &Path) -> PathBuf {
        path(directory, self.first..self.end)
    }

    /// Whether its file is there, as far as its length tells.
    fn is_there(&self, directory: &Path) -> bool {
        self.path(directory).metadata().is_ok_and(|file| file.len() == self.len)
    }
}

fn path(directory: &Path, rows: Range<u64>) -> PathBuf {
    directory.join(format!("rows-{:012}-{:012}.{EXTENSION}", rows.start, rows.end))
}

/// The paths of the files of `parts`.
pub(super) fn paths<'a>(
    directory: &'a Path,
    parts: impl Iterator<Item = &'a Part> + 'a,
) -> impl Iterator<Item = PathBuf> + 'a {
    parts.map(|part| part.path(directory))
}

/// The parts of all rows of `replay`: those of `before` that still have some, and a new one for what came since.
pub(super) fn write(directory: &Path, before: &[Part], replay: &Replay) -> io::Result<Vec<Part>> {
    let rows = replay.rows();
    let has_rows = |part: &&Part| part.end > rows.start;
    let mut parts: Vec<Part> = before.iter().filter(has_rows).cloned().collect();
    // Also where somebody has removed one.
    if parts.len() >= MOST || !parts.iter().all(|part| part.is_there(directory)) {
        parts.clear();
    }
    let first = parts.last().map_or(rows.start, |part| part.end);
    if first < rows.end {
        parts.push(write_one(directory, first..rows.end, replay)?);
    }
    Ok(parts)
}

/// Writes a file beside its name, flushes it to the disk and renames it.
pub(super) fn write_beside<T>(path: &Path, write: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(WRITING);
    // As any other new file: what the umask leaves of reading and writing for all.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(path.parent().unwrap_or(Path::new(".")))?;
    let written = write(file.as_file_mut())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_parent(path)?;
    Ok(written)
}

fn write_one(directory: &Path, rows: Range<u64>, replay: &Replay) -> io::Result<Part> {
    let path = path(directory, rows.clone());
    let (len, crc) = write_beside(&path, |file| {
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
    Ok(Part { first: rows.start, end: rows.end, len, crc })
}

/// Reads the rows that `restoring` misses.
pub(super) fn read(
    directory: &Path,
    parts: &[Part],
    layout: &Layout,
    restoring: &mut Restoring,
) -> io::Result<()> {
    for part in parts {
        let name = part.path(directory);
        read_one(&name, part, layout, restoring).map_err(|error| {
            io::Error::new(error.kind(), format!("of its rows, {}: {error}", name.display()))
        })?;
    }
    Ok(())
}

fn read_one(path: &Path, part: &Part, layout: &Layout, restoring: &mut Restoring) -> io::Result<()> {
    let file = File::open(path)?;
    let found = file.metadata()?.len();
    if found != part.len {
        return Err(bad(format!("it has {found} bytes of {}", part.len)));
    }
    let mut checked = Checked::new(BufReader::new(file));
    let read = read_rows(&mut checked, part, layout, restoring);
    // What is left counts too; an error in what was read may be the change that the checksum tells.
    io::copy(&mut checked, &mut io::sink())?;
    if checked.crc() != part.crc {
        return Err(bad("its checksum does not match: it was changed".into()));
    }
    read
}

fn read_rows(
    reader: &mut impl Read,
    part: &Part,
    layout: &Layout,
    restoring: &mut Restoring,
) -> io::Result<()> {
    let mut header = [0; 8 + 4 + 8 + 8];
    reader.read_exact(&mut header)?;
    let mut expected = MAGIC.to_vec();
    expected.extend(VERSION.to_le_bytes());
    expected.extend(part.first.to_le_bytes());
    expected.extend(part.end.to_le_bytes());
    if header[..] != expected {
        return Err(bad("it does not begin as a file of these rows does".into()));
    }
    let missing = restoring.missing();
    if part.first > missing.start {
        return Err(bad(format!("rows {} to {} are missing before it", missing.start, part.first - 1)));
    }
    let mut rows = FrameDecoder::new(reader);
    // The oldest of its rows may have left the replay.
    let before = missing.start.min(part.end) - part.first.min(part.end);
    let skipped = before.saturating_mul(BESIDE_FRAME + layout.frame_len as u64);
    if io::copy(&mut (&mut rows).take(skipped), &mut io::sink())? != skipped {
        return Err(bad("it ends early".into()));
    }
    restoring.read_rows(&mut rows, part.end).map_err(io::Error::other)
}
