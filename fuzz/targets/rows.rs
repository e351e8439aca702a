//! A checkpoint's file of rows: as it is, or, with the checksum put right, the file or what is in its LZ4 stream. What is
//! loaded is given to an agent, which goes on from it.
#![no_main]

mod common;

use common::{rows_of, try_input};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    try_input(input, rows_of);
});
