//! The files that a resumed run continues: `metrics.csv`, `diagnostics.csv` and TensorBoard's events. The input is one of
//! them, and the length that the checkpoint has for it, with a correct or a wrong checksum. A file that is opened is cut at
//! this length and matches the next checkpoint; a file that is refused stays as it was.
#![no_main]

mod common;

use common::directory;
use libfuzzer_sys::fuzz_target;
use softmoe_agents::diagnostics::Diagnostic;
use softmoe_config::{AgentSteps, MetricsRow, RunDirectory};
use softmoe_runner::{Metrics, Positions, Written};
use std::fs;
use std::sync::LazyLock;
use tempfile::TempDir;

static DIRECTORY: LazyLock<TempDir> = LazyLock::new(directory);

const ROW: MetricsRow = MetricsRow {
    agent_steps: AgentSteps(7),
    episodes: 1,
    training_return: None,
    evaluation_return: 0.5,
    updates: 1,
    loss: Some(2.0),
    agent_steps_per_second: 1.0,
    wall_seconds: 1.0,
};

fuzz_target!(|input: &[u8]| {
    let Some((&[kind, a, b, c, d, e, f], bytes)) = input.split_first_chunk() else { return };
    let mut written =
        Written { len: u64::from(u16::from_le_bytes([a, b])), crc: u32::from_le_bytes([c, d, e, f]) };
    if kind / 3 % 2 == 0 {
        written.len %= bytes.len() as u64 + 1;
        written.crc = crc32fast::hash(&bytes[..written.len as usize]);
    }
    let run = RunDirectory::new(DIRECTORY.path());
    let paths = [run.metrics_csv(), run.diagnostics_csv(), run.events()];
    let which = usize::from(kind % 3);
    let mut positions = [Written::default(); 3];
    positions[which] = written;
    for (i, path) in paths.iter().enumerate() {
        fs::write(path, if i == which { bytes } else { b"behind the end" }).expect("a file");
    }
    let file = |i: usize| fs::read(&paths[i]).expect("a file");

    let whole = bytes.get(..written.len as usize).filter(|whole| crc32fast::hash(whole) == written.crc);
    let [metrics, diagnostics, events] = positions;
    match (Metrics::open(&run, Positions { metrics, diagnostics, events }), whole) {
        (Ok(mut metrics), Some(whole)) => {
            let diagnostics = [Diagnostic::new("q/max", f64::INFINITY), Diagnostic::new("q/mean", -0.0)];
            metrics.append(&ROW, &diagnostics).expect("rows are appended");
            let Positions { metrics, diagnostics, events } = metrics.sync().expect("files are written");
            for (i, written) in [metrics, diagnostics, events].into_iter().enumerate() {
                let file = file(i);
                assert_eq!((written.len, written.crc), (file.len() as u64, crc32fast::hash(&file)));
            }
            assert!(file(which).starts_with(whole) && file(which).len() > whole.len());
        }
        (Err(_), None) => assert_eq!(file(which), bytes),
        (opened, whole) => panic!("{opened:?} of {whole:?}"),
    }
});
