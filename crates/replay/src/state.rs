//! Saving a replay and restoring it.
//!
//! All numbers are little-endian. What follows from the rows is not saved: restoring pushes them again.
//!
//! | bytes | what |
//! |---|---|
//! | 8 + 4 | magic, version |
//! | 4 x 8 + 8 | capacity, frame_len, stack, n_step; discount |
//! | 1 | sampling: 0 uniform, 1 stratified, 2 independent |
//! | 8 + 8 | rows ever pushed; number of the oldest available transition |
//! | 2 | rows of its episode that precede the oldest row kept, at most `stack - 1` |
//! | (6 + frame_len) a row kept | reward (f32), action, end (0 continues, 1 terminal, 2 truncated), frame; oldest first |
//! | 8 | number of available transitions |
//! | 8 + 8 an available transition | prioritized only: the largest priority ever given; priorities, oldest first |

use crate::error::ReplayError;
use crate::layout::{Draws, Layout, Sampling};
use crate::priorities::Priorities;
use crate::replay::{Replay, Sampler, slot};
use crate::rows::EpisodeEnd;
use std::io::{self, Read, Write};

const MAGIC: [u8; 8] = *b"SMReplay";
const VERSION: u32 = 1;

impl Replay {
    /// Writes everything that a later [`Replay::read_state`] needs to go on as if nothing had happened, row by row,
    /// without a copy of the frames in memory. Give it a buffered (and, if you like, compressing) writer.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_state(&self, mut writer: impl Write) -> io::Result<()> {
        let writer = &mut writer;
        let layout = &self.layout;
        writer.write_all(&MAGIC)?;
        writer.write_all(&VERSION.to_le_bytes())?;
        for size in [layout.capacity, layout.frame_len, layout.stack, layout.n_step] {
            write_u64(writer, size as u64)?;
        }
        write_u64(writer, layout.discount.to_bits())?;
        writer.write_all(&[sampling_code(self.sampling())])?;

        let (oldest, next) = (self.rows.oldest(), self.rows.next());
        write_u64(writer, next)?;
        write_u64(writer, self.first_id)?;
        let preceding = if oldest < next { self.rows.row(oldest).preceding } else { 0 };
        writer.write_all(&preceding.to_le_bytes())?;
        for number in oldest..next {
            let row = self.rows.row(number);
            writer.write_all(&row.reward.to_le_bytes())?;
            writer.write_all(&[row.action, end_code(row.end)])?;
            writer.write_all(self.rows.frame(number))?;
        }

        write_u64(writer, self.available.len() as u64)?;
        if let Sampler::Prioritized { priorities, .. } = &self.sampler {
            write_u64(writer, priorities.largest().to_bits())?;
            for id in self.ids() {
                write_u64(writer, priorities.get(slot(layout, id)).to_bits())?;
            }
        }
        Ok(())
    }

    /// Restores what [`Replay::write_state`] wrote: with the same generator the restored replay gives the same samples
    /// as the one that was saved, bit for bit. Give it a buffered reader; nothing past the state is read from it.
    ///
    /// The memory taken is that of the layout asked for, whatever a damaged state claims.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Mismatch`] if the state is that of another layout or sampling, [`ReplayError::Damaged`] if it
    /// ends early or is not one that a replay can be in, [`ReplayError::Io`] if the reader fails, and those of
    /// [`Replay::new`].
    pub fn read_state(
        mut reader: impl Read,
        layout: Layout,
        sampling: Sampling,
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

        let mut replay = Self::starting_at(layout, sampling, oldest)?;
        replay.episode_start = oldest - preceding;
        replay.first_id = first_id;
        let mut frame = vec![0; layout.frame_len];
        for _ in oldest..pushed {
            let reward = f32::from_le_bytes(read(reader)?);
            let [action, end] = read(reader)?;
            fill(reader, &mut frame)?;
            replay.push(&frame, action, reward, end_from(end)?);
        }

        let available = read_u64(reader)?;
        if available != replay.available() as u64 {
            return Err(damaged(format!(
                "it claims {available} transitions, its rows make {}",
                replay.available()
            )));
        }
        let ids = replay.ids();
        if let Sampler::Prioritized { priorities, .. } = &mut replay.sampler {
            let largest = f64::from_bits(read_u64(reader)?);
            if !Priorities::allows(largest) || largest < 1.0 {
                return Err(damaged(format!("{largest} cannot be its largest priority")));
            }
            for id in ids {
                let priority = f64::from_bits(read_u64(reader)?);
                if !Priorities::allows(priority) || priority > largest {
                    return Err(damaged(format!("{priority} cannot be a priority below {largest}")));
                }
                priorities.set(slot(&layout, id), priority);
            }
            priorities.set_largest(largest);
        }
        Ok(replay)
    }
}

/// Reads what says which replay this is, and compares it with the one asked for.
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
        Sampling::Prioritized(Draws::Stratified) => 1,
        Sampling::Prioritized(Draws::Independent) => 2,
    }
}

fn sampling_from(code: u8) -> Option<Sampling> {
    let all = [
        Sampling::Uniform,
        Sampling::Prioritized(Draws::Stratified),
        Sampling::Prioritized(Draws::Independent),
    ];
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
