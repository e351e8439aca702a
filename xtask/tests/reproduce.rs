//! `cargo xtask reproduce` on a worker made of shell: runs are made, reused, and may fail.
#![cfg(unix)]

mod workshop;

use std::fs;
use std::io::BufRead;
use std::process::Stdio;
use workshop::{Workshop, assert_says};

/// Two arms and the random policy, one game, two seeds: six runs.
const SIX: &str = "fig3 --arms flat,softmoe-4 --games breakout --seeds 2";

/// Every figure of a profile; runs that figures share are made once.
#[test]
fn all_figures_of_a_profile_are_reproduced() {
    let workshop = Workshop::new();
    let (code, stdout, stderr) = workshop.reproduce("all --profile smoke");
    assert_eq!(code, Some(0), "{stderr}");
    let line = stdout.lines().next().unwrap();
    let numbers: Vec<usize> =
        line.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
    let [figures, runs, different] = numbers[..] else { panic!("{line}") };
    assert_eq!(workshop.started(), different);
    assert!(different <= runs, "{line}");
    // Figure 2 has two drawings.
    assert_eq!(stdout.matches("report: ").count(), figures + 1);
    let (code, _, stderr) = workshop.reproduce("all --arms flat");
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["`--arms` and `--sweep` are about one figure's arms"]);
    let (code, _, stderr) = workshop.reproduce("all --profile smok");
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["did you mean `smoke`?"]);
}

#[test]
fn runs_are_made_reported_and_reused() {
    let workshop = Workshop::new();
    let six = &format!("{SIX} --steps 40_000");
    let (code, stdout, stderr) = workshop.reproduce(six);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stderr, &["finished: flat breakout seed 1: score 1.50"]);
    assert_says(
        &stdout,
        &[
            "report: --experiment",
            "fig3.ron --profile quick",
            "--arms flat,softmoe-4 --games breakout --seeds 2",
        ],
    );
    assert_says(&stdout, &["Elapsed: "]);
    assert_eq!(workshop.started(), 6);
    for arm in ["random", "flat", "softmoe-4"] {
        let directory = workshop.run(&format!("{arm}/breakout/seed-1"));
        let config = softmoe_config::RunConfig::read(&directory.join("run.ron")).unwrap();
        assert_eq!(config.name(), format!("quick/{arm}/breakout/seed-1"));
        assert!(directory.join("stderr.log").exists());
    }
    // Again: nothing is run, and the time of one more seed is known from the rates: 40,000 steps
    // took 4 s in each of two arms (the random policy takes none).
    let (code, stdout, _) = workshop.reproduce(six);
    assert_eq!(code, Some(0));
    assert_says(&stdout, &["6 finished, 0 to resume, 0 new", "nothing is left to run", "report: "]);
    assert_eq!(workshop.started(), 6);
    let more = six.replace("--seeds 2", "--seeds 3 --jobs 1 --dry-run");
    let (_, stdout, _) = workshop.reproduce(&more);
    assert_says(&stdout, &["6 finished, 0 to resume, 3 new", "about 8 s with 1 job"]);
}

#[test]
fn a_failed_run_does_not_stop_the_others() {
    let workshop = Workshop::new();
    workshop.tell("fail", "flat");
    let (code, stdout, stderr) = workshop.reproduce(SIX);
    assert_eq!(code, Some(1));
    assert_says(
        &stderr,
        &[
            "crashed: flat breakout seed 0: exit status: 3 (the disk is full); it will be started once more",
            "2 runs failed",
            "flat breakout seed 0: exit status: 3 (twice)",
            "| the disk is full",
            "stderr.log",
        ],
    );
    assert_says(&stdout, &["report: "]);
    assert_eq!(workshop.started(), 8);
    // Asked for again, they are the only ones left.
    workshop.untell("fail");
    let (code, _, stderr) = workshop.reproduce(SIX);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(workshop.started(), 10);
    let log = fs::read_to_string(workshop.run("flat/breakout/seed-0/stderr.log")).unwrap();
    assert_eq!(log, "a line before\nthe disk is full\n".repeat(2));
}

#[test]
fn a_run_that_crashes_once_is_finished_in_the_second_try() {
    let workshop = Workshop::new();
    workshop.tell("crash-once", "flat");
    let (code, _, stderr) = workshop.reproduce(SIX);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stderr, &["crashed: flat breakout seed 1: exit status: 3 (error: a passing fault)"]);
    assert_says(&stderr, &["finished: flat breakout seed 1: score 1.50"]);
    assert!(!stderr.contains("failed"), "{stderr}");
    assert_eq!(workshop.started(), 8);
}

/// With a worker, and after the rates of three arms are known, the longest run of each seed begins first.
#[test]
fn seeds_are_run_in_order_and_the_longest_run_of_a_seed_first() {
    let workshop = Workshop::new();
    let one = "fig3 --games breakout --jobs 1 --steps 40_000 --arms flat,softmoe-4";
    workshop.reproduce(&format!("{one} --seeds 1"));
    // SoftMoE-4 took twice as long as flat.
    let done = workshop.run("softmoe-4/breakout/seed-0/done.ron");
    let text = fs::read_to_string(&done).unwrap().replace("wall_seconds: 4.0", "wall_seconds: 8.0");
    fs::write(&done, text).unwrap();
    fs::remove_file(workshop.path("started")).unwrap();
    workshop.reproduce(&format!("{one} --seeds 3"));
    let started = fs::read_to_string(workshop.path("started")).unwrap();
    let arms: Vec<String> =
        started.lines().map(|line| line.rsplit('/').take(3).collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "seed-1 breakout softmoe-4",
        "seed-1 breakout flat",
        "seed-1 breakout random",
        "seed-2 breakout softmoe-4",
        "seed-2 breakout flat",
        "seed-2 breakout random",
    ];
    assert_eq!(arms, expected);
}

#[test]
fn a_worker_that_the_system_kills_is_told_with_the_settings_and_the_others_go_on() {
    let workshop = Workshop::new();
    workshop.tell("kill", "flat");
    let (code, _, stderr) = workshop.reproduce(&format!("{SIX} --jobs 2"));
    assert_eq!(code, Some(1));
    assert_says(
        &stderr,
        &[
            "2 runs failed",
            "flat breakout seed 0: signal: 9 (SIGKILL) (twice)",
            "`--set agent.replay_capacity=..`",
            "`--set agent.replay_compressed=true`",
            "`--jobs 1`",
            "finished: softmoe-4 breakout seed 1",
        ],
    );
    assert_eq!(workshop.started(), 8);
}

/// Compressed frames change no result: runs that are there are taken up as they are.
#[test]
fn compression_is_no_other_run() {
    let workshop = Workshop::new();
    workshop.tell("fail", "softmoe-4");
    let seed = "fig3 --arms flat,softmoe-4 --games breakout --seeds 1";
    workshop.reproduce(seed);
    // One run has failed with a checkpoint.
    let directory = workshop.run("softmoe-4/breakout/seed-0");
    fs::create_dir_all(directory.join("checkpoint")).unwrap();
    fs::write(directory.join("checkpoint/step-000000000005.ckpt"), "").unwrap();
    workshop.untell("fail");
    let compressed = format!("{seed} --set agent.replay_compressed=true");
    let (_, plan, _) = workshop.reproduce(&format!("{compressed} --dry-run"));
    assert_says(
        &plan,
        &["2 finished, 1 to resume, 0 new", "at most 0.007 GB a replay", "frames as sparse as Atari's"],
    );
    let (code, _, stderr) = workshop.reproduce(&compressed);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(fs::read_to_string(directory.join("run.ron")).unwrap().contains("replay_compressed: true"));
}

#[test]
fn a_worker_that_leaves_no_result_has_failed() {
    let workshop = Workshop::new();
    workshop.tell("forget", "");
    let (code, stdout, stderr) = workshop.reproduce(SIX);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["6 runs failed", "left no result", "done.ron"]);
    assert!(!stdout.contains("report: "), "there is nothing to report");
}

/// The log may lie on a full disk.
#[test]
fn a_reason_that_is_not_in_the_log_is_the_workers_last_word() {
    let workshop = Workshop::new();
    let text = fs::read_to_string(workshop.path("softmoe-run")).unwrap();
    let said =
        text.replace("echo \"the disk is full\" >&2", "echo '{\"error\":\"cannot write metrics.csv\"}'");
    fs::write(workshop.path("softmoe-run"), said).unwrap();
    workshop.tell("fail", "flat");
    let (code, _, stderr) = workshop.reproduce(SIX);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["| a line before", "| cannot write metrics.csv"]);
}

#[test]
fn a_run_that_another_worker_makes_is_waited_for() {
    let workshop = Workshop::new();
    let one = "fig3 --arms flat --games breakout --seeds 1";
    workshop.reproduce(one);
    let directory = workshop.run("flat/breakout/seed-0");
    let result = fs::read(directory.join("done.ron")).unwrap();
    fs::remove_file(directory.join("done.ron")).unwrap();
    let lock = fs::File::create(directory.join("lock")).unwrap();
    lock.lock().unwrap();
    let (_, plan, _) = workshop.reproduce(&format!("{one} --dry-run"));
    assert_says(&plan, &["1 finished, 0 to resume, 0 new, 1 running elsewhere"]);

    let mut runner = workshop.command(one).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufReader::new(runner.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(
        lines.next().unwrap(),
        "flat breakout seed 0: already being trained by another process; waiting"
    );
    fs::write(directory.join("done.ron"), result).unwrap();
    lock.unlock().unwrap();
    assert_eq!(lines.next().unwrap(), "finished by another process: flat breakout seed 0: score 1.50");
    assert_eq!(runner.wait().unwrap().code(), Some(0));
    assert_eq!(workshop.started(), 2);
}
