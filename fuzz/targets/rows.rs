//! A checkpoint's file of rows: the fuzzed bytes are the file, or, with a correct checksum, the file or the content of its
//! LZ4 stream. An agent restores the loaded state and continues.
#![no_main]

mod common;

use common::{rows_of, try_input};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    try_input(input, rows_of);
});
