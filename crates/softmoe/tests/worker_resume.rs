//! The worker, stopped and killed: what it leaves in the end is what it leaves undisturbed.
#![cfg(unix)]

mod worker;

use nix::sys::signal::Signal;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_config::{AgentSteps, Done, file};
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};
use worker::{FLAT, Run, SOFT_MOE, Worker, assert_says, config, endless, quiet, wait_until};

#[test]
fn the_same_seed_gives_the_same_files_and_another_seed_others() {
    let (first, _) = Run::new(&config(FLAT)).finish();
    assert_eq!(first.metrics.len(), 1 + 6);
    assert_eq!(first.returns.len(), 10);
    let (again, _) = Run::new(&config(FLAT)).finish();
    assert_eq!(first, again);
    let (other, _) = Run::new(&softmoe_config::RunConfig { seed: 2, ..config(FLAT) }).finish();
    assert_ne!(first.metrics, other.metrics);
    assert_ne!(first, other);
}

#[test]
fn a_run_killed_at_any_instants_ends_as_one_that_was_not() {
    // The instants are drawn as shares of what an undisturbed run takes here and now.
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(20_241_002);
    for body in [FLAT, SOFT_MOE] {
        let started = Instant::now();
        let (undisturbed, _) = Run::new(&config(body.clone())).finish();
        let duration = started.elapsed();

        let run = Run::new(&config(body));
        for _ in 0..5 {
            let mut worker = run.start();
            let instant = Instant::now() + duration.mul_f64(rng.random_range(0.0..0.6));
            while Instant::now() < instant && worker.is_running() {
                std::thread::sleep(Duration::from_millis(1));
            }
            worker.kill();
        }
        run.finish();
        assert_eq!(run.leavings(), undisturbed);
    }
}

#[test]
fn a_run_killed_in_the_middle_of_writing_a_checkpoint_goes_on_and_cleans_up() {
    let (undisturbed, _) = Run::new(&config(SOFT_MOE)).finish();
    let is_writing = |run: &Run| run.entries("checkpoint").iter().any(|name| name.starts_with(".writing-"));
    // Whether a file is half-written at the instant of the kill is a matter of luck: then the next run is killed.
    let (run, before) = (0..1_000)
        .find_map(|_| {
            let (run, _) = Run::interrupted(&config(SOFT_MOE), 1, Signal::SIGKILL);
            let before = run.checkpoints();
            let mut worker = run.start();
            while !is_writing(&run) && worker.is_running() {
                std::thread::yield_now();
            }
            worker.kill();
            (is_writing(&run) && run.checkpoints() == before).then_some((run, before))
        })
        .unwrap();
    // One that was killed while it wrote its weights leaves this.
    fs::write(run.path().join(".writing-weights"), "half").unwrap();

    // Started again, it removes both before it writes anything.
    let mut worker = run.start();
    wait_until(|| run.checkpoints() != before || !worker.is_running());
    worker.signal(Signal::SIGTERM);
    worker.wait();
    for directory in [".", "checkpoint"] {
        assert!(run.entries(directory).iter().all(|name| !name.starts_with(".writing-")));
    }
    run.finish();
    assert_eq!(run.leavings(), undisturbed);
    // Nothing goes on from a finished run's checkpoints.
    assert!(!run.files().checkpoints().exists());
}

/// A run that has not yet saved anything, with an evaluation every hundredth step.
fn unsaved() -> softmoe_config::RunConfig {
    let mut config = endless(SOFT_MOE);
    config.training.evaluation_period = AgentSteps(100);
    config.training.checkpoint_period = AgentSteps(50_000_000);
    config
}

/// Evaluations so far.
fn evaluations(run: &Run) -> usize {
    fs::read_to_string(run.files().metrics_csv()).map_or(0, |text| text.lines().count().saturating_sub(1))
}

/// One stop often arrives as several signals: from a closed terminal and its shell, from a scheduler, from `timeout`.
#[test]
fn a_stop_that_arrives_as_several_signals_leaves_a_checkpoint() {
    let stops: [&[Signal]; 4] = [
        &[Signal::SIGTERM, Signal::SIGTERM, Signal::SIGTERM],
        &[Signal::SIGHUP, Signal::SIGTERM, Signal::SIGHUP],
        &[Signal::SIGINT, Signal::SIGINT, Signal::SIGTERM],
        &[Signal::SIGTERM, Signal::SIGCONT, Signal::SIGUSR1, Signal::SIGTERM],
    ];
    for signals in stops {
        let run = Run::new(&unsaved());
        let mut worker = run.start();
        wait_until(|| evaluations(&run) > 0);
        for signal in signals {
            worker.signal(*signal);
            // The next one comes in the middle of the save, if it takes that long.
            std::thread::sleep(Duration::from_millis(1));
        }
        let ended = worker.wait();
        assert_eq!(ended.status.code(), Some(130), "{signals:?}: {ended:?}");
        assert!(!ended.stderr.contains("error"), "{ended:?}");
        assert!(run.entries("checkpoint").iter().all(|name| !name.starts_with(".writing-")));
        let step = ended.stderr.split("at step ").nth(1).unwrap().split(';').next().unwrap().to_owned();
        let newest = run.checkpoints().pop().unwrap();
        assert!(newest.ends_with(format!("step-{:012}.ckpt", step.parse::<u64>().unwrap())), "{newest:?}");
    }
}

#[test]
fn a_request_to_save_is_answered_with_a_checkpoint_and_the_run_goes_on() {
    let run = Run::new(&unsaved());
    let mut worker = run.start();
    wait_until(|| evaluations(&run) > 0);
    assert!(run.checkpoints().is_empty());
    worker.signal(Signal::SIGUSR1);
    wait_until(|| run.checkpoints().len() == 1);
    let before = evaluations(&run);
    wait_until(|| evaluations(&run) > before);
    worker.signal(Signal::SIGTERM);
    assert_eq!(worker.wait().status.code(), Some(130));
    assert_eq!(run.checkpoints().len(), 2);
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let run = Run::new(&unsaved());
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$1\""]);
    command.arg(assert_cmd::cargo::cargo_bin!("softmoe-run")).arg(run.files().run_ron());
    let mut worker = Worker::of(quiet(command));
    wait_until(|| evaluations(&run) > 0);
    worker.signal(Signal::SIGHUP);
    let before = evaluations(&run);
    wait_until(|| evaluations(&run) > before + 1);
    assert!(worker.is_running());
    worker.signal(Signal::SIGTERM);
    assert_eq!(worker.wait().status.code(), Some(130));
}

#[test]
fn signals_stop_a_run_at_a_checkpoint_of_that_very_step() {
    for (signal, body) in [(Signal::SIGINT, FLAT), (Signal::SIGTERM, SOFT_MOE)] {
        let (undisturbed, _) = Run::new(&config(body.clone())).finish();
        let (run, ended) = Run::interrupted(&config(body), 1, signal);
        assert_eq!(ended.status.code(), Some(130), "{ended:?}");
        assert_says(&ended.stderr, &["quick/arm/breakout/seed-1 stopped at step ", "start it again"]);
        let step = ended.stderr.split("at step ").nth(1).unwrap().split(';').next().unwrap();
        let newest = run.checkpoints().pop().unwrap();
        assert!(newest.ends_with(format!("step-{:012}.ckpt", step.parse::<u64>().unwrap())), "{newest:?}");
        assert!(!run.files().done_ron().exists());

        run.finish();
        assert_eq!(run.leavings(), undisturbed);
    }
}

#[test]
fn a_second_worker_is_refused_while_the_first_lives() {
    let run = Run::new(&endless(FLAT));
    let first = run.start();
    wait_until(|| !run.checkpoints().is_empty());
    let second = run.work();
    assert_eq!(second.status.code(), Some(1));
    assert_says(&second.stderr, &["another worker trains the run in", &run.path().display().to_string()]);
    // Where `flock` does not work, as if the file of the lock were another one, the lease refuses it.
    fs::remove_file(run.files().lock()).unwrap();
    let second = run.work();
    assert_says(&second.stderr, &["another worker trains the run in", ": process ", ", last heartbeat "]);
    assert_eq!(second.status.code(), Some(1));
    first.kill();
    assert_eq!(run.files().leases().len(), 1, "a killed worker leaves its lease");
    assert_eq!(run.files().holder(), None);
    // Both locks went with the first.
    let mut third = run.start();
    let before = run.checkpoints();
    wait_until(|| run.checkpoints() != before);
    third.signal(Signal::SIGTERM);
    assert_eq!(third.wait().status.code(), Some(130));
}

/// The lease of a worker on another host, e.g. one that has failed, is waited for with `--wait` only.
#[test]
fn a_worker_waits_for_another_host_and_takes_over_what_is_silent() {
    let run = Run::new(&config(FLAT));
    let text = r#"(host: "node-7", process: 12, machine: None, job: Some("5_1"), started: 0, beat: 3)"#;
    fs::write(run.files().lease(1), text).unwrap();
    let refused = run.work();
    assert_eq!(refused.status.code(), Some(1));
    assert_says(&refused.stderr, &["another worker trains the run in", "process 12 on node-7 (job 5_1)"]);

    let mut command = run.command();
    command.args(["--wait", "600"]);
    let waiting = command.spawn().unwrap();
    let silent = std::time::SystemTime::now() - 2 * softmoe_config::lease::SILENT_AFTER;
    fs::File::options().write(true).open(run.files().lease(1)).unwrap().set_modified(silent).unwrap();
    assert!(waiting.wait_with_output().unwrap().status.success());
    assert!(run.files().done_ron().exists());
    assert_eq!(run.files().leases(), []);
}

#[test]
fn a_finished_run_started_again_says_so_and_changes_nothing() {
    let run = Run::new(&config(FLAT));
    let (_, ended) = run.finish();
    assert_says(&ended.stdout, &["quick/arm/breakout/seed-1: score ", " after 600 agent steps"]);
    let times = || -> Vec<_> {
        let names = run.entries(".").into_iter().filter(|name| name != "lock");
        let mut files: Vec<_> = names.map(|name| run.path().join(name)).chain(run.checkpoints()).collect();
        files.sort();
        files.into_iter().map(|path| (fs::metadata(&path).unwrap().modified().unwrap(), path)).collect()
    };
    let before = times();
    let again = run.work();
    assert_eq!(again.status.code(), Some(0));
    assert_says(&again.stderr, &["is finished already; nothing to do"]);
    assert_eq!(times(), before);
}

#[test]
fn a_result_names_the_processes_that_trained_the_run_and_is_there_as_json() {
    let mut config = config(FLAT);
    config.training.agent_steps = AgentSteps(2_000);
    let run = Run::new(&config);
    let mut first = run.start();
    wait_until(|| !run.checkpoints().is_empty());
    first.signal(Signal::SIGTERM);
    assert_eq!(first.wait().status.code(), Some(130));
    let mut second = run.command();
    let ended = second.args(["--threads", "2"]).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");

    let done: Done = file::read(&run.files().done_ron()).unwrap();
    let [first, second] = &done.sessions[..] else { panic!("{:?}", done.sessions) };
    assert_eq!((first.first_step, second.threads), (AgentSteps(0), 2));
    assert!(second.first_step.0 >= 100 && second.first_step < done.agent_steps, "{second:?}");
    for session in [first, second] {
        assert_eq!(session.device, "cpu");
        let best = softmoe_nets::kernels::InstructionSet::default().name();
        assert_eq!(session.instruction_set.as_deref(), Some(best));
        // A megabyte is less, and the address space more, than any process like this one needs.
        assert!((1 << 20..1 << 40).contains(&session.peak_memory.unwrap()), "{session:?}");
        let ended = session.ended.as_ref().unwrap();
        assert!(session.started <= *ended && ended.ends_with('Z') && ended.len() == 20, "{session:?}");
    }
    let host = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    assert!(host.is_none_or(|host| first.host.as_deref() == Some(host.trim())), "{first:?}");

    let json = fs::read(run.path().join("done.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Done>(&json).unwrap(), done);
}
