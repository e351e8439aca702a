//! What the user mistypes: the value, the rule, and what to type; never a panic, never a file touched.
#![cfg(unix)]

mod workshop;

use assert_cmd::Command;
use std::fs;
use std::process::Stdio;
use workshop::{Workshop, assert_says, finish};

/// Asserts that the arguments are refused with a message of these parts, before any file is written.
#[track_caller]
fn refused(arguments: &str, parts: &[&str]) {
    let workshop = Workshop::new();
    let (code, _, stderr) = workshop.reproduce(arguments);
    assert!(matches!(code, Some(1 | 2)), "{arguments}: {code:?}");
    assert_says(&stderr, parts);
    assert!(!workshop.out().exists(), "{arguments}");
    assert_eq!(workshop.started(), 0);
    // Settings that it tells to make are accepted in the place of the refused ones.
    let told = stderr.split("`--set ").skip(1).filter_map(|rest| rest.split('`').next());
    let told: Vec<&str> = told.filter(|setting| !setting.contains("..")).collect();
    if !told.is_empty() {
        let settings: Vec<String> = told.iter().map(|setting| format!("--set {setting}")).collect();
        let instead = format!("{arguments} {} --dry-run", settings.join(" "));
        let (code, _, stderr) = workshop.reproduce(&instead);
        assert_eq!(code, Some(0), "{instead}\n{stderr}");
    }
}

#[test]
fn names() {
    refused("figure3", &["no figure `figure3`. Allowed: "]);
    refused("fig33", &["no figure `fig33`", "did you mean `fig3`?", "Allowed: "]);
    refused(
        "fig3 --arms flat,sofmoe-4",
        &["no arm `sofmoe-4`", "did you mean `softmoe-4`?", "`expert-choice-4`"],
    );
    refused(
        "fig3 --arms softmoe-6",
        &["The like: `--arms softmoe-4 --set network.body.experts=6 --out DIR`"],
    );
    refused("fig3 --games breakuot", &["no game `breakuot`", "did you mean `breakout`?", "`space_invaders`"]);
    refused("fig3 --agent dqn", &["no agent `dqn`", "did you mean `dqn_atari`?", "`der_minatar`"]);
    refused("fig3 --agent dqn_minitar", &["no agent `dqn_minitar`", "did you mean `dqn_minatar`?"]);
    refused("fig3 --profile quik", &["no profile `quik`", "did you mean `quick`?", "`minatar`"]);
    refused("fig3 --profile papre", &["no profile `papre`", "did you mean `paper`?", "`atari100k`"]);
    refused("app-cnn --profile paper", &["no profile `paper`", "did you mean `paper-cnn`?"]);
    refused("fig3 --profile paper --games Pongg", &["no game `Pongg`", "did you mean `Pong`?"]);
    refused("fig3 --profile paper --games atari-60", &["no game `atari-60`", "did you mean `atari60`?"]);
    refused("fig3 --games atari20", &["no game `atari20`", "`breakout`"]);
    refused("fig5 --arms cnn-flat", &["does not have the arm `cnn-flat`", "tokenized-sum"]);
    refused("fig3 --device wpgu", &["no device `wpgu`", "did you mean `wgpu`?", "`flex`"]);
    refused("fig3 --device cuda:0,cpu", &["`cuda:0` and `cpu` are of different kinds"]);
    refused("fig3 --device cuda:1,cuda:1", &["`cuda:1` is given twice"]);
    refused(
        "fig3 --device gpu",
        &["no device `gpu`: choose `cuda` for a card of NVIDIA, or `wgpu`", "`cuda:1`"],
    );
    refused("fig3 --profile atari", &["no profile `atari`; did you mean `atari100k`?"]);
    refused("fig3 --set network.body=soft_moe(experts:4", &["a `)` is missing at the end"]);
    refused("fig3 --set network.body=soft_moe(experts:4,slots:count(2)", &["a `)` is missing at the end"]);
    refused("fig2 --device flex", &["needs no training", "`--device` does not apply"]);
    refused(
        "fig3 --set network.body=device_only(body:attention())",
        &["`attention(layers:1)` has only a device forward", "use `--device flex`"],
    );
    refused(
        "fig3 --device flex --set network.body=device_only(body:atention())",
        &["atention", "did you mean `attention`?"],
    );
    refused(
        "fig3 --device flex --set network.body=device_only(body:attention(layers:9999))",
        &["`network.body.body.layers` is 9999 but must be at most 1024"],
    );
    refused("fig3 --sead 3", &["--sead", "--seeds"]);
}

#[test]
fn settings() {
    refused(
        "fig3 --set agent.nstep=5",
        &["no key `agent.nstep`", "did you mean `agent.n_step`?", "`agent.loss.v_max`"],
    );
    refused("fig3 --set n_step=5", &["agent.n_step"]);
    refused("fig3 --set agent.n_step=x", &["whole number", "e.g. `agent.n_step=3`"]);
    refused("fig3 --set agent.n_step=-1", &["whole number"]);
    refused("fig3 --set agent.n_step=0", &["`agent.n_step` is 0 but must be between 1 and 1000"]);
    refused("fig3 --set agent.discount=nan", &["finite number"]);
    refused("fig3 --set agent.noisy=yes", &["`true` or `false`"]);
    refused("fig3 --set agent.n_step", &["key=value"]);
    refused("fig3 --set seed=3", &["--seeds"]);
    refused("fig3 --set agent=dqn_minatar", &["`--agent`"]);
    refused("fig3 --set agent.v_max=5", &["did you mean `agent.loss.v_max`?"]);
    refused("fig3 --agent dqn_minatar --set agent.loss=hubert", &["did you mean `huber`?"]);
    refused("fig3 --agent dqn_minatar --set agent.atoms=11", &["no key `agent.atoms`"]);
    refused("fig3 --set network.encoder=impala", &["impala", "minatar"]);
    refused("fig3 --set network.body.slots=all", &["all", "tokens_over_experts"]);
    refused("fig3 --set network.body.slots=token", &["did you mean `tokens`?"]);
    refused("fig3 --set network.body.experts=0", &["between 1 and 256", "experts=4"]);
    refused(
        "fig3 --set network.encoder=impala",
        &["takes observations of 10x10 pixels, not of 84x84", "encoder=minatar"],
    );
    refused("fig3 --set network.hidden=99999999999", &["between 1 and 8192"]);
    refused("fig3 --set agent.noisy=false", &["`--set agent.epsilon_train=0.01`"]);
}

#[test]
fn numbers() {
    for option in ["seeds", "steps", "jobs"] {
        refused(&format!("fig3 --{option} 0"), &["must be at least 1"]);
        refused(&format!("fig3 --{option} many"), &["must be a whole number"]);
    }
    for wrong in ["-1", "1.5", "1e-3", "2X", "1e30", "k"] {
        refused(&format!("fig3 --jobs {wrong}"), &["'--jobs <N>'", "must be a whole number of at least 1"]);
    }
    refused("fig3 --seeds 99999999999", &["must be at most 1000"]);
    for (given, told) in
        [("1e6", "1,000,000"), ("100k", "100,000"), ("2M", "2,000,000"), ("40_000", "40,000")]
    {
        let (code, plan, _) = Workshop::new().reproduce(&format!("fig3 --dry-run --steps {given}"));
        assert_eq!(code, Some(0));
        assert_says(&plan, &[&format!("{told} agent steps each")]);
    }
    let (_, plan, _) = Workshop::new().reproduce("fig3 --dry-run --set agent.min_replay=2k");
    assert_says(&plan, &["agent.min_replay=2k"]);
}

#[test]
fn an_out_that_is_a_file() {
    let workshop = Workshop::new();
    fs::write(workshop.out(), "precious").unwrap();
    let (code, _, stderr) = workshop.reproduce("fig3");
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["is a file but must be a directory", "--out DIR"]);
    assert_eq!(fs::read_to_string(workshop.out()).unwrap(), "precious");
}

/// `/proc` cannot be written even by root.
#[cfg(target_os = "linux")]
#[test]
fn an_out_that_cannot_be_written() {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("xtask"));
    command.args(["reproduce", "fig3", "--out", "/proc/softmoe"]);
    let (code, _, stderr) = finish(command);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["cannot make /proc/softmoe", "--out DIR"]);
}

#[test]
fn results_without_a_configuration() {
    let workshop = Workshop::new();
    let directory = workshop.run("flat/breakout/seed-0");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("done.ron"), "()").unwrap();
    let (code, _, stderr) = workshop.reproduce("fig3");
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["holds the files of a run but no run.ron", "Move the directory away"]);
}

#[test]
fn a_configuration_that_cannot_be_read() {
    let workshop = Workshop::new();
    let directory = workshop.run("flat/breakout/seed-0");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("run.ron"), "(version: 3, profile: 3)").unwrap();
    fs::write(directory.join("metrics.csv"), "agent_steps\n0\n").unwrap();
    let (code, _, stderr) = workshop.reproduce("fig3");
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["run.ron:1:", "`profile`"]);
    fs::write(directory.join("run.ron"), "(figure: \"fig3\")").unwrap();
    let (code, _, stderr) = workshop.reproduce("fig3");
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["run.ron is a run of version 1", "--out DIR"]);
}

#[test]
fn programs_that_are_not_there() {
    let workshop = Workshop::new();
    fs::remove_file(workshop.path("softmoe-report")).unwrap();
    let (code, _, stderr) = workshop.reproduce("fig3");
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["SOFTMOE_BINARIES", "softmoe-report"]);
}

#[test]
fn the_list_and_the_completions_print() {
    for (arguments, part) in [
        (
            vec!["list"],
            "fig3: The components of SoftMoE\n  profile atari-smoke: 18 runs (3 arms x 2 games x 3 seeds), about ",
        ),
        (vec!["list", "fig3"], "  premise: SoftMoE-4 gains over flat\n"),
        (vec!["list", "fig3"], "p = m changes SoftMoE-4 little (margin 0.1)"),
        (vec!["list", "fig3"], "expert-choice-4 "),
        (vec!["list", "fig3"], "rainbow: agent.learning_rate=2e-3"),
        (vec!["completions", "bash"], "describe"),
        (vec!["completions", "--help"], "xtask() { cargo xtask"),
    ] {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("xtask"));
        command.args(&arguments);
        let (code, stdout, _) = finish(command);
        assert_eq!(code, Some(0));
        assert_says(&stdout, &[part]);
    }
}

#[test]
fn values_that_single_precision_does_not_hold() {
    refused("fig3 --set agent.adam_epsilon=1e-300", &["`agent.adam_epsilon` is", "from 1e-30 to 1e30"]);
    for v_max in ["3e38", "1e-44"] {
        refused(
            &format!("fig3 --set agent.loss.v_max={v_max}"),
            &["`agent.loss.v_max` is", "from 1e-30 to 1e30"],
        );
    }
    refused("fig3 --set agent.learning_rate=1e-320", &["`agent.learning_rate` is"]);
    refused(
        "fig3 --set agent.priority_exponent=1e300",
        &["`agent.priority_exponent` is", "between 0 and 10"],
    );
    refused(
        "fig3 --set agent.intervention=shrink_and_perturb(perturb:1e300,on:network)",
        &["`agent.intervention.perturb` is"],
    );
}

#[test]
fn an_out_that_is_a_link_to_nothing() {
    let workshop = Workshop::new();
    std::os::unix::fs::symlink("nowhere", workshop.out()).unwrap();
    let (code, _, stderr) = workshop.reproduce("fig3");
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["is a link to nowhere, which does not exist", "--out DIR"]);
}

#[test]
fn a_file_that_is_no_arm() {
    let workshop = Workshop::new();
    let (code, _, stderr) = workshop.xtask(&["describe", "runs/my arm/run.ron"]);
    assert_eq!(code, Some(1));
    assert_says(
        &stderr,
        &["`runs/my arm/run.ron` is a file", "softmoe-run -- describe 'runs/my arm/run.ron'"],
    );
}

/// `cargo xtask reproduce fig3 --dry-run | head -1`, and the like.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    for arguments in [vec!["reproduce", "fig3", "--dry-run"], vec!["list"], vec!["completions", "zsh"]] {
        let xtask = assert_cmd::cargo::cargo_bin!("xtask");
        let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
        let closed = || {
            let (_, writer) = std::io::pipe().unwrap();
            writer
        };
        let run = |stdout: Stdio| {
            std::process::Command::new(xtask)
                .args(&arguments)
                .stdout(stdout)
                .stderr(Stdio::piped())
                .output()
                .unwrap()
        };
        for output in [run(closed().into()), run(full().into())] {
            assert_eq!(output.status.code(), Some(0), "{arguments:?}");
            assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    // Nor where an error finds no reader.
    for stderr in
        [Stdio::from(std::fs::File::options().write(true).open("/dev/full").unwrap()), Stdio::null()]
    {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("xtask"));
        let status = command.args(["reproduce", "fig33"]).stderr(stderr).status().unwrap();
        assert_eq!(status.code(), Some(1));
    }
}

#[test]
fn runs_that_nobody_watches_are_made() {
    let workshop = Workshop::new();
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    // A shell does not take a full disk for nothing.
    fs::write(workshop.path("softmoe-report"), "#!/bin/sh\nexit 0\n").unwrap();
    let mut command = workshop.command("fig3 --arms flat --games breakout --seeds 1");
    let status = command.stdout(full()).stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(workshop.run("flat/breakout/seed-0/done.ron").exists());
}
