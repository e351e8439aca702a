//! Settings that were changed in the runs of a profile.

use crate::collect::FinishedRun;
use crate::settings::{is_of_body, unlike};
use softmoe_config::RANDOM_ARM;

/// Settings that all of `runs` have and their profile does not, e.g. `agent.n_step = 5`, as pairs.
pub(super) fn changes_of_all(runs: &[FinishedRun]) -> Vec<(String, String)> {
    let mut learners = runs.iter().filter(|run| run.name.arm != RANDOM_ARM);
    let changes = learners.next().map(|run| unlike(&run.config, &run.preset)).unwrap_or_default();
    let of_all = changes.into_iter().filter(|change| !is_of_body(&change.key));
    of_all.map(|change| (change.key, change.left)).collect()
}

/// Settings of the bodies of single arms that their experiment does not have, as `(arm, key, value)`.
pub(super) fn changes_of_bodies(runs: &[FinishedRun]) -> Vec<(String, String, String)> {
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
