//! `softmoe-report` on made-up runs of Atari. One of the games has no human score.

use softmoe_config::{
    AgentSteps, AtariGame, Done, EnvironmentConfig, Experiment, RANDOM_ARM, RunDirectory, file,
};
use std::fs;
use std::process::Command;

const EXPERIMENT: &str = r#"(
    figure: "demo",
    title: "A demonstration",
    claim: "Soft is better than flat.",
    reference: "flat",
    arms: [
        (name: "flat", label: "flat", body: flat()),
        (name: "soft", label: "SoftMoE-4", body: soft_moe(experts: 4)),
    ],
    rules: [higher(says: "soft gains over flat", better: "soft", worse: "flat")],
    profiles: {
        "tiny": (
            purpose: "For tests.",
            leaves_out: ["Almost everything."],
            games: atari([AirRaid, Breakout]),
            seeds: 2,
            encoder: nature,
            hidden: 32,
            agent: rainbow_atari,
            agent_steps: 10_000,
            evaluations: 1,
            evaluation_episodes: 1,
            final_evaluation_episodes: 2,
        ),
    },
)"#;

/// Breakout's human score is 30.5 and its random score 1.7 (dqn_zoo).
#[test]
fn a_game_without_a_human_score_is_left_out_and_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("demo.ron"), EXPERIMENT).unwrap();
    let experiment = Experiment::read(&path("demo.ron")).unwrap();
    let profile = experiment.profile("tiny").unwrap();
    for (arm, score) in [(RANDOM_ARM, 1.7), ("flat", 1.7), ("soft", 30.5)] {
        for game in [AtariGame::AirRaid, AtariGame::Breakout] {
            for seed in 0..2 {
                let mut config = experiment.resolve("tiny", profile, &[arm]).unwrap().swap_remove(0);
                (config.environment, config.seed) = (EnvironmentConfig::atari(game), seed);
                let run = RunDirectory::of(&path("runs"), &config);
                fs::create_dir_all(run.path()).unwrap();
                file::write(&run.run_ron(), &config).unwrap();
                let metrics =
                    format!("episodes,agent_steps,training_return,evaluation_return\n1,10000,,{score}\n");
                fs::write(run.metrics_csv(), metrics).unwrap();
                let done = Done {
                    initial_weights: None,
                    score,
                    returns: vec![score; 2],
                    agent_steps: AgentSteps(10_000),
                    parameters: 1,
                    wall_seconds: 1.0,
                    version: "0.1.0".into(),
                    device: "cpu".into(),
                    sessions: Vec::new(),
                };
                file::write(&run.done_ron(), &done).unwrap();
            }
        }
    }
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("softmoe-report"));
    command.arg("--experiment").arg(path("demo.ron")).args(["--profile", "tiny", "--runs"]).arg(path("runs"));
    let output = command.arg("--out").arg(path("out")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let table = fs::read_to_string(path("out/table.md")).unwrap();
    let verdict = fs::read_to_string(path("out/verdict.md")).unwrap();
    let left_out = "AirRaid is left out of the aggregates: no human score of it is published";
    let stdout = String::from_utf8_lossy(&output.stdout);
    for text in [&*stdout, &table, &verdict] {
        assert!(text.contains(left_out), "{text}");
    }
    // Its scores count for nothing, and are there.
    assert!(table.contains("| SoftMoE-4 | 1.00 [") && table.contains("| flat | 0.00 ["), "{table}");
    assert!(fs::read_to_string(path("out/scores.csv")).unwrap().contains("soft,AirRaid,0,10000,30.5,"));
}
