//! `metrics.csv`, as the report reads it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use softmoe::collect::read_curve;
use std::sync::LazyLock;
use tempfile::TempDir;

static DIRECTORY: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a directory"));

fuzz_target!(|bytes: &[u8]| {
    let path = DIRECTORY.path().join("metrics.csv");
    std::fs::write(&path, bytes).expect("metrics");
    if let Ok(curve) = read_curve(&path) {
        assert!(curve.is_sorted_by_key(|point| point.0) && curve.iter().all(|point| point.1.is_finite()));
    }
});
