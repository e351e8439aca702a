//! The settings of runs: where two runs differ, and what was changed in a profile's runs.

use crate::collect::FinishedRun;
use softmoe_config::setting::{Difference, differences};
use softmoe_config::{RANDOM_ARM, RunConfig};

/// What tells the runs of a report apart, and what changes no result.
const NAMES: [&str; 6] = ["figure", "profile", "arm", "seed", "environment.game", "agent.replay_compressed"];

/// The values in which two runs differ, names and what changes no result aside.
pub(crate) fn unlike(left: &RunConfig, right: &RunConfig) -> Vec<Difference> {
    let mut unlike = differences(left, right);
    unlike.retain(|difference| !NAMES.contains(&difference.key.as_str()));
    unlike
}

/// Whether the key belongs to the network's body, which is what arms differ in.
pub(crate) fn is_of_body(key: &str) -> bool {
    key == "network.body" || key.starts_with("network.body.")
}

/// Whether the key belongs to the environment.
pub(crate) fn is_of_environment(key: &str) -> bool {
    key == "environment" || key.starts_with("environment.")
}

/// What was changed in all of `runs` from what their profile says, e.g. `agent.n_step = 5`, as pairs.
pub(crate) fn changes_of_all(runs: &[FinishedRun]) -> Vec<(String, String)> {
    let mut learners = runs.iter().filter(|run| run.name.arm != RANDOM_ARM);
    let changes = learners.next().map(|run| unlike(&run.config, &run.preset)).unwrap_or_default();
    let of_all = changes.into_iter().filter(|change| !is_of_body(&change.key));
    of_all.map(|change| (change.key, change.left)).collect()
}

/// What was changed in the bodies of single arms from what their experiment says, as `(arm, key, value)`.
pub(crate) fn changes_of_bodies(runs: &[FinishedRun]) -> Vec<(String, String, String)> {
    let mut changes = Vec::new();
    for run in runs.iter().filter(|run| run.name.arm != RANDOM_ARM) {
        let of_body = unlike(&run.config, &run.preset).into_iter().filter(|change| is_of_body(&change.key));
        for change in of_body {
            let change = (run.name.arm.clone(), change.key, change.left);
            if !changes.contains(&change) {
                changes.push(change);
            }
        }
    }
    changes
}
