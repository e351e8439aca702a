//! The settings in which two runs differ.

use crate::collect::FinishedRun;
use softmoe_config::RunConfig;
use softmoe_config::setting::{Difference, differences, fields};

/// Keys that are not compared: names of runs, and settings that change no result.
const NAMES: [&str; 5] = ["profile", "arm", "seed", "environment.game", "agent.replay_compressed"];

/// The settings in which two runs differ, except names and settings that change no result.
pub(crate) fn unlike(left: &RunConfig, right: &RunConfig) -> Vec<Difference> {
    let mut unlike = differences(left, right);
    unlike.retain(|difference| !NAMES.contains(&difference.key.as_str()));
    unlike
}

/// The settings in which `run` differs from `first`, apart from those that their arms define differently (an agent, an encoder,
/// an intervention) and that are as the run's arm defines them.
pub(crate) fn otherwise_set(run: &FinishedRun, first: &FinishedRun) -> Vec<Difference> {
    let [own, of_first, now] = [&run.preset, &first.preset, &run.config].map(fields);
    let mut unlike = unlike(&run.config, &first.config);
    unlike.retain(|Difference { key, .. }| own.get(key) == of_first.get(key) || now.get(key) != own.get(key));
    unlike
}

/// Whether the key belongs to the network's body, in which arms differ.
pub(crate) fn is_of_body(key: &str) -> bool {
    key == "network.body" || key.starts_with("network.body.")
}

/// Whether the key belongs to the environment.
pub(crate) fn is_of_environment(key: &str) -> bool {
    key == "environment" || key.starts_with("environment.")
}
