//! `cargo xtask describe` and figures without runs: which network is meant, and what the programs are asked.
#![cfg(unix)]

mod workshop;

use workshop::{Workshop, assert_says};

/// What `cargo xtask describe ARGUMENTS` prints.
#[track_caller]
fn described(arguments: &str) -> String {
    let arguments: Vec<&str> = ["describe"].into_iter().chain(arguments.split_whitespace()).collect();
    let (code, stdout, stderr) = Workshop::new().xtask(&arguments);
    assert_eq!(code, Some(0), "{stderr}");
    stdout
}

#[track_caller]
fn refused(arguments: &str, parts: &[&str]) {
    let arguments: Vec<&str> = ["describe"].into_iter().chain(arguments.split_whitespace()).collect();
    let (code, stdout, stderr) = Workshop::new().xtask(&arguments);
    assert!(matches!(code, Some(1 | 2)), "{stdout}");
    assert_says(&stderr, parts);
}

#[test]
fn an_arm_of_a_figure_with_runs_is_as_it_is_run() {
    let told = described("softmoe-4");
    assert_says(&told, &["SoftMoE-4 of fig1", "body soft_moe(experts: 4)\n", "worker: describe -\n"]);
    assert_says(&told, &["encoder:minatar", "hidden:128", "observation:(10,10,4)", "actions:6"]);
    assert_says(&told, &["categorical(atoms:51,dueling:true,noisy:true)"]);
    assert_says(&described("flat --game seaquest"), &["observation:(10,10,10)"]);
    assert_says(&described("flat-x4 --json"), &["worker: describe - --json\n(network:"]);
}

#[test]
fn another_encoder_comes_at_its_own_size() {
    let told = described("softmoe-4 --encoder impala");
    assert_says(&told, &["impala(width:1)", "hidden:512", "observation:(84,84,4)", "actions:18"]);
    let told = described("softmoe-4 --encoder nature --set network.hidden=256 --set agent.dueling=false");
    assert_says(&told, &["encoder:nature", "hidden:256", "dueling:false"]);
    let told = described("softmoe-4 --set network.body.slots=count(3) --set network.body.experts=7");
    assert_says(&told, &["experts:7", "slots:count(3)"]);
}

#[test]
fn an_arm_that_is_only_drawn_is_as_it_is_drawn() {
    assert_says(&described("tokenized-sum"), &["fig5", "encoder:minatar"]);
    assert_says(
        &described("tokenized-sum --figure fig2"),
        &["fig2", "impala(width:1)", "observation:(84,84,4)"],
    );
    assert_says(&described("flat --figure fig2 --profile minatar"), &["fig2", "encoder:minatar"]);
}

#[test]
fn what_is_mistyped_gets_the_nearest() {
    refused("sofmoe-4", &["no arm `sofmoe-4`; did you mean `softmoe-4`?", "`tokenized-sum`"]);
    refused("softmoe-4 --figure fig33", &["no figure `fig33`; did you mean `fig3`?"]);
    refused("tokenized-sum --figure fig3", &["no arm `tokenized-sum`", "`softmoe-4`"]);
    refused("flat --encoder impalla", &["`--encoder impalla`", "did you mean `impala`?"]);
    refused("flat --profile quik", &["did you mean `quick`?"]);
    refused("flat --game brakeout", &["did you mean `breakout`?"]);
    refused("flat --set network.hiden=3", &["did you mean `network.hidden`?"]);
    refused("flat --set network.hidden=0", &["between 1 and 8192"]);
    refused(
        "tokenized-sum --figure fig2 --encoder nature",
        &["leave out `--encoder`", "`--profile` (atari, minatar)"],
    );
    refused("random", &["has no network"]);
}

#[test]
fn a_figure_without_runs_is_drawn_at_once() {
    let workshop = Workshop::new();
    let (code, stdout, stderr) = workshop.reproduce("fig2");
    assert_eq!(code, Some(0), "{stderr}");
    for name in ["atari", "minatar"] {
        let out = workshop.out().join("results/fig2").join(name);
        assert_says(&stdout, &[&format!("--profile {name}"), &format!("--out {}", out.display())]);
    }
    assert_eq!(workshop.started(), 0, "nothing is trained");
    let (code, stdout, _) = workshop.reproduce("fig2 --profile minatar");
    assert_eq!(code, Some(0));
    assert_eq!(stdout.matches("report: ").count(), 1);
    let (code, stdout, _) = workshop.reproduce("fig2 --dry-run");
    assert_eq!(code, Some(0));
    assert_says(&stdout, &["flat, tokenized-sum, softmoe-4"]);
    assert!(!stdout.contains("report: "));
    for (arguments, says) in [
        ("fig2 --seeds 3", "fig2 needs no training, so `--seeds` does not apply: omit it"),
        ("fig2 --set network.hidden=3", "`--set` does not apply"),
        ("fig2 --profile attari", "did you mean `atari`?"),
    ] {
        let (code, _, stderr) = workshop.reproduce(arguments);
        assert_eq!(code, Some(1));
        assert_says(&stderr, &[says]);
    }
}
