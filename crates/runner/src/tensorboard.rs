//! Event files that TensorBoard reads: protocol buffers of TensorFlow's `event.proto`, in the frames of its
//! `record_writer.h`.
//!
//! No small and maintained crate writes them, and a run needs only this part of the format.

use prost::{Message, Oneof};
use softmoe_config::AgentSteps;
use std::time::{SystemTime, UNIX_EPOCH};

/// The content of a file's first event.
const FILE_VERSION: &str = "brain.Event:2";
/// Added to a rotated checksum, so that a file inside another file keeps valid checksums.
const MASK: u32 = 0xa282_ead8;

/// The part of `tensorflow.Event` that is needed.
#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(oneof = "What", tags = "3, 5")]
    what: Option<What>,
}

#[derive(Clone, PartialEq, Oneof)]
enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
}

/// `tensorflow.Summary`.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

/// `tensorflow.Summary.Value`, of a number.
#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    /// Also written if it is 0.
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// The first record of a file.
pub(crate) fn file_version(now: SystemTime) -> Vec<u8> {
    record(now, 0, What::FileVersion(FILE_VERSION.to_owned()))
}

/// The record of several numbers by name, at a step.
pub(crate) fn scalars<'a>(
    now: SystemTime,
    steps: AgentSteps,
    scalars: impl Iterator<Item = (&'a str, f64)>,
) -> Vec<u8> {
    let value = |(tag, value): (&str, f64)| Value { tag: tag.to_owned(), simple_value: Some(value as f32) };
    record(now, steps.0, What::Summary(Summary { value: scalars.map(value).collect() }))
}

/// An event in its frame: length, checksum of the length, event, checksum of the event; little-endian.
fn record(now: SystemTime, step: u64, what: What) -> Vec<u8> {
    let wall_time = now.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    let step = i64::try_from(step).unwrap_or(i64::MAX);
    let event = Event { wall_time, step, what: Some(what) }.encode_to_vec();
    let len = (event.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(event.len() + 16);
    record.extend_from_slice(&len);
    record.extend_from_slice(&masked_checksum(&len).to_le_bytes());
    record.extend_from_slice(&event);
    record.extend_from_slice(&masked_checksum(&event).to_le_bytes());
    record
}

/// CRC-32C, rotated and shifted.
fn masked_checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(MASK)
}

#[cfg(test)]
mod tests {
    use super::{file_version, scalars};
    use softmoe_config::AgentSteps;
    use std::time::{Duration, UNIX_EPOCH};

    /// The bytes that the Python package `tensorboard` 2.21.0 writes for the same events (`RecordWriter`).
    #[test]
    fn records_are_those_of_tensorboard() {
        let now = UNIX_EPOCH + Duration::from_millis(1_500);
        assert_eq!(hex(&file_version(now)), FIRST);
        let values = [("q/max", 0.0), ("return/evaluation", 2.5)];
        assert_eq!(hex(&scalars(now, AgentSteps(300), values.into_iter())), SECOND);
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    const FIRST: &str = "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c";
    const SECOND: &str = "36000000000000004f578cef09000000000000f83f10ac022a280a0c0a05712f6d61781500000000\
                          0a180a1172657475726e2f6576616c756174696f6e15000020401147bc72";
}
