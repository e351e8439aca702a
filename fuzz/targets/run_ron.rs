//! `run.ron`: a valid configuration survives writing and reading.
#![no_main]

use libfuzzer_sys::fuzz_target;
use softmoe_config::{RunConfig, file};
use std::path::Path;

fuzz_target!(|text: &str| {
    let path = Path::new("run.ron");
    let Ok(config) = RunConfig::parse(path, text) else { return };
    if config.validate().is_err() {
        return;
    }
    let _ = config.architecture(0).map(|architecture| architecture.validate());
    let directory = tempfile::tempdir().expect("a directory");
    let written = directory.path().join("run.ron");
    file::write(&written, &config).expect("a valid configuration is written");
    assert_eq!(RunConfig::read(&written).expect("what was written is read"), config);
});
