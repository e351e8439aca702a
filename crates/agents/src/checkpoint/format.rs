//! The file of a checkpoint: a header, then one LZ4 stream.
//!
//! | bytes | what |
//! |---|---|
//! | 8 + 4 | magic, version |
//! | 8 + 4 | length and CRC-32 of all that follows |
//! | LZ4 | length and postcard bytes of the state; the same of the list of parts; the replay's head |

use super::State;
use super::parts::Part;
use lz4_flex::frame::{FrameDecoder, FrameEncoder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use softmoe_replay::Replay;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

const MAGIC: &[u8; 8] = b"softmoe\x01";
/// Version of the format; raised with every change of it.
const VERSION: u32 = 8;
/// Magic, version, length of the body, CRC-32 of the body.
const HEADER_LEN: usize = 8 + 4 + 8 + 4;

/// Passes bytes on, with their number and checksum.
pub(super) struct Checked<T> {
    pub(super) inner: T,
    pub(super) len: u64,
    crc: crc32fast::Hasher,
}

impl<T> Checked<T> {
    pub(super) fn new(inner: T) -> Self {
        Checked { inner, len: 0, crc: crc32fast::Hasher::new() }
    }

    pub(super) fn crc(&self) -> u32 {
        self.crc.clone().finalize()
    }
}

impl<W: Write> Write for Checked<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.crc.update(&bytes[..written]);
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.crc.update(&bytes[..read]);
        self.len += read as u64;
        Ok(read)
    }
}

/// What is wrong with a file.
pub(super) fn bad(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Writes a checkpoint of `state` and of `replay`, whose rows lie in `parts`.
pub(super) fn write<W: Write + Seek>(
    writer: &mut W,
    state: &State,
    parts: &[Part],
    replay: &Replay,
) -> io::Result<()> {
    writer.write_all(&[0; HEADER_LEN])?;
    let mut compressed = FrameEncoder::new(Checked::new(BufWriter::new(writer)));
    write_value(&mut compressed, state)?;
    write_value(&mut compressed, &parts)?;
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

/// Reads what [`write`] wrote, up to the replay's head, which is next in the reader that is given back.
pub(super) fn read<R: Read + Seek>(mut reader: R) -> io::Result<(State, Vec<Part>, impl Read)> {
    let mut header = [0; HEADER_LEN];
    reader.read_exact(&mut header).map_err(|_| bad("it is too short for a checkpoint".into()))?;
    let (magic, rest) = header.split_at(8);
    let (version, rest) = rest.split_at(4);
    let (len, crc) = rest.split_at(8);
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    if magic != MAGIC {
        return Err(bad("it is not a checkpoint of softmoe-rl".into()));
    }
    let version = number(version);
    if version != u64::from(VERSION) {
        let by = if version < u64::from(VERSION) { "an earlier" } else { "a later" };
        return Err(bad(format!(
            "it was written by {by} version of softmoe-rl, in format {version}, and this one reads format {VERSION}: \
             go on with the version that the run was begun with"
        )));
    }
    let mut body = Checked::new(io::sink());
    let found = io::copy(&mut reader, &mut body)?;
    if found != number(len) {
        return Err(bad(format!("it has {found} bytes of {}", number(len))));
    }
    if u64::from(body.crc()) != number(crc) {
        return Err(bad("its checksum does not match: it was changed".into()));
    }

    reader.seek(SeekFrom::Start(HEADER_LEN as u64))?;
    let mut body = FrameDecoder::new(BufReader::new(reader));
    let state = read_value(&mut body, "state")?;
    let parts = read_value(&mut body, "list of parts")?;
    Ok((state, parts, body))
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
    postcard::from_bytes(&bytes).map_err(|error| bad(format!("its {what} cannot be decoded: {error}")))
}
