//! The runner works from any directory, and in a checkout whose path has spaces and letters beyond ASCII.
#![cfg(unix)]

mod workshop;

use std::fs;
use std::path::Path;
use std::process::Command;
use workshop::{Workshop, assert_says, finish};

/// Cargo would take a path in an alias from the current directory, and build everything again in each.
#[test]
fn the_alias_has_no_path() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cargo/config.toml");
    let config = fs::read_to_string(config).unwrap();
    let alias = config.lines().find_map(|line| line.strip_prefix("xtask = ")).unwrap();
    let words: Vec<&str> = alias.trim_matches('"').split_whitespace().collect();
    assert_eq!(words, ["run", "--profile", "xtask", "--package", "xtask", "--"]);
}

#[test]
fn a_checkout_may_have_any_name() {
    let workshop = Workshop::new();
    let checkout = workshop.path("Übung mit Leerzeichen, 試");
    let experiments = checkout.join("experiments");
    fs::create_dir_all(&experiments).unwrap();
    for name in ["fig3.ron", "profiles.ron"] {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../experiments").join(name);
        fs::copy(ours, experiments.join(name)).unwrap();
    }
    // The programs lie there too, as after a build.
    let programs = checkout.join("target/release");
    fs::create_dir_all(&programs).unwrap();
    for name in ["softmoe-run", "softmoe-report"] {
        fs::rename(workshop.path(name), programs.join(name)).unwrap();
    }
    let run = |arguments: &str| {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("xtask"));
        command.args(arguments.split_whitespace()).current_dir(&experiments);
        // Cargo sets the first one for `cargo xtask`.
        command.env("CARGO_MANIFEST_DIR", checkout.join("xtask")).env("SOFTMOE_BINARIES", &programs);
        finish(assert_cmd::Command::from_std(command))
    };
    let (code, stdout, stderr) = run("list");
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &["fig3: ", "profile quick"]);
    let arguments = "reproduce fig3 --arms flat --games breakout --seeds 1 --out ä/ö";
    let (code, stdout, stderr) = run(arguments);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &["2 new", "report: "]);
    let done = experiments.join("ä/ö/runs/quick/flat/breakout/seed-0/done.ron");
    assert!(done.exists());
    let (_, stdout, _) = run(arguments);
    assert_says(&stdout, &["2 finished, 0 to resume, 0 new"]);
    // A worker that is stopped has its command said as a shell reads it.
    fs::remove_file(done).unwrap();
    fs::write(programs.join("stop"), "flat").unwrap();
    let (code, _, stderr) = run(arguments);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["a signal stopped only this worker"]);
}
