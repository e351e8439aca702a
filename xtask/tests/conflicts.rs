//! Files that are in the way of `cargo xtask reproduce`, or damaged.
#![cfg(unix)]

mod workshop;

use std::fs;
use workshop::{Workshop, assert_says, hints};

/// Two arms and the random policy, one game, two seeds: six runs.
const SIX: &str = "fig3 --arms flat,softmoe-4 --games breakout --seeds 2";

#[test]
fn a_result_that_cannot_be_read_is_moved_aside() {
    let workshop = Workshop::new();
    workshop.reproduce(SIX);
    let directory = workshop.run("flat/breakout/seed-0");
    fs::write(directory.join("done.ron"), "(score: 1.5, retu").unwrap();
    let (code, stdout, stderr) = workshop.reproduce(SIX);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &["5 finished, 1 to resume, 0 new"]);
    assert_says(
        &stderr,
        &["done.ron:1:", "moved to", "done.ron.broken; the run has no checkpoint any more and begins anew"],
    );
    assert_eq!(fs::read_to_string(directory.join("done.ron.broken")).unwrap(), "(score: 1.5, retu");
    assert_eq!(workshop.started(), 7);
}

#[test]
fn runs_made_with_other_values_are_never_overwritten() {
    let workshop = Workshop::new();
    workshop.reproduce(&format!("{SIX} --set agent.n_step=5 --steps 10_000"));
    let done = workshop.run("flat/breakout/seed-0/done.ron");
    let before = fs::read(&done).unwrap();
    let (code, _, stderr) = workshop.reproduce(SIX);
    assert_eq!(code, Some(1));
    assert_says(
        &stderr,
        &[
            "run.ron has a different configuration",
            "training.agent_steps: 10000 there",
            "A run cannot be made longer",
            // Those of the random policy are the same.
            "(and 3 other runs like it)",
            "--steps 10000",
            "--out DIR",
        ],
    );
    assert_eq!(hints(&stderr).len(), 1, "{stderr}");
    assert_eq!(fs::read(&done).unwrap(), before);
    assert_eq!(workshop.started(), 6);
    // What the message says to type does reuse them.
    let (code, stdout, _) = workshop.reproduce(&format!("{SIX} --steps 10000 --set agent.n_step=5"));
    assert_eq!(code, Some(0));
    assert_says(&stdout, &["6 finished"]);
}

/// Paths that a shell or a program could take for something else.
#[test]
fn odd_directories_are_no_other_than_the_rest() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    let not_utf_8 = OsString::from_vec(b"runs \xff".to_vec());
    for out in [OsString::from("it's $HOME; a `directory`"), OsString::from("--dry"), not_utf_8] {
        let workshop = Workshop::new();
        workshop.tell("fail", "flat");
        let runner = || {
            let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("xtask"));
            let mut option = OsString::from("--out=");
            option.push(&out);
            command.args("reproduce fig3 --arms flat --games breakout --seeds 1".split(' ')).arg(option);
            command.env("SOFTMOE_BINARIES", workshop.path("")).current_dir(workshop.path(""));
            command
        };
        let (code, stdout, stderr) = workshop.finish(runner());
        assert_eq!(code, Some(1), "{stderr}");
        assert_says(&stderr, &["To retry them: "]);
        assert_says(&stdout, &["report: "]);
        assert!(workshop.0.path().join(&out).join("runs/quick").is_dir());
        workshop.untell("fail");
        let (code, stdout, stderr) = workshop.finish(runner());
        assert_eq!(code, Some(0), "{stderr}");
        assert_says(&stdout, &["1 finished, 0 to resume, 1 new"]);
    }
}

#[test]
fn a_result_that_cannot_be_read_is_put_together_from_the_rest() {
    let workshop = Workshop::new();
    let one = "fig3 --arms flat --games breakout --seeds 1 --steps 20k";
    workshop.reproduce(one);
    let directory = workshop.run("flat/breakout/seed-0");
    let damaged = "(score: 1.5, returns: [1.0, 2.0], agent_steps: 20000, parameters: 7, wall_sec\u{fffd}";
    fs::write(directory.join("done.ron"), damaged).unwrap();
    fs::write(directory.join("weights.safetensors"), "").unwrap();
    let rows = "agent_steps,episodes,training_return,evaluation_return,updates,loss,agent_steps_per_second,wall_seconds\n\
                10000,1,,1.0,0,,1.0,10.0\n20000,2,1.5,1.75,9,0.5,1.0,20.5\n";
    fs::write(directory.join("metrics.csv"), rows).unwrap();
    let (code, _, stderr) = workshop.reproduce(one);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stderr, &["done.ron.broken; its score was put together from the run's metrics"]);
    let done: softmoe_config::Done = softmoe_config::file::read(&directory.join("done.ron")).unwrap();
    assert_eq!((done.score, done.parameters, done.agent_steps.0, done.wall_seconds), (1.75, 7, 20_000, 20.5));
    assert_eq!(done.device, "unknown");
    assert_says(&workshop.reproduce(one).1, &["2 finished"]);
}

#[test]
fn a_first_attempt_that_came_to_nothing_is_not_in_the_way() {
    let workshop = Workshop::new();
    workshop.tell("fail", "flat");
    workshop.reproduce(&format!("{SIX} --set agent.n_step=5"));
    workshop.untell("fail");
    // `random` and `softmoe-4` are finished with other values; `flat` has only its configuration.
    let flat = "fig3 --arms flat --games breakout --seeds 2";
    fs::remove_dir_all(workshop.run("random")).unwrap();
    let (code, stdout, stderr) = workshop.reproduce(flat);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &["0 finished, 0 to resume, 4 new"]);
    let config = softmoe_config::RunConfig::read(&workshop.run("flat/breakout/seed-0/run.ron")).unwrap();
    assert!(matches!(config.agent, softmoe_config::AgentConfig::Learning(agent) if agent.n_step == 3));
}
