//! Flipped bits and truncations of a run's files: an error that names the file, or the state of a good checkpoint.
#![cfg(feature = "minatar")]

mod common;

use common::{End, FLAT, config, run};
use proptest::prelude::*;
use softmoe_agents::ReplayConfig;
use softmoe_config::{RunConfig, RunDirectory, file};
use softmoe_replay::Replay;
use softmoe_runner::checkpoint::{Checkpoints, State};
use softmoe_runner::{Appended, RunError};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use tempfile::tempdir;

/// Cases of a property: `PROPTEST_CASES`, or fewer.
fn cases() -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { 60 };
    ProptestConfig { cases, ..default }
}

/// Flips a bit, or cuts off what is behind a place.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
}

fn any_damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        3 => (any::<prop::sample::Index>(), 0_u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        1 => any::<prop::sample::Index>().prop_map(Damage::Cut),
    ]
}

impl Damage {
    fn done_to(self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        match self {
            Damage::Flip(at, bit) => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
        }
        bytes
    }
}

/// A run that died with two checkpoints and some metrics.
struct Died {
    /// Names and bytes of what lies in `checkpoint`.
    checkpoints: Vec<(String, Vec<u8>)>,
    run_ron: Vec<u8>,
    metrics: Vec<u8>,
    /// What the two checkpoints hold, the newest first.
    good: [(State, Vec<u8>); 2],
}

fn replay_config() -> ReplayConfig {
    ReplayConfig::new(&config(FLAT).agent, &config(FLAT).environment.spec()).unwrap()
}

fn replay_bytes(replay: &Replay) -> Vec<u8> {
    let mut bytes = Vec::new();
    replay.write_state(&mut bytes).unwrap();
    bytes
}

fn died() -> &'static Died {
    static DIED: OnceLock<Died> = OnceLock::new();
    DIED.get_or_init(|| {
        let directory = tempdir().unwrap();
        let files = RunDirectory::new(directory.path());
        // Checkpoints at 70 and 140; an evaluation of three episodes at 100.
        assert!(run(&config(FLAT), directory.path(), End::Die(150)).is_none());
        let names = fs::read_dir(files.checkpoints()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names.len(), 4, "{names:?}");
        let load = || {
            let found = Checkpoints::new(files.checkpoints()).load(&config(FLAT), &replay_config(), |_| {});
            let (state, replay) = found.unwrap().unwrap();
            (state, replay_bytes(&replay))
        };
        let bytes = |name: &String| fs::read(files.checkpoints().join(name)).unwrap();
        let checkpoints: Vec<_> = names.iter().map(|name| (name.clone(), bytes(name))).collect();
        let newest = load();
        fs::remove_file(files.checkpoints().join("step-000000000140.ckpt")).unwrap();
        let good = [newest, load()];
        file::write(&files.run_ron(), &config(FLAT)).unwrap();
        let run_ron = fs::read(files.run_ron()).unwrap();
        let metrics = fs::read(files.metrics_csv()).unwrap();
        assert_eq!(good[0].0.files.positions.metrics.len, metrics.len() as u64);
        Died { checkpoints, run_ron, metrics, good }
    })
}

fn write_checkpoints(directory: &Path, damaged: usize, damage: Damage) {
    for (index, (name, bytes)) in died().checkpoints.iter().enumerate() {
        let bytes = if index == damaged { damage.done_to(bytes) } else { bytes.clone() };
        fs::write(directory.join(name), bytes).unwrap();
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn of_a_checkpoint_or_its_rows(damaged in 0_usize..4, damage in any_damage()) {
        let directory = tempdir().unwrap();
        write_checkpoints(directory.path(), damaged, damage);
        let name = &died().checkpoints[damaged].0;
        let mut warnings = Vec::new();
        let warn = |message: &str| warnings.push(message.to_owned());
        match Checkpoints::new(directory.path()).load(&config(FLAT), &replay_config(), warn) {
            Ok(Some((state, replay))) => {
                let [newest, before] = &died().good;
                // Of the older checkpoint's file nothing is read.
                let expected = if warnings.is_empty() { newest } else { before };
                prop_assert_eq!(warnings.is_empty(), name == "step-000000000070.ckpt");
                prop_assert!(warnings.iter().all(|warning| warning.contains(name)), "{:?}", warnings);
                prop_assert!(state == expected.0 && replay_bytes(&replay) == expected.1);
            }
            Ok(None) => return Err(TestCaseError::fail("nothing was found")),
            // Both need the first rows.
            Err(error @ RunError::NoCheckpoint { .. }) => {
                prop_assert!(name.starts_with("rows-000000000000"));
                prop_assert!(error.to_string().contains(name), "{}", error);
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
    }

    /// It is refused, or it is of another run than the checkpoint and refused then, or the change was none.
    #[test]
    fn of_the_configuration(damage in any_damage()) {
        let directory = tempdir().unwrap();
        write_checkpoints(directory.path(), usize::MAX, damage);
        let run_ron = directory.path().join("run.ron");
        fs::write(&run_ron, damage.done_to(&died().run_ron)).unwrap();
        match RunConfig::read(&run_ron) {
            Err(error) => {
                let error = error.to_string();
                prop_assert!(error.contains("run.ron") || error.contains("must be") || error.contains("run fig"), "{}", error);
            }
            Ok(read) if read.computes_as(&config(FLAT)) => {}
            Ok(read) => {
                let loaded = Checkpoints::new(directory.path()).load(&read, &replay_config(), |_| {});
                let Err(RunError::OtherConfiguration { differences, .. }) = loaded else {
                    return Err(TestCaseError::fail("it was loaded"));
                };
                prop_assert!(differences.contains(" was "), "{}", differences);
            }
        }
    }

    /// What was written at the checkpoint is as it was, or the run is refused, and the file is left as it is.
    #[test]
    fn of_the_metrics(damage in any_damage(), more in 0_usize..50) {
        let Died { metrics, good, .. } = died();
        let directory = tempdir().unwrap();
        let path = directory.path().join("metrics.csv");
        // Rows that were written after the checkpoint, or a part of one.
        let whole: Vec<u8> = metrics.iter().copied().chain((0..more).map(|_| b'1')).collect();
        let damaged = damage.done_to(&whole);
        fs::write(&path, &damaged).unwrap();
        match Appended::open(path.clone(), good[0].0.files.positions.metrics) {
            Ok(_) => prop_assert_eq!(&fs::read(&path).unwrap(), metrics),
            Err(error @ (RunError::MetricsTooShort { .. } | RunError::MetricsChanged { .. })) => {
                prop_assert!(!damaged.starts_with(metrics));
                prop_assert_eq!(fs::read(&path).unwrap(), damaged);
                prop_assert!(error.to_string().contains("restore the file"), "{}", error);
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
    }
}
