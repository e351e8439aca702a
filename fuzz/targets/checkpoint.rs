//! A checkpoint: the fuzzed bytes are the file, or, with a correct checksum, its LZ4 stream or the content of the stream.
//! An agent restores the loaded state and continues.
#![no_main]

mod common;

use common::{checkpoint_of, try_input};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    try_input(input, checkpoint_of);
});
