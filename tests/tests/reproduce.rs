//! `cargo xtask reproduce` from the command line to the report, with real workers, at the smallest size.
#![cfg(unix)]

use softmoe_config::{AgentConfig, Done, RunConfig, RunDirectory, file};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The directory of the programs that take part, built as this test was.
fn programs() -> PathBuf {
    // This test is <target>/<profile>/deps/reproduce-<hash>.
    let test = std::env::current_exe().unwrap();
    let directory = test.parent().and_then(Path::parent).unwrap().to_owned();
    let mut build = Command::new(env!("CARGO"));
    // All targets, so that the features of dependencies are those of `cargo test --workspace`: after it there is
    // nothing to build.
    build.args(["build", "--quiet", "--workspace", "--bins", "--tests", "--manifest-path"]);
    build.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"));
    build.arg("--target-dir").arg(directory.parent().unwrap());
    match directory.file_name().and_then(|name| name.to_str()).unwrap() {
        "debug" => {}
        profile => {
            build.args(["--profile", profile]);
        }
    }
    assert!(build.status().unwrap().success(), "the programs cannot be built");
    directory
}

/// Figure 3 with two arms and the random policy, on one game, a few hundred steps long.
fn reproduce(programs: &Path, out: &Path, seeds: u64) -> String {
    let mut command = Command::new(programs.join("xtask"));
    command.args(["reproduce", "fig3", "--games", "breakout", "--arms", "flat,softmoe-4", "--steps", "600"]);
    for setting in [
        "agent.min_replay=100",
        "network.hidden=16",
        "training.evaluation_episodes=2",
        "training.final_evaluation_episodes=2",
    ] {
        command.args(["--set", setting]);
    }
    command.arg("--seeds").arg(seeds.to_string()).arg("--out").arg(out);
    let output = command.env("SOFTMOE_BINARIES", programs).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(!stderr.contains("panicked") && !stderr.contains("warning"), "{stderr}");
    stdout.into_owned()
}

/// The run directory of an arm and seed.
fn run(out: &Path, arm: &str, seed: u64) -> RunDirectory {
    RunDirectory::new(out.join(format!("runs/quick/{arm}/breakout/seed-{seed}")))
}

const ARMS: [&str; 3] = ["random", "flat", "softmoe-4"];

/// Checks every run and every file of the report.
fn assert_results(out: &Path, seeds: u64) {
    let results = out.join("results/fig3/quick");
    let text = |name: &str| fs::read_to_string(results.join(name)).unwrap();

    let mut wanted = BTreeSet::from(["arm,game,seed,agent_steps,score".to_owned()]);
    for arm in ARMS {
        for seed in 0..seeds {
            let files = run(out, arm, seed);
            let config = RunConfig::read(&files.run_ron()).unwrap();
            assert_eq!(config.name(), format!("quick/{arm}/breakout/seed-{seed}"));
            let done: Done = file::read(&files.done_ron()).unwrap();
            let learns = config.agent != AgentConfig::Random;
            assert_eq!(done.agent_steps.0, if learns { 600 } else { 0 });
            assert_eq!((done.returns.len(), done.parameters > 0), (2, learns));
            assert_eq!(done.score, done.returns.iter().sum::<f64>() / 2.0);
            assert_eq!(files.weights().exists(), learns);
            wanted.insert(format!("{arm},breakout,{seed},{},{}", done.agent_steps, done.score));
        }
    }
    let scores = text("scores.csv");
    // The last columns are the mean of evaluations, which `metrics.csv` has, and the normalised score, which runs this short do not have.
    let rows: Vec<(&str, &str)> =
        scores.lines().map(|line| line.rsplit_once(',').unwrap().0.rsplit_once(',').unwrap()).collect();
    assert_eq!(rows[0].1, "second_half");
    assert!(rows[1..].iter().all(|(_, mean)| mean.parse::<f64>().is_ok_and(f64::is_finite)), "{scores}");
    assert_eq!(rows.into_iter().map(|(row, _)| row.to_owned()).collect::<BTreeSet<_>>(), wanted);

    for name in ["figure.svg", "curves.svg"] {
        let picture = text(name);
        assert!(picture.contains("<svg") && picture.trim_end().ends_with("</svg>"), "{name}");
    }
    assert!(fs::read(results.join("figure.png")).unwrap().starts_with(b"\x89PNG\r\n\x1a\n"));
    for arm in ["flat", "SoftMoE-4"] {
        assert!(text("table.md").contains(arm), "{arm}");
    }
    assert!(!text("verdict.md").trim().is_empty());
}

/// When each run was finished.
fn finished(out: &Path, seed: u64) -> Vec<SystemTime> {
    let time = |arm| fs::metadata(run(out, arm, seed).done_ron()).unwrap().modified().unwrap();
    ARMS.map(time).into()
}

#[test]
fn a_figure_is_reproduced_reused_and_extended() {
    let programs = programs();
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");

    let plan = reproduce(&programs, &out, 1);
    assert!(plan.contains("0 finished, 0 to resume, 3 new"), "{plan}");
    assert_results(&out, 1);
    let first = finished(&out, 0);

    let plan = reproduce(&programs, &out, 1);
    assert!(plan.contains("3 finished, 0 to resume, 0 new"), "{plan}");
    assert_results(&out, 1);

    let plan = reproduce(&programs, &out, 2);
    assert!(plan.contains("3 finished, 0 to resume, 3 new"), "{plan}");
    assert_results(&out, 2);
    assert_eq!(finished(&out, 0), first, "no run is made twice");
}
