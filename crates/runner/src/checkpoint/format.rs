//! The file of a checkpoint: a header, then one LZ4 stream.
//!
//! | bytes | content |
//! |---|---|
//! | 8 + 4 | magic, version |
//! | 8 + 4 | length and CRC-32 of all that follows |
//! | LZ4 | length and postcard bytes of the state; the same of the list of files of rows; the replay's head |
//!
//! The state holds the configuration as the text of `run.ron`, so that a setting that is new changes no format. Format 9, which is read
//! too, holds it as postcard bytes, without the settings that are younger.

use super::rows::RowsFile;
use super::state::{State, Written, WrittenTo};
use crate::checksum::{Checked, damaged};
use lz4_flex::frame::{FrameDecoder, FrameEncoder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use softmoe_replay::Replay;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

const MAGIC: &[u8; 8] = b"softmoe\x01";
/// Version of the format, raised with every change.
const VERSION: u32 = 10;
/// The version before, whose state holds the configuration as postcard bytes.
const BINARY_CONFIGURATION: u32 = 9;
/// Magic, version, length of the body, CRC-32 of the body.
const HEADER_LEN: usize = 8 + 4 + 8 + 4;

/// Writes a checkpoint of `state` and of `replay`, whose rows are in `files`.
pub(super) fn write<W: Write + Seek>(
    writer: &mut W,
    state: &State,
    files: &[RowsFile],
    replay: &Replay,
) -> io::Result<()> {
    writer.write_all(&[0; HEADER_LEN])?;
    let mut compressed = FrameEncoder::new(Checked::new(BufWriter::new(writer)));
    write_value(&mut compressed, &WrittenTo::from(state))?;
    write_value(&mut compressed, &files)?;
    replay.write_head(&mut compressed)?;
    let checked = compressed.finish().map_err(io::Error::other)?;
    let (len, crc) = (checked.len, checked.crc());
    let writer = checked.inner.into_inner().map_err(io::IntoInnerError::into_error)?;

    writer.seek(SeekFrom::Start(0))?;
    writer.write_all(MAGIC)?;
    writer.write_all(&VERSION.to_le_bytes())?;
    writer.write_all(&len.to_le_bytes())?;
    writer.write_all(&crc.to_le_bytes())?;
    writer.flush()
}

/// Reads a checkpoint up to the replay's head. The returned reader continues with the head, and ends after it.
pub(super) fn read<R: Read + Seek>(mut reader: R) -> io::Result<(State, Vec<RowsFile>, impl Read)> {
    let mut header = [0; HEADER_LEN];
    reader.read_exact(&mut header).map_err(|_| damaged("it is too short for a checkpoint"))?;
    let (magic, rest) = header.split_at(8);
    let (version, rest) = rest.split_at(4);
    let (len, crc) = rest.split_at(8);
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    if magic != MAGIC {
        return Err(damaged("it is not a checkpoint of softmoe-rl"));
    }
    let version = number(version);
    if ![VERSION, BINARY_CONFIGURATION].map(u64::from).contains(&version) {
        let by = if version < u64::from(VERSION) { "an earlier" } else { "a later" };
        return Err(damaged(format!(
            "it was written by {by} version of softmoe-rl, in format {version}, and this one reads format {VERSION}: \
             go on with the version that the run was begun with"
        )));
    }
    let mut body = Checked::new(io::sink());
    let found = io::copy(&mut reader, &mut body)?;
    if found != number(len) {
        return Err(damaged(format!("it has {found} bytes of {}", number(len))));
    }
    if u64::from(body.crc()) != number(crc) {
        return Err(damaged("its checksum does not match: it was changed"));
    }

    reader.seek(SeekFrom::Start(HEADER_LEN as u64))?;
    let mut body = FrameDecoder::new(BufReader::new(reader));
    let state = match version == u64::from(VERSION) {
        true => read_value::<Written>(&mut body, "state")?.into_state().map_err(damaged)?,
        false => read_value(&mut body, "state")?,
    };
    let files = read_value(&mut body, "list of files of rows")?;
    Ok((state, files, body))
}

fn write_value(writer: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let bytes = postcard::to_stdvec(value).map_err(io::Error::other)?;
    writer.write_all(&(bytes.len() as u64).to_le_bytes())?;
    writer.write_all(&bytes)
}

fn read_value<T: DeserializeOwned>(reader: &mut impl Read, what: &str) -> io::Result<T> {
    let mut len = [0; 8];
    reader.read_exact(&mut len)?;
    let mut bytes = Vec::new();
    reader.take(u64::from_le_bytes(len)).read_to_end(&mut bytes)?;
    let decoded = postcard::take_from_bytes(&bytes);
    let (value, rest) = decoded.map_err(|error| damaged(format!("its {what} cannot be decoded: {error}")))?;
    if !rest.is_empty() {
        return Err(damaged(format!("{} bytes follow its {what}", rest.len())));
    }
    Ok(value)
}
