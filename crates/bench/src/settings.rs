//! The settings in which two runs differ.

use softmoe_config::RunConfig;
use softmoe_config::setting::{Difference, differences};

/// Keys that are not compared: names of runs, and settings that change no result.
const NAMES: [&str; 6] = ["figure", "profile", "arm", "seed", "environment.game", "agent.replay_compressed"];

/// The settings in which two runs differ, except names and settings that change no result.
pub(crate) fn unlike(left: &RunConfig, right: &RunConfig) -> Vec<Difference> {
    let mut unlike = differences(left, right);
    unlike.retain(|difference| !NAMES.contains(&difference.key.as_str()));
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
