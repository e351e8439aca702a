//! An experiment to read, change and break.
#![allow(dead_code)]

use softmoe_config::{Experiment, RunConfig, file};
use std::path::Path;

pub(crate) const TEXT: &str = r#"(
    figure: "fig",
    title: "t",
    claim: "c",
    reference: "flat",
    arms: [
        (name: "flat", label: "flat", body: flat()),
        (name: "softmoe-4", label: "SoftMoE-4", body: soft_moe(experts: 4, scale: 0.25)),
    ],
    profiles: {
        "quick": (
            purpose: "p", leaves_out: [], games: minatar([breakout, space_invaders]), seeds: 2,
            encoder: minatar, hidden: 128, agent: rainbow_minatar, set: ["agent.min_replay=1_000"],
            agent_steps: 40_000, evaluations: 8, evaluation_episodes: 5, final_evaluation_episodes: 30,
        ),
    },
    rules: [alike(says: "s", left: "flat", right: "softmoe-4", margin: 0.1)],
)"#;

pub(crate) fn experiment() -> Experiment {
    file::parse(Path::new("fig.ron"), TEXT).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn run(arm: &str) -> RunConfig {
    let experiment = experiment();
    experiment.resolve("quick", experiment.profile("quick").unwrap(), &[arm]).unwrap().remove(0)
}
