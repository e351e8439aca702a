//! What the worker says to a run.ron that is none.
#![cfg(unix)]

mod worker;

use std::fs;
use std::process::Command;
use worker::{FLAT, Run, assert_says, config, ended, quiet};

/// Replaces a text in a run.ron and starts the worker, which must refuse.
#[track_caller]
fn assert_refused(from: &str, to: &str, parts: &[&str]) {
    let run = Run::new(&config(FLAT));
    let path = run.files().run_ron();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
    let ended = run.work();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_says(&ended.stderr, parts);
    assert!(!run.files().metrics_csv().exists());
}

/// The line of the run.ron that a text stands in, as messages give it.
fn line_of(text: &str) -> String {
    let run = Run::new(&config(FLAT));
    let lines = fs::read_to_string(run.files().run_ron()).unwrap();
    let line = lines.lines().position(|line| line.contains(text)).unwrap();
    format!("run.ron:{}:", line + 1)
}

#[test]
fn an_unknown_field_is_told_with_its_place_and_the_nearest() {
    let line = line_of("n_step:");
    assert_refused("n_step:", "n_steps:", &[&line, "`n_steps`", "did you mean `n_step`?", "`agent"]);
}

#[test]
fn a_wrong_type_is_told_with_its_place_and_field() {
    let line = line_of("hidden: 16");
    assert_refused("hidden: 16", "hidden: \"wide\"", &[&line, "`network.hidden`", "expected"]);
    assert_refused(
        "game: breakout",
        "game: brakout",
        &["`environment.minatar.game`", "did you mean `breakout`?"],
    );
}

#[test]
fn a_value_out_of_range_is_told_with_the_rule() {
    assert_refused(
        "discount: 0.99",
        "discount: 1.5",
        &["quick/arm/breakout/seed-1", "`agent.discount` is 1.5 but must be between 0 and 1"],
    );
    assert_refused(
        "batch_size: 16",
        "batch_size: 0",
        &["`agent.batch_size` is 0 but must be between 1 and 4096"],
    );
    assert_refused("atoms: 51", "atoms: 1", &["`agent.loss.atoms` is 1 but must be between 2 and 1001"]);
    assert_refused(
        "min_replay: 120",
        "min_replay: 401",
        &["`agent.min_replay` is 401", "replay_capacity = 400"],
    );
}

#[test]
fn a_text_that_breaks_off_is_told() {
    let run = Run::new(&config(FLAT));
    let path = run.files().run_ron();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    let ended = run.work();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_says(&ended.stderr, &["run.ron:"]);
}

#[test]
fn a_network_that_does_not_fit_the_game_is_told() {
    let mut config = config(FLAT);
    config.network.encoder = softmoe_config::EncoderSpec::Nature;
    let ended = Run::new(&config).work();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_says(
        &ended.stderr,
        &["`network.encoder` is nature", "10x10 pixels", "--set network.encoder=minatar"],
    );
}

#[test]
fn what_is_no_file_is_told() {
    let directory = tempfile::tempdir().unwrap();
    for (path, says) in
        [(directory.path().to_owned(), "directory"), (directory.path().join("none"), "No such file")]
    {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("softmoe-run"));
        command.arg(&path).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let ended = ended(command);
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert_says(&ended.stderr, &["cannot read", &path.display().to_string(), says]);
    }
}

#[test]
fn options_and_files_that_are_wrong_are_told_with_what_is_allowed() {
    let run = Run::new(&config(FLAT));
    let worker = |arguments: &[&str]| {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("softmoe-run"));
        command.args(arguments);
        ended(quiet(command))
    };
    let run_ron = run.files().run_ron();
    for threads in ["0", "-1", "many", "99999999999"] {
        let ended = worker(&[run_ron.to_str().unwrap(), "--threads", threads]);
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert_says(&ended.stderr, &["'--threads <N>'", "must be a whole number from 1 to 4096"]);
    }
    let other = run.path().join("metrics.csv");
    fs::write(&other, "agent_steps\n0\n").unwrap();
    let ended = worker(&["describe", other.to_str().unwrap()]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_says(
        &ended.stderr,
        &["`describe` takes a run.ron, a weights.safetensors, or `-`", "metrics.csv:1:"],
    );
}
