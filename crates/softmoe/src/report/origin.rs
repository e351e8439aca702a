//! The origin of a report's numbers: the settings of the runs, and the processes that trained them.

use super::Report;
use super::changes::{changes_of_all, changes_of_bodies};
use super::data::{ProcessData, ProvenanceData, SettingsData};
use crate::collect::FinishedRun;
use crate::settings::is_of_environment;
use softmoe_config::setting::fields;
use softmoe_config::{RANDOM_ARM, Session};
use std::collections::{BTreeMap, BTreeSet};

/// Keys that name a run.
const NAMES: [&str; 3] = ["profile", "arm", "seed"];

type Fields = BTreeMap<String, String>;

/// The settings of the runs: what all have in common, and the rest arm by arm.
pub(super) fn settings(report: &Report) -> SettingsData {
    let finished = &report.collection.finished;
    let mut arms: BTreeMap<String, Fields> = BTreeMap::new();
    for arm in report.arms.iter().filter(|arm| arm.runs > 0) {
        let of_arm: Vec<Fields> =
            finished.iter().filter(|run| run.name.arm == arm.name).map(|run| fields(&run.config)).collect();
        let mut shared = shared(&of_arm);
        let counts = |key: &str| arm.name != RANDOM_ARM || is_of_environment(key);
        shared.retain(|key, _| !NAMES.contains(&key.as_str()) && counts(key));
        arms.insert(arm.name.clone(), shared);
    }
    let learners: Vec<Fields> =
        arms.iter().filter(|(arm, _)| *arm != RANDOM_ARM).map(|(_, fields)| fields.clone()).collect();
    let common = shared(&learners);
    for fields in arms.values_mut() {
        fields.retain(|key, value| common.get(key) != Some(value));
    }
    let of_all = changes_of_all(finished).into_iter().map(|(key, value)| format!("{key} = {value}"));
    let of_bodies =
        changes_of_bodies(finished).into_iter().map(|(arm, key, value)| format!("{key} = {value} ({arm})"));
    SettingsData { common, arms, changed: of_all.chain(of_bodies).collect() }
}

/// The fields that all of `settings` have.
fn shared(settings: &[Fields]) -> Fields {
    let Some((first, others)) = settings.split_first() else { return Fields::new() };
    let in_all = |key: &String, value: &String| others.iter().all(|other| other.get(key) == Some(value));
    first
        .iter()
        .filter(|(key, value)| in_all(key, value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// The processes that trained the runs.
pub(super) fn provenance(report: &Report) -> ProvenanceData {
    let finished = &report.collection.finished;
    let sessions = || finished.iter().flat_map(|run| &run.sessions);
    let mut processes: Vec<ProcessData> = Vec::new();
    for run in finished {
        for process in of_run(run) {
            match processes.iter_mut().find(|known| is_alike(known, &process)) {
                Some(known) => known.runs += 1,
                None => processes.push(process),
            }
        }
    }
    ProvenanceData {
        processes,
        // RFC 3339 in UTC sorts by time.
        first_started: sessions()
            .map(|session| session.started.clone())
            .filter(|time| !time.is_empty())
            .min(),
        last_ended: sessions().filter_map(|session| session.ended.clone()).max(),
        peak_memory: sessions().filter_map(|session| session.peak_memory).max(),
    }
}

/// The processes of a run, each kind once.
fn of_run(run: &FinishedRun) -> BTreeSet<ProcessData> {
    if run.sessions.is_empty() {
        let unknown = Session { device: run.device.clone(), ..Session::default() };
        return BTreeSet::from([process(&unknown)]);
    }
    run.sessions.iter().map(process).collect()
}

fn process(session: &Session) -> ProcessData {
    ProcessData {
        build: session.build().unwrap_or_else(|| "unknown".to_owned()),
        host: session.host.clone(),
        device_name: session.device_name.clone(),
        device: session.device.clone(),
        instruction_set: session.instruction_set.clone(),
        threads: session.threads,
        runs: 1,
    }
}

fn is_alike(left: &ProcessData, right: &ProcessData) -> bool {
    ProcessData { runs: 0, ..left.clone() } == ProcessData { runs: 0, ..right.clone() }
}
