//! What the worker says of networks, and how it hands weights from one run to another.
#![cfg(unix)]

mod worker;

use nix::sys::signal::Signal;
use softmoe_config::{Architecture, BodySpec, Done, RunConfig, file};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use worker::{Ended, FLAT, Run, SOFT_MOE, assert_says, config, ended};

/// `softmoe-run describe ARGUMENTS`, with `stdin` on standard input.
fn describe(arguments: &[&str], stdin: &str) -> Ended {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("softmoe-run"));
    command.arg("describe").args(arguments).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

const IMPALA: &str = "(network: (encoder: impala(), body: soft_moe(experts: 4), hidden: 512), \
    head: categorical(atoms: 51, dueling: true, noisy: true), observation: (84, 84, 4), actions: 18)";

#[test]
fn a_run_is_described() {
    let run = Run::new(&config(SOFT_MOE));
    let path = run.files().run_ron();
    let told = describe(&[path.to_str().unwrap()], "");
    assert!(told.status.success(), "{told:?}");
    let layers = ["Conv2d 3x3", "PerConv", "SoftMoE: 4 noisy experts of hidden 16, 16 slots each", "dueling"];
    assert_says(&told.stdout, &[&layers[..], &["10 x 10 x 4", "8 x 8 x 16", "6 x 51", "total"]].concat());
    assert!(!run.path().join("lock").exists(), "describing is not training");
}

/// The totals are those of the layers; the layers' of the network of fixed names and sizes.
#[test]
fn a_network_is_described_in_json() {
    let told = describe(&["-", "--json"], IMPALA);
    assert!(told.status.success(), "{told:?}");
    let json: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    let layers = json["layers"].as_array().unwrap();
    for total in ["parameters", "multiply_adds"] {
        let sum: u64 = layers.iter().map(|layer| layer[total].as_u64().unwrap()).sum();
        assert_eq!(json[total].as_u64().unwrap(), sum);
    }
    let part = |part: &str| layers.iter().filter(|layer| layer["part"] == part).count();
    assert_eq!((part("body"), part("head")), (3, 1));
    let mixture = layers.iter().find(|layer| layer["name"].as_str().unwrap().starts_with("SoftMoE")).unwrap();
    assert_eq!(mixture["output"], serde_json::json!([121, 32]));
    // Products of 121 tokens, 4 x 31 slots and width 32, thrice; experts of 32 x 512 and back.
    assert_eq!(mixture["multiply_adds"], 3 * 121 * 124 * 32 + 124 * 2 * 32 * 512);
    let again: Architecture = json["architecture"].as_str().unwrap().parse().unwrap();
    assert_eq!(again, IMPALA.parse().unwrap());
}

#[test]
fn what_cannot_be_described_is_told() {
    for (stdin, says) in [
        (IMPALA.replace("soft_moe", "softmoe"), "did you mean `soft_moe`?"),
        (IMPALA.replace("(84, 84, 4)", "(10, 10, 4)"), "observations of 10x10 pixels, not of 84x84"),
        (IMPALA.replace("experts: 4", "experts: 0"), "`network.body.experts` is 0"),
        (String::new(), "is not a valid architecture"),
    ] {
        let told = describe(&["-"], &stdin);
        assert_eq!(told.status.code(), Some(1), "{told:?}");
        assert_says(&told.stderr, &["error: ", says]);
    }
    let random = RunConfig { agent: softmoe_config::AgentConfig::Random, ..config(FLAT) };
    let run = Run::new(&random);
    let told = describe(&[run.files().run_ron().to_str().unwrap()], "");
    assert_eq!(told.status.code(), Some(1), "{told:?}");
    assert_says(&told.stderr, &["has no network"]);
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("softmoe-run"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    assert_eq!(ended(command).status.code(), Some(2));
}

/// The worker on `run` with the weights in `path`.
fn start_from(run: &Run, path: &Path) -> Ended {
    let mut command = run.command();
    command.arg("--weights").arg(path);
    ended(command)
}

#[test]
fn a_run_begins_with_the_weights_of_another() {
    let first = Run::new(&config(SOFT_MOE));
    let (of_first, _) = first.finish();
    let weights = first.files().weights();
    let told = describe(&[weights.to_str().unwrap()], "");
    assert_says(&told.stdout, &["SoftMoE: 4 noisy experts of hidden 16"]);

    // Before the first update the weights are those of the file.
    let mut untrained = config(SOFT_MOE);
    untrained.training.agent_steps = softmoe_config::AgentSteps(100);
    let second = Run::new(&untrained);
    let ended = start_from(&second, &weights);
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(fs::read(second.files().weights()).unwrap(), fs::read(&weights).unwrap());
    let done: Done = file::read(&second.files().done_ron()).unwrap();
    assert_eq!(done.initial_weights.as_deref(), weights.to_str());
    let done: Done = file::read(&first.files().done_ron()).unwrap();
    assert_eq!(done.initial_weights, None);

    // Trained on, they are others, and so is the run.
    let third = Run::new(&config(SOFT_MOE));
    assert!(start_from(&third, &weights).status.success());
    assert_ne!(third.leavings(), of_first);
}

/// Killed and started again, with or without the option, it ends as one that was not.
#[test]
fn a_run_that_began_with_weights_resumes() {
    let first = Run::new(&config(FLAT));
    first.finish();
    let weights = first.files().weights();
    let undisturbed = Run::new(&config(FLAT));
    assert!(start_from(&undisturbed, &weights).status.success());

    let run = Run::new(&config(FLAT));
    let mut command = run.command();
    let mut worker = command.arg("--weights").arg(&weights).spawn().unwrap();
    // The first checkpoint is of the beginning itself.
    worker::wait_until(|| !run.checkpoints().is_empty() || worker.try_wait().unwrap().is_some());
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(worker.id() as i32), Signal::SIGKILL);
    worker.wait().unwrap();
    let ended = run.work();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(run.leavings(), undisturbed.leavings());
}

/// Shuffled tokens are those that the weights were trained with, whatever the run's own seed.
#[test]
fn a_permutation_belongs_to_the_weights() {
    let body: BodySpec = "soft_moe(experts: 4, tokens: shuffled)".parse().unwrap();
    let first = Run::new(&config(body.clone()));
    first.finish();
    let weights = first.files().weights();
    let other_seed = RunConfig { seed: 2, ..config(body) };
    let second = Run::new(&other_seed);
    assert!(start_from(&second, &weights).status.success());
    let third = Run::new(&other_seed);
    third.finish();
    let permutation = |run: &Run| {
        let bytes = fs::read(run.files().weights()).unwrap();
        let file = softmoe_nets::weights::WeightsFile::read(&bytes).unwrap();
        file.permutations()["tokens/permutation"].clone()
    };
    assert_eq!(permutation(&second), permutation(&first));
    assert_ne!(permutation(&third), permutation(&first));
}

#[test]
fn weights_that_do_not_fit_are_told() {
    let first = Run::new(&config(FLAT));
    first.finish();
    let weights = first.files().weights();
    let refused = |config: &RunConfig, path: &Path, parts: &[&str]| {
        let run = Run::new(config);
        let ended = start_from(&run, path);
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert_says(&ended.stderr, parts);
        assert!(run.checkpoints().is_empty());
    };
    let name = weights.to_str().unwrap();
    refused(
        &config(SOFT_MOE),
        &weights,
        &[
            "cannot start from",
            name,
            "`soft_moe/phi` is missing in the file",
            "`hidden/kernel_mu` is in the file alone",
        ],
    );
    let mut wider = config(FLAT);
    wider.network.hidden = 32;
    refused(
        &wider,
        &weights,
        &["`hidden/kernel_mu` is of shape [1024, 16] in the file, [1024, 32] in the network"],
    );
    let random = RunConfig { agent: softmoe_config::AgentConfig::Random, ..config(FLAT) };
    refused(&random, &weights, &["the random policy, which has no network"]);
    refused(
        &config(FLAT),
        &first.path().join("none"),
        &["cannot read", "weights.safetensors of a finished run"],
    );
    refused(&config(FLAT), &first.files().run_ron(), &["not a safetensors file"]);
}
