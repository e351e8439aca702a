//! `cargo xtask play` and `evaluate`: which run they find, and the arguments of the programs that they start.
#![cfg(unix)]

mod workshop;

use std::fs;
use std::path::Path;
use workshop::{Workshop, assert_says, finish};

/// A workshop with a run of two arms.
fn workshop() -> Workshop {
    let workshop = Workshop::new();
    let (code, _, stderr) = workshop.reproduce("fig3 --arms flat,softmoe-4 --games breakout --seeds 1");
    assert_eq!(code, Some(0), "{stderr}");
    workshop
}

/// `cargo xtask ARGUMENTS` in `directory`.
fn xtask_in(workshop: &Workshop, directory: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = assert_cmd::Command::new(assert_cmd::cargo::cargo_bin!("xtask"));
    command.args(arguments).env("SOFTMOE_BINARIES", workshop.0.path()).current_dir(directory);
    finish(command)
}

#[test]
fn a_run_is_named_by_its_directory_by_a_file_in_it_or_below_runs() {
    let workshop = workshop();
    let run = workshop.run("softmoe-4/breakout/seed-0");
    let names = [
        "runs/quick/softmoe-4/breakout/seed-0",
        "quick/softmoe-4/breakout/seed-0",
        "runs/quick/softmoe-4/breakout/seed-0/done.ron",
        // The only run there.
        "runs/quick/softmoe-4",
    ];
    for name in names {
        let (code, stdout, stderr) = xtask_in(
            &workshop,
            &workshop.out(),
            &["play", name, "--gif=-a b.gif", "--steps", "5", "--no-overlay"],
        );
        assert_eq!(code, Some(0), "{name}: {stderr}");
        let run = run.canonicalize().unwrap();
        assert_eq!(stdout, format!("play: {} --gif=-a b.gif --steps=5 --no-overlay\n", run.display()));
    }
    let arguments = ["evaluate", "quick/flat/breakout/seed-0", "--episodes", "7", "--seed", "3", "--json"];
    let (code, stdout, stderr) = xtask_in(&workshop, &workshop.out(), &arguments);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &["evaluate ", "flat/breakout/seed-0 --episodes=7 --seed=3 --json"]);
}

#[test]
fn a_run_that_is_not_there_gets_the_nearest_name() {
    let workshop = workshop();
    let refused = |arguments: &[&str], parts: &[&str]| {
        let (code, stdout, stderr) = xtask_in(&workshop, &workshop.out(), arguments);
        assert!(matches!(code, Some(1 | 2)), "{stdout}");
        assert_says(&stderr, parts);
    };
    let gif = ["--gif", "a.gif"];
    let play = |run: &'static str| [["play", run], gif].concat();
    refused(
        &play("runs/quick/sofmoe-4/breakout/seed-0"),
        &["no directory", "has no `sofmoe-4`; did you mean `runs/quick/softmoe-4/breakout/seed-0`?"],
    );
    refused(&play("quick/flat/brekout/seed-0"), &["did you mean `runs/quick/flat/breakout/seed-0`?"]);
    refused(
        &play("run/quick/flat/breakout/seed-0"),
        &["has no `run`; did you mean `runs/quick/flat/breakout/seed-0`?"],
    );
    refused(&play("runs/quick/transformer"), &["has no `transformer`. `cargo xtask status`"]);
    refused(&play("runs"), &["holds 3 runs", "name one of them, e.g. `"]);
    refused(&play("results"), &["holds no run", "runs/quick/softmoe-4/breakout/seed-0"]);
    refused(
        &["evaluate", "runs/quick/flta/breakout/seed-0"],
        &["did you mean `runs/quick/flat/breakout/seed-0`?"],
    );
    // Nothing to show it on.
    refused(
        &["play", "runs/quick/flat/breakout/seed-0"],
        &["no terminal", "--gif FILE", "--mp4 FILE", "--png FILE"],
    );
    refused(&["play"], &["<RUN>"]);
    refused(&["evaluate", "runs/quick/flat", "--episodes", "0"], &["--episodes"]);
    // A damaged configuration.
    fs::write(workshop.run("flat/breakout/seed-0/run.ron"), "(").unwrap();
    refused(&play("runs/quick/flat/breakout/seed-0"), &["run.ron"]);
    // Programs that are not there.
    fs::remove_file(workshop.path("softmoe-play")).unwrap();
    refused(&play("runs/quick/softmoe-4/breakout/seed-0"), &["holds no `softmoe-play`"]);
}
