//! `cargo xtask status` and `watch` on run directories.
#![cfg(unix)]

mod workshop;

use serde_json::Value;
use std::fs::{self, File};
use std::io::Write;
use workshop::{Workshop, assert_says};

/// Six runs: two are done, one is running on its second evaluation, one has failed, one was stopped, one waits.
fn six(workshop: &Workshop) -> File {
    workshop.reproduce("fig3 --arms flat,softmoe-4 --games breakout --seeds 2 --steps 40_000");
    for (run, checkpoint) in [
        ("flat/breakout/seed-1", Some(24_000)),
        ("softmoe-4/breakout/seed-0", Some(8_000)),
        ("softmoe-4/breakout/seed-1", Some(16_000)),
        ("random/breakout/seed-1", None),
    ] {
        let directory = workshop.run(run);
        fs::remove_file(directory.join("done.ron")).unwrap();
        if let Some(steps) = checkpoint {
            fs::create_dir(directory.join("checkpoint")).unwrap();
            fs::write(directory.join(format!("checkpoint/step-{steps:012}.ckpt")), "").unwrap();
        }
    }
    let running = workshop.run("flat/breakout/seed-1");
    let rows = "agent_steps,episodes,training_return,evaluation_return,updates,loss,agent_steps_per_second,wall_seconds\n\
                16000,9,,1.5,9,,9000,2\n32000,9,,4.25,9,,8000,4\n";
    fs::write(running.join("metrics.csv"), rows).unwrap();
    let log = workshop.run("softmoe-4/breakout/seed-0").join("stderr.log");
    let mut log = fs::OpenOptions::new().append(true).open(log).unwrap();
    writeln!(log, "error: run quick/softmoe-4/breakout/seed-0 stopped: no space left\n").unwrap();
    let lock = File::create(running.join("lock")).unwrap();
    lock.lock().unwrap();
    lock
}

#[test]
fn the_state_of_every_run_is_told() {
    let workshop = Workshop::new();
    let _lock = six(&workshop);
    let out = workshop.out();
    let out = out.to_str().unwrap();
    let (code, stdout, stderr) = workshop.xtask(&["status", "--out", out]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(
        &stdout,
        &[
            "profile quick",
            "breakout",
            "1 of 2 done, 1 at 80%",
            "0 of 2 done, 1 stopped, 1 failed",
            "2 done, 1 running, 1 failed, 1 stopped, 1 waiting; about ",
            "flat breakout 1",
            "8.0k/s",
            "4.25",
            "failed: softmoe-4 breakout 0: no space left\n",
        ],
    );
    assert!(stdout.lines().all(|line| line.chars().count() <= 79), "{stdout}");

    let (_, json, _) = workshop.xtask(&["status", "fig3", "--profile", "quick", "--out", out, "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let number = |key: &str| json[key].as_u64().unwrap();
    assert_eq!(["done", "running", "failed", "stopped", "waiting"].map(number), [2, 1, 1, 1, 1], "{json}");
    let runs = json["runs"].as_array().unwrap();
    let run =
        |arm: &str, seed: u64| runs.iter().find(|run| run["arm"] == arm && run["seed"] == seed).unwrap();
    let running = run("flat", 1);
    assert_eq!((&running["state"], &running["agent_steps"]), (&"running".into(), &32_000.into()));
    assert_eq!((&running["of"], &running["returns"]), (&40_000.into(), &serde_json::json!([1.5, 4.25])));
    assert_eq!(run("softmoe-4", 1)["state"], "stopped");
    assert_eq!(run("random", 1)["state"], "waiting");

    // 24,000 and 32,000 steps are left of SoftMoE-4, 8,000 of flat, all at flat's rates: 40,000 in 4 s, and 8,000 a second.
    let seconds = json["seconds_left"].as_f64().unwrap();
    assert!((seconds - 64_000.0 / 9_000.0).abs() < 1.0, "{seconds}");
}

#[test]
fn a_directory_without_runs_is_said_to_have_none() {
    let workshop = Workshop::new();
    let out = workshop.path("nothing");
    let (code, _, stderr) = workshop.xtask(&["status", "fig3", "--out", out.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["there are no runs of fig3 in", "nothing/runs", "--out DIR"]);
    let (code, _, stderr) = workshop.xtask(&["status", "fig33", "--out", out.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["did you mean `fig3`?"]);
}

#[test]
fn watching_ends_with_the_last_run() {
    let workshop = Workshop::new();
    workshop.reproduce("fig3 --arms flat --games breakout --seeds 1");
    let out = workshop.out();
    let (code, stdout, stderr) = workshop.xtask(&["watch", "--out", out.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &["profile quick", "2 done"]);
}

#[test]
fn the_scores_of_two_directories_stand_side_by_side() {
    let workshop = Workshop::new();
    workshop.reproduce("fig3 --arms flat --games breakout --seeds 3");
    let (a, b) = (workshop.path("a"), workshop.path("b"));
    for directory in [&a, &b] {
        fs::create_dir(directory).unwrap();
    }
    fs::rename(workshop.out().join("runs"), a.join("runs")).unwrap();
    workshop.reproduce("fig3 --arms flat,softmoe-4 --games breakout --seeds 3");
    fs::rename(workshop.out().join("runs"), b.join("runs")).unwrap();
    for (directory, scores) in [(&a, ["1.0", "2.0", "3.0"]), (&b, ["4.0", "6.0", "5.0"])] {
        for (seed, score) in scores.iter().enumerate() {
            let done = directory.join(format!("runs/quick/flat/breakout/seed-{seed}/done.ron"));
            let text = fs::read_to_string(&done).unwrap().replace("score: 1.5", &format!("score: {score}"));
            fs::write(done, text).unwrap();
        }
    }
    let [a, b] = [&a, &b].map(|path| path.to_str().unwrap());
    let (code, stdout, stderr) = workshop.xtask(&["compare", a, b]);
    assert_eq!(code, Some(0), "{stderr}");
    // Standard deviations of 1: a standard error of 0.816 with Welch's (1947) 6 degrees of freedom, so 2.447 x 0.816 = 2.00.
    assert_says(
        &stdout,
        &["flat", "2.00 (3)", "5.00 (3)", "3.00 [1.00, 5.00]", "only in B: 1 arm-game pair"],
    );
    let (_, json, _) = workshop.xtask(&["compare", a, b, "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let flat = json.as_array().unwrap().iter().find(|row| row["arm"] == "flat").unwrap();
    assert_eq!((&flat["a"], &flat["difference"]), (&serde_json::json!([1.0, 2.0, 3.0]), &3.0.into()));
    let (code, _, stderr) = workshop.xtask(&["compare", a, workshop.path("c").to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["there is no finished run in"]);
}
