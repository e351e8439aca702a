//! A checkpoint's file of rows: as it is, or, with the checksum put right, what is in its LZ4 stream.
#![no_main]

mod common;

use common::{SMALL, load, with_header};
use libfuzzer_sys::fuzz_target;
use lz4_flex::frame::FrameEncoder;
use std::io::Write;

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    if kind.is_multiple_of(3) {
        let _ = load(&SMALL.checkpoint.1, bytes);
        return;
    }
    let rows = if kind % 3 == 1 {
        bytes.to_vec()
    } else {
        // Magic, version and the numbers of the rows.
        let mut rows = SMALL.rows.1[..28].to_vec();
        let mut stream = FrameEncoder::new(Vec::new());
        stream.write_all(bytes).expect("memory");
        rows.extend(stream.finish().expect("memory"));
        rows
    };
    // A checkpoint that names it: number of the first row and of the one after the last, length, checksum.
    let parts = vec![(0_u64, 20_u64, rows.len() as u64, crc32fast::hash(&rows))];
    let mut stream = FrameEncoder::new(Vec::new());
    let values = [postcard::to_stdvec(&SMALL.state), postcard::to_stdvec(&parts)];
    for value in values.map(|value| value.expect("memory")) {
        stream.write_all(&(value.len() as u64).to_le_bytes()).expect("memory");
        stream.write_all(&value).expect("memory");
    }
    stream.write_all(&SMALL.head).expect("memory");
    let _ = load(&with_header(&stream.finish().expect("memory")), &rows);
});
