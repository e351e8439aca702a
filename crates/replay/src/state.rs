//! Saving a replay and restoring it.
//!
//! A state is a head and then the rows. All numbers are little-endian. Values that follow from the rows are not saved:
//! restoring pushes the rows again. A range of rows can be written on its own, so that repeated saves of a large replay
//! need not write the same frames twice. The state does not depend on the [`Storage`](crate::Storage).
//!
//! | bytes | content |
//! |---|---|
//! | 8 + 4 | magic, version |
//! | 5 x 8 + 8 | capacity, frame_len, channels, stack, n_step; discount |
//! | 1 | sampling: 0 uniform, 1 prioritized |
//! | 8 + 8 | rows ever pushed; number of the oldest available transition |
//! | 2 | rows of the episode before the oldest row kept, at most `stack - 1` |
//! | 8 | number of available transitions |
//! | 8 + 8 per available transition | prioritized only: the largest priority ever given; priorities, oldest first |
//! | (6 + frame_len) per row kept | reward (f32), action, end (0 continues, 1 terminal, 2 truncated), frame; oldest first |

use crate::error::ReplayError;
use crate::layout::{Layout, Sampling, Storage};
use crate::priorities::Priorities;
use crate::replay::{Replay, Sampler, slot};
use crate::rows::EpisodeEnd;
use std::io::{self, Read, Write};
use std::ops::Range;

const MAGIC: [u8; 8] = *b"SMReplay";
const VERSION: u32 = 3;

impl Replay {
    /// Writes the state for a later [`Replay::read_state`], row by row and without a copy of the frames in memory. Use a
    /// buffered writer, which may also compress.
    ///
    /// # Errors
    ///
    /// The errors of the writer.
    pub fn write_state(&self, mut writer: impl Write) -> io::Result<()> {
        self.write_head(&mut writer)?;
        self.write_rows(self.rows(), writer)
    }

    /// Writes all of the state but the rows.
    ///
    /// # Errors
    ///
    /// The errors of the writer.
    pub fn write_head(&self, mut writer: impl Write) -> io::Result<()> {
        let writer = &mut writer;
        let layout = &self.layout;
        writer.write_all(&MAGIC)?;
        writer.write_all(&VERSION.to_le_bytes())?;
        for size in [layout.capacity, layout.frame_len, layout.channels, layout.stack, layout.n_step] {
            write_u64(writer, size as u64)?;
        }
        write_u64(writer, layout.discount.to_bits())?;
        writer.write_all(&[sampling_code(self.sampling())])?;

        let Range { start: oldest, end: next } = self.rows();
        write_u64(writer, next)?;
        write_u64(writer, self.first_id)?;
        let preceding = if oldest < next { self.rows.row(oldest).preceding } else { 0 };
        writer.write_all(&preceding.to_le_bytes())?;
        write_u64(writer, self.available.len() as u64)?;
        if let Sampler::Prioritized(priorities) = &self.sampler {
            write_u64(writer, priorities.largest().to_bits())?;
            for id in self.ids() {
                write_u64(writer, priorities.get(slot(layout, id)).to_bits())?;
            }
        }
        Ok(())
    }

    /// Writes the rows with these numbers.
    ///
    /// # Errors
    ///
    /// The errors of the writer.
    ///
    /// # Panics
    ///
    /// If one of them is no longer kept ([`Replay::rows`]).
    pub fn write_rows(&self, rows: Range<u64>, mut writer: impl Write) -> io::Result<()> {
        let kept = self.rows();
        let is_kept = rows.is_empty() || (kept.start <= rows.start && rows.end <= kept.end);
        assert!(is_kept, "rows {rows:?} of a replay that keeps {kept:?}");
        let mut frame = vec![0; self.layout.frame_len];
        for number in rows {
            let row = self.rows.row(number);
            writer.write_all(&row.reward.to_le_bytes())?;
            writer.write_all(&[row.action, end_code(row.end)])?;
            self.rows.copy_frame(number, &mut frame);
            writer.write_all(&frame)?;
        }
        Ok(())
    }

    /// Restores a state of [`Replay::write_state`]. With the same generator the restored replay gives the same samples as
    /// the saved one, bit for bit. The reader should be buffered and must end with the state.
    ///
    /// The layout given decides the memory taken, not the content of a possibly damaged state.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Mismatch`] if the state has another layout or sampling, [`ReplayError::Damaged`] if it ends early, if
    /// more bytes follow, or if no replay can have written it, [`ReplayError::Io`] if the reader fails, and the errors of
    /// [`Replay::new`].
    pub fn read_state(
        mut reader: impl Read,
        layout: Layout,
        sampling: Sampling,
    ) -> Result<Self, ReplayError> {
        let mut restoring = Restoring::read_head(&mut reader, layout, sampling, Storage::Plain)?;
        restoring.read_rows(&mut reader, restoring.missing().end)?;
        let replay = restoring.finish()?;
        match io::copy(&mut reader.take(1), &mut io::sink())? {
            0 => Ok(replay),
            _ => Err(damaged("more bytes follow its end".into())),
        }
    }
}

/// A replay that is being restored: its head has been read, its rows follow in order, from any number of readers.
#[derive(Debug)]
pub struct Restoring {
    replay: Replay,
    /// Rows ever pushed into the saved replay.
    pushed: u64,
    available: u64,
    /// The largest priority, and the priority of each available transition; `None` if sampling is uniform.
    priorities: Option<(f64, Vec<f64>)>,
    frame: Vec<u8>,
}

impl Restoring {
    /// Reads a head of [`Replay::write_head`].
    ///
    /// # Errors
    ///
    /// As [`Replay::read_state`].
    pub fn read_head(
        mut reader: impl Read,
        layout: Layout,
        sampling: Sampling,
        storage: Storage,
    ) -> Result<Self, ReplayError> {
        let reader = &mut reader;
        read_header(reader, &layout, sampling)?;

        let pushed = read_u64(reader)?;
        let first_id = read_u64(reader)?;
        let preceding = u64::from(u16::from_le_bytes(read(reader)?));
        let oldest = pushed.saturating_sub(layout.capacity as u64);
        if pushed > u64::MAX / 2 {
            return Err(damaged(format!("{pushed} rows are more than anything can push")));
        }
        if first_id > pushed {
            return Err(damaged(format!(
                "{first_id} transitions have left it, but only {pushed} rows were pushed"
            )));
        }
        if preceding > oldest.min(layout.stack as u64 - 1) {
            return Err(damaged(format!(
                "{preceding} rows precede row {oldest} in a stack of {}",
                layout.stack
            )));
        }
        let available = read_u64(reader)?;
        if available > pushed - oldest {
            return Err(damaged(format!("it claims {available} transitions of {} rows", pushed - oldest)));
        }

        let mut replay = Replay::starting_at(layout, sampling, storage, oldest)?;
        replay.episode_start = oldest - preceding;
        replay.first_id = first_id;
        let priorities = match sampling {
            Sampling::Uniform => None,
            Sampling::Prioritized => Some(read_priorities(reader, available)?),
        };
        Ok(Self { replay, pushed, available, priorities, frame: vec![0; layout.frame_len] })
    }

    /// Numbers of the rows that are still to be read.
    pub fn missing(&self) -> Range<u64> {
        self.replay.pushed()..self.pushed
    }

    /// Reads the rows from the first missing one to `end`, as [`Replay::write_rows`] wrote them.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Damaged`] if the reader has fewer rows, or fewer are missing; [`ReplayError::Io`] if the reader
    /// fails.
    pub fn read_rows(&mut self, mut reader: impl Read, end: u64) -> Result<(), ReplayError> {
        if end > self.pushed {
            return Err(damaged(format!("its rows end with {}, not with {end}", self.pushed)));
        }
        for _ in self.replay.pushed()..end {
            let reward = f32::from_le_bytes(read(&mut reader)?);
            let [action, end] = read(&mut reader)?;
            fill(&mut reader, &mut self.frame)?;
            self.replay.push(&self.frame, action, reward, end_from(end)?);
        }
        Ok(())
    }

    /// The replay, after all rows have been read.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Damaged`] if rows are missing, or if they do not match the head.
    pub fn finish(self) -> Result<Replay, ReplayError> {
        let missing = self.missing();
        if !missing.is_empty() {
            return Err(damaged(format!("rows {} to {} are missing", missing.start, missing.end - 1)));
        }
        let mut replay = self.replay;
        if self.available != replay.available() as u64 {
            return Err(damaged(format!(
                "it claims {} transitions, its rows make {}",
                self.available,
                replay.available()
            )));
        }
        let ids = replay.ids();
        if let (Sampler::Prioritized(priorities), Some((largest, saved))) =
            (&mut replay.sampler, self.priorities)
        {
            for (id, priority) in ids.zip(saved) {
                priorities.set(slot(&replay.layout, id), priority);
            }
            priorities.set_largest(largest);
        }
        Ok(replay)
    }
}

/// Reads the largest priority and the priority of each transition.
fn read_priorities(reader: &mut impl Read, count: u64) -> Result<(f64, Vec<f64>), ReplayError> {
    let largest = f64::from_bits(read_u64(reader)?);
    if !Priorities::allows(largest) || largest < 1.0 {
        return Err(damaged(format!("{largest} cannot be its largest priority")));
    }
    let mut priorities = Vec::new();
    for _ in 0..count {
        let priority = f64::from_bits(read_u64(reader)?);
        if !Priorities::allows(priority) || priority > largest {
            return Err(damaged(format!("{priority} cannot be a priority below {largest}")));
        }
        priorities.push(priority);
    }
    Ok((largest, priorities))
}

/// Reads layout and sampling, and compares them with the expected ones.
fn read_header(reader: &mut impl Read, layout: &Layout, sampling: Sampling) -> Result<(), ReplayError> {
    if read(reader)? != MAGIC {
        return Err(damaged("it does not begin as a replay's state does".into()));
    }
    let expect = |field, saved: String, expected: String| match saved == expected {
        true => Ok(()),
        false => Err(ReplayError::Mismatch { field, saved, expected }),
    };
    let version = u32::from_le_bytes(read(reader)?);
    expect("format version", version.to_string(), VERSION.to_string())?;
    for (field, expected) in [
        ("capacity", layout.capacity),
        ("frame_len", layout.frame_len),
        ("channels", layout.channels),
        ("stack", layout.stack),
        ("n_step", layout.n_step),
    ] {
        expect(field, read_u64(reader)?.to_string(), expected.to_string())?;
    }
    let discount = f64::from_bits(read_u64(reader)?);
    expect("discount", discount.to_string(), layout.discount.to_string())?;
    let [code] = read(reader)?;
    match sampling_from(code) {
        Some(saved) => expect("sampling", format!("{saved:?}"), format!("{sampling:?}")),
        None => Err(damaged(format!("{code} stands for no sampling"))),
    }
}

fn sampling_code(sampling: Sampling) -> u8 {
    match sampling {
        Sampling::Uniform => 0,
        Sampling::Prioritized => 1,
    }
}

fn sampling_from(code: u8) -> Option<Sampling> {
    let all = [Sampling::Uniform, Sampling::Prioritized];
    all.into_iter().find(|&sampling| sampling_code(sampling) == code)
}

fn end_code(end: EpisodeEnd) -> u8 {
    match end {
        EpisodeEnd::Continues => 0,
        EpisodeEnd::Terminal => 1,
        EpisodeEnd::Truncated => 2,
    }
}

fn end_from(code: u8) -> Result<EpisodeEnd, ReplayError> {
    let all = [EpisodeEnd::Continues, EpisodeEnd::Terminal, EpisodeEnd::Truncated];
    all.into_iter()
        .find(|&end| end_code(end) == code)
        .ok_or_else(|| damaged(format!("{code} stands for no end of an episode")))
}

fn damaged(what: String) -> ReplayError {
    ReplayError::Damaged(what)
}

fn write_u64(writer: &mut impl Write, value: u64) -> io::Result<()> {
    writer.write_all(&value.to_le_bytes())
}

fn read_u64(reader: &mut impl Read) -> Result<u64, ReplayError> {
    Ok(u64::from_le_bytes(read(reader)?))
}

fn read<const N: usize>(reader: &mut impl Read) -> Result<[u8; N], ReplayError> {
    let mut bytes = [0; N];
    fill(reader, &mut bytes)?;
    Ok(bytes)
}

fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> Result<(), ReplayError> {
    reader.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged("it ends early".into()),
        _ => ReplayError::Io(error),
    })
}
