//! `cargo xtask report`: the arguments of the reporter that it starts.

mod workshop;

use workshop::{Workshop, assert_says};

#[test]
fn the_reporter_writes_the_page_of_the_results() {
    let workshop = Workshop::new();
    let out = workshop.out().display().to_string();
    let (code, _, stderr) = workshop.xtask(&["report", "--out", &out]);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["there are no results in", &out, "cargo xtask reproduce fig3 --profile smoke"]);

    let (code, stdout, stderr) = workshop.reproduce("fig3 --arms flat --games breakout --seeds 1");
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &[&format!("All results on one page: cargo xtask report --out {out}\n")]);

    let (code, stdout, stderr) =
        workshop.xtask(&["report", "--out", &out, "--profile", "quick", "--profile", "smoke"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &[&format!("report: page {out} --profile quick --profile smoke\n")]);
}

#[test]
fn a_reporter_that_fails_is_told() {
    let workshop = Workshop::new();
    std::fs::create_dir_all(workshop.out().join("results")).unwrap();
    workshop.tell("softmoe-report", "#!/bin/sh\necho 'error: the disk is full' >&2\nexit 1\n");
    let (code, _, stderr) = workshop.xtask(&["report", "--out", &workshop.out().display().to_string()]);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["error: the disk is full", "the page could not be written"]);
}
