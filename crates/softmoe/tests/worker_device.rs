//! What the worker computes with, and what it says where it cannot.
#![cfg(unix)]

mod worker;

use worker::{FLAT, Run, assert_says, config, ended};

/// Starts a run on a device.
fn on(run: &Run, device: &str) -> worker::Ended {
    let mut command = run.command();
    command.args(["--device", device]);
    ended(command)
}

/// One line of standard error that has these parts, and no run.
#[track_caller]
#[allow(dead_code, reason = "every device may be built in")]
fn assert_refused(device: &str, parts: &[&str]) {
    let run = Run::new(&config(FLAT));
    let ended = on(&run, device);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_says(&ended.stderr, parts);
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert!(!run.files().metrics_csv().exists());
}

#[test]
fn an_unknown_device_gets_the_nearest() {
    let run = Run::new(&config(FLAT));
    let ended = on(&run, "wpgu");
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert_says(&ended.stderr, &["no device `wpgu`", "did you mean `wgpu`?", "`cuda:1`"]);
}

#[test]
fn a_device_that_is_not_built_in_says_what_to_build() {
    let build = "cargo build --release -p softmoe --features";
    #[cfg(not(feature = "flex"))]
    assert_refused("flex", &["`flex` is not in this build", &format!("{build} flex")]);
    #[cfg(not(feature = "wgpu"))]
    assert_refused("wgpu", &["`wgpu` is not in this build", &format!("{build} wgpu")]);
    #[cfg(not(feature = "cuda"))]
    assert_refused("cuda:1", &["`cuda:1` is not in this build", &format!("{build} cuda")]);
    let _ = build;
}

/// A machine with an NVIDIA card has what is missed here.
#[cfg(feature = "cuda")]
#[test]
fn a_device_that_is_not_there_says_what_is_missing() {
    if !std::path::Path::new("/dev/nvidia0").exists() {
        assert_refused("cuda", &["the device `cuda:0` cannot be used", "install the NVIDIA driver"]);
    }
}

/// The same run on the CPU engine, and begun there and finished on the device engine.
#[cfg(feature = "flex")]
#[test]
fn a_run_goes_on_with_the_other_engine() {
    use nix::sys::signal::Signal;
    use softmoe_config::{Done, file};

    let (run, _) = Run::interrupted(&config(FLAT), 1, Signal::SIGINT);
    let ended = on(&run, "flex");
    assert!(ended.status.success(), "{ended:?}");
    let done: Done = file::read(&run.files().done_ron()).unwrap();
    assert_eq!(done.device, "flex");
    assert_eq!(done.agent_steps, config(FLAT).training.agent_steps);
}
