//! `done.ron`: a result that is read survives writing and reading.
#![no_main]

use libfuzzer_sys::fuzz_target;
use softmoe_config::{Done, file};
use std::path::Path;

fuzz_target!(|text: &str| {
    let Ok(done) = file::parse::<Done>(Path::new("done.ron"), text) else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("done.ron");
    file::write(&path, &done).expect("a result is written");
    let read: Done = file::read(&path).expect("what was written is read");
    // NaN is not equal to itself.
    assert_eq!(format!("{read:?}"), format!("{done:?}"));
});
