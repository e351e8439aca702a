//! The installed program, away from any clone: it contains the experiments, and starts the programs beside it.
#![cfg(feature = "front-end")]

use assert_cmd::Command;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Runs `softmoe` in `directory`, as after an installation.
fn softmoe(directory: &TempDir, arguments: &str) -> (Option<i32>, String, String) {
    let mut command = Command::cargo_bin("softmoe").unwrap();
    command.args(arguments.split_whitespace()).current_dir(directory);
    // What `cargo test` sets, and a user's shell does not.
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO").env_remove("SOFTMOE_BINARIES");
    command.env("XDG_CACHE_HOME", directory.path().join("cache"));
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_figure_is_reproduced_without_a_clone() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = "reproduce fig3 --profile smoke --arms flat --seeds 1 --steps 400 --out out \
                     --set training.evaluation_period=200 --set training.final_evaluation_episodes=1 --set agent.min_replay=100";
    let (code, stdout, stderr) = softmoe(&directory, arguments);
    assert_eq!(code, Some(0), "{stdout}\n{stderr}");
    let results = directory.path().join("out/results/fig3/smoke");
    for name in ["figure.svg", "table.md", "scores.csv", "verdict.md"] {
        assert!(results.join(name).is_file(), "{name}: {stdout}");
    }
    // The experiments are written again where they were damaged.
    let held =
        fs::read_dir(directory.path().join("cache/softmoe-rl")).unwrap().next().unwrap().unwrap().path();
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/fig3.ron");
    let ours = fs::read_to_string(ours).unwrap();
    assert_eq!(fs::read_to_string(held.join("fig3.ron")).unwrap(), ours);
    fs::write(held.join("fig3.ron"), "(").unwrap();
    let (code, _, stderr) = softmoe(&directory, "list fig3");
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(fs::read_to_string(held.join("fig3.ron")).unwrap(), ours);
}

#[test]
fn its_texts_name_itself() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [
        "--help",
        "reproduce --help",
        "train --help",
        "atari setup --help",
        "completions --help",
        "list",
        "man pages",
    ] {
        let (code, stdout, stderr) = softmoe(&directory, arguments);
        assert_eq!(code, Some(0), "{arguments}: {stderr}");
        assert!(!stdout.contains("xtask") && !stderr.contains("xtask"), "{arguments}: {stdout}{stderr}");
    }
    for page in fs::read_dir(directory.path().join("pages")).unwrap() {
        let page = page.unwrap().path();
        assert!(!fs::read_to_string(&page).unwrap().contains("xtask"), "{}", page.display());
    }
    let (code, stdout, _) = softmoe(&directory, "--help");
    assert!(code == Some(0) && !stdout.contains("  bench "), "{stdout}");
    let (code, _, stderr) = softmoe(&directory, "bench");
    assert!(code == Some(1) && stderr.contains("a clone of the repository"), "{stderr}");
    let (_, _, stderr) = softmoe(&directory, "reproduce fig33");
    assert!(stderr.contains("fig3"), "{stderr}");
    let (_, _, stderr) = softmoe(&directory, "status");
    assert!(stderr.contains("`softmoe reproduce FIGURE`"), "{stderr}");
}

#[test]
fn a_feature_that_was_not_built_is_named_before_anything_runs() {
    let directory = tempfile::tempdir().unwrap();
    if cfg!(feature = "cuda") || cfg!(feature = "atari") {
        return;
    }
    let (code, _, stderr) = softmoe(&directory, "reproduce fig3 --profile smoke --device cuda --out out");
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("without `cuda`") && stderr.contains("--features cuda"), "{stderr}");
    let (code, _, stderr) = softmoe(&directory, "train --agent der --game Pong --out out");
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("without `atari`"), "{stderr}");
}
