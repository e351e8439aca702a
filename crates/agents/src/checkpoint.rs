//! Checkpoints: a run's whole state in one file, written so that there is always a good one.
//!
//! A file is written beside its name, flushed to the disk and renamed; the two newest are kept. It begins with
//! a magic word, the format's version, the length and the CRC-32 of what follows, so that a truncated or
//! changed file is told from a good one before any of it is used.

use crate::{AgentState, RunError};
use lz4_flex::frame::{FrameDecoder, FrameEncoder};
use serde::{Deserialize, Serialize};
use softmoe_replay::{Layout, Replay, Sampling};
use softmoe_spec::setting::differences;
use softmoe_spec::{AgentSteps, RunConfig};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"softmoe\x01";
/// Version of the format; raised with every change of it.
const VERSION: u32 = 4;
/// Magic, version, length of the body, CRC-32 of the body.
const HEADER_LEN: usize = 8 + 4 + 8 + 4;
/// How many are kept.
const KEPT: usize = 2;
/// What the names of files begin with while they are written.
const WRITING: &str = ".writing-";

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
    /// Bytes of `metrics.csv`.
    pub metrics_len: u64,
    /// Seconds of wall time.
    pub wall_seconds: f64,
    /// The file of weights that the run began from, if it did.
    pub initial_weights: Option<String>,
    /// What the permutation of shuffled tokens is drawn from.
    pub permutation_seed: u64,
}

/// Where `directory` has the checkpoint of that step.
pub fn path(directory: &Path, steps: AgentSteps) -> PathBuf {
    directory.join(format!("step-{:012}.ckpt", steps.0))
}

/// Writes a checkpoint into `directory` and removes all but the two newest.
///
/// # Errors
/// If it cannot be written; those that are there remain.
pub fn save(
    directory: &Path,
    state: &State,
    replay: &Replay,
    steps: AgentSteps,
) -> Result<PathBuf, RunError> {
    let path = path(directory, steps);
    let write = || -> io::Result<()> {
        fs::create_dir_all(directory)?;
        sync_parent(directory)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(WRITING);
        // As any other new file: what the umask leaves of reading and writing for all.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(directory)?;
        write(file.as_file_mut(), state, replay)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        sync_parent(&path)
    };
    write().map_err(|source| RunError::File {
        action: "write",
        path: path.clone(),
        source,
        hint: "free some space or choose a writable directory; started again, the run goes on from its last checkpoint",
    })?;
    // An old file that cannot be removed harms nothing. One of a later step is damaged, or the run would have gone on
    // from it: it does not count, and will be written anew.
    let older = newest_first(directory).unwrap_or_default().into_iter().filter(|other| *other <= path);
    for old in older.skip(KEPT) {
        let _ = fs::remove_file(old);
    }
    Ok(path)
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

/// The newest checkpoint of `directory` that can be read, or `None` if there is none at all. Each that cannot be
/// read is told to `warn`, with the reason.
///
/// # Errors
/// If there are some and none can be read, or if it is of another configuration than `config`.
pub fn load(
    directory: &Path,
    config: &RunConfig,
    layout: Layout,
    sampling: Sampling,
    mut warn: impl FnMut(&str),
) -> Result<Option<(State, Replay)>, RunError> {
    let paths = match newest_first(directory) {
        Ok(paths) => paths,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            let path = directory.to_owned();
            let hint = "the run's checkpoints lie there; make the directory readable";
            return Err(RunError::File { action: "read", path, source, hint });
        }
    };
    let mut reasons = Vec::new();
    for path in &paths {
        match File::open(path).map_err(Unreadable::from).and_then(|file| read(file, config, layout, sampling))
        {
            Ok(loaded) => return Ok(Some(loaded)),
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
    Err(RunError::NoCheckpoint { directory: directory.to_owned(), reasons: reasons.join("; ") })
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

fn newest_first(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "ckpt"))
        .collect();
    // The names are of one length.
    paths.sort_unstable_by(|a, b| b.cmp(a));
    Ok(paths)
}

/// Passes bytes on, with their number and checksum.
struct Checked<T> {
    inner: T,
    len: u64,
    crc: crc32fast::Hasher,
}

impl<T> Checked<T> {
    fn new(inner: T) -> Self {
        Checked { inner, len: 0, crc: crc32fast::Hasher::new() }
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

/// Writes header and body: the state's length and postcard bytes, then the replay, all in one LZ4 frame.
fn write<W: Write + Seek>(writer: &mut W, state: &State, replay: &Replay) -> io::Result<()> {
    writer.write_all(&[0; HEADER_LEN])?;
    let mut compressed = FrameEncoder::new(Checked::new(BufWriter::new(writer)));
    let state = postcard::to_stdvec(state).map_err(io::Error::other)?;
    compressed.write_all(&(state.len() as u64).to_le_bytes())?;
    compressed.write_all(&state)?;
    replay.write_state(&mut compressed)?;
    let Checked { inner, len, crc } = compressed.finish().map_err(io::Error::other)?;
    let crc = crc.finalize();
    let writer = inner.into_inner().map_err(io::IntoInnerError::into_error)?;

    writer.seek(SeekFrom::Start(0))?;
    writer.write_all(MAGIC)?;
    writer.write_all(&VERSION.to_le_bytes())?;
    writer.write_all(&len.to_le_bytes())?;
    writer.write_all(&crc.to_le_bytes())?;
    writer.flush()
}

fn read<R: Read + Seek>(
    mut reader: R,
    config: &RunConfig,
    layout: Layout,
    sampling: Sampling,
) -> Result<(State, Replay), Unreadable> {
    let bad = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut header = [0; HEADER_LEN];
    reader.read_exact(&mut header).map_err(|_| bad("it is too short for a checkpoint".into()))?;
    let (magic, rest) = header.split_at(8);
    let (version, rest) = rest.split_at(4);
    let (len, crc) = rest.split_at(8);
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    if magic != MAGIC {
        return Err(bad("it is not a checkpoint of softmoe-rl".into()).into());
    }
    if number(version) != u64::from(VERSION) {
        return Err(
            bad(format!("its format is version {}, this program reads {VERSION}", number(version))).into()
        );
    }
    let mut body = Checked::new(io::sink());
    let found = io::copy(&mut reader, &mut body)?;
    if found != number(len) {
        return Err(bad(format!("it has {found} bytes of {}", number(len))).into());
    }
    if u64::from(body.crc.finalize()) != number(crc) {
        return Err(bad("its checksum does not match: it was changed".into()).into());
    }

    reader.seek(SeekFrom::Start(HEADER_LEN as u64))?;
    let mut body = FrameDecoder::new(BufReader::new(reader));
    let mut len = [0; 8];
    body.read_exact(&mut len)?;
    let mut state = Vec::new();
    (&mut body).take(u64::from_le_bytes(len)).read_to_end(&mut state)?;
    let state: State =
        postcard::from_bytes(&state).map_err(|error| bad(format!("its state cannot be decoded: {error}")))?;
    if state.config != *config {
        return Err(Unreadable::OtherConfiguration(told_differences(&state.config, config)));
    }
    let replay = Replay::read_state(&mut body, layout, sampling).map_err(io::Error::other)?;
    Ok((state, replay))
}
