//! A checkpoint: the file as it is, or, with the checksum put right, its LZ4 stream or what is in it. What is loaded is
//! given to an agent, which goes on from it.
#![no_main]

mod common;

use common::{checkpoint_of, try_input};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    try_input(input, checkpoint_of);
});
