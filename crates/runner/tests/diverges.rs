//! A run whose training diverges: it says in which layer, at which step, and from where it can be started again.
#![cfg(feature = "minatar")]

mod common;

use common::{End, FLAT, SOFT_MOE, Watcher, agent, config_of};
use softmoe_config::error::with_causes;
use softmoe_config::{AgentSteps, BodySpec, Device, LearningConfig, RunConfig, RunDirectory};
use softmoe_runner::{Options, RunError, train};
use tempfile::tempdir;

/// Training begins at step 41.
fn config(body: BodySpec, checkpoint_period: u64) -> RunConfig {
    let agent = LearningConfig { learning_rate: 1e30, ..agent() };
    let mut config = config_of(agent.into(), body);
    config.training.checkpoint_period = AgentSteps(checkpoint_period);
    config
}

/// The step at which a run diverges.
fn check(device: Device, body: &BodySpec) -> AgentSteps {
    let directory = tempdir().unwrap();
    let files = RunDirectory::new(directory.path());
    let diverge = |period| {
        let options = Options { device, weights: None };
        let mut watcher = Watcher::new(End::Never);
        let error = train(&config(body.clone(), period), &files, &options, &mut watcher).unwrap_err();
        let RunError::Diverged { step, .. } = error else { panic!("{error}") };
        assert!(step > AgentSteps(40) && step < AgentSteps(60), "{error}");
        (step, with_causes(&error))
    };

    let (step, message) = diverge(1_000);
    assert!(
        message.starts_with(&format!("stopped at agent step {step} (the run has no checkpoint yet; ")),
        "{message}"
    );
    let (_, cause) = message.split_once("): training has diverged: update ").expect("the cause");
    assert!(cause.contains('`'), "the layer: {message}");
    assert!(!files.checkpoints().exists() && !files.weights().exists() && !files.done_ron().exists());

    // It diverges again at the same step, from its checkpoint.
    let checkpoint = files.checkpoints().join("step-000000000040.ckpt");
    for _ in 0..2 {
        let (again, message) = diverge(40);
        assert_eq!(again, step);
        assert!(
            message.contains(&format!("resumes from {} in the same way", checkpoint.display())),
            "{message}"
        );
        assert!(checkpoint.exists());
    }
    step
}

#[test]
fn on_the_cpu_engine() {
    check(Device::Cpu, &FLAT);
    check(Device::Cpu, &SOFT_MOE);
}

/// Though it finds out one action later.
#[cfg(feature = "flex")]
#[test]
fn on_the_device_engine_at_the_same_step() {
    for body in [FLAT, SOFT_MOE] {
        assert_eq!(check(Device::Flex, &body), check(Device::Cpu, &body));
    }
}
