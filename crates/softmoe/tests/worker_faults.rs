//! The worker among damaged files, on a full disk and where it cannot write.
#![cfg(unix)]

mod worker;

use nix::sys::signal::Signal;
use softmoe_config::{AgentConfig, AgentSteps, LearningConfig, RunConfig};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};
use worker::{Ended, FLAT, Leavings, Run, SOFT_MOE, assert_says, config, ended, endless, quiet, wait_until};

/// What an undisturbed run leaves.
fn undisturbed() -> &'static Leavings {
    static LEAVINGS: std::sync::OnceLock<Leavings> = std::sync::OnceLock::new();
    LEAVINGS.get_or_init(|| Run::new(&config(SOFT_MOE)).finish().0)
}

/// A run that was killed after its second checkpoint.
fn half_a_run() -> Run {
    Run::interrupted(&config(SOFT_MOE), 2, Signal::SIGKILL).0
}

fn assert_fails(ended: &Ended, parts: &[&str]) {
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_says(&ended.stderr, parts);
}

#[test]
fn a_damaged_newest_checkpoint_is_named_and_the_one_before_is_used() {
    let truncate = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2);
    let flip = |bytes: &mut Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    };
    let empty = |bytes: &mut Vec<u8>| bytes.clear();
    type Damage<'a> = (&'a dyn Fn(&mut Vec<u8>), &'a str);
    let damages: [Damage; 3] = [
        (&truncate, " bytes of "),
        (&flip, "checksum does not match"),
        (&empty, "too short for a checkpoint"),
    ];
    for (damage, reason) in damages {
        let run = half_a_run();
        let newest = run.checkpoints().pop().unwrap();
        let mut bytes = fs::read(&newest).unwrap();
        damage(&mut bytes);
        fs::write(&newest, bytes).unwrap();
        let (leavings, ended) = run.finish();
        let name = newest.display().to_string();
        assert_says(&ended.stderr, &["warning: ", &name, reason, "trying the one before"]);
        assert_eq!(leavings, *undisturbed());
    }
}

#[test]
fn without_a_readable_checkpoint_nothing_is_deleted() {
    let run = half_a_run();
    let damaged = run.checkpoints();
    for path in &damaged {
        fs::write(path, "not a checkpoint, whatever its name").unwrap();
    }
    let metrics = fs::read(run.files().metrics_csv()).unwrap();
    let names: Vec<String> = damaged.iter().map(|path| path.display().to_string()).collect();
    let parts = [&names[0], &names[1], "none of the checkpoints", "move its directory away"];
    assert_fails(&run.work(), &parts);
    assert_eq!(run.checkpoints(), damaged);
    assert_eq!(fs::read(run.files().metrics_csv()).unwrap(), metrics);
}

#[test]
fn missing_metrics_are_an_error() {
    let run = half_a_run();
    fs::write(run.files().metrics_csv(), "agent_steps\n").unwrap();
    assert_fails(
        &run.work(),
        &["metrics.csv has 12 bytes", "lines are missing", "restore the file, or move"],
    );
}

#[test]
fn a_full_disk_loses_nothing() {
    let run = half_a_run();
    let before = run.checkpoints();
    let limit = fs::metadata(before.last().unwrap()).unwrap().len() / 2;
    let failed = ended(run.command_limited(limit));
    let directory = run.files().checkpoints().display().to_string();
    let parts = [
        "cannot write",
        &directory,
        "File too large",
        "limit of file sizes",
        "started again, the run goes on",
    ];
    assert_fails(&failed, &parts);
    assert_eq!(run.checkpoints(), before);
    // Nothing half-written fills the disk, and no rows that no checkpoint names.
    let newest = before.last().unwrap().file_stem().unwrap().to_str().unwrap().replace("step-", "");
    for name in run.entries("checkpoint") {
        let end = name.strip_suffix(".rows").map(|name| name[name.len() - 12..].to_owned());
        assert!(!name.starts_with(".writing-") && end.is_none_or(|end| end <= newest), "{name}");
    }

    let (leavings, ended) = run.finish();
    assert_eq!(leavings, *undisturbed());
    assert!(!ended.stderr.contains("warning"), "{ended:?}");
}

#[test]
fn a_row_that_does_not_fit_is_written_when_it_does() {
    let run = half_a_run();
    // Not one block: the first row of metrics cannot be written, nor any checkpoint before it.
    let failed = ended(run.command_limited(0));
    assert_fails(&failed, &["cannot write", "limit of file sizes"]);
    assert_eq!(run.finish().0, *undisturbed());
}

#[test]
fn where_nothing_can_be_written_the_error_names_the_path() {
    // What is in the way stops every user, the superuser too.
    let run = Run::new(&config(FLAT));
    fs::write(run.files().checkpoints(), "a file").unwrap();
    let checkpoints = run.files().checkpoints().display().to_string();
    assert_fails(&run.work(), &[&checkpoints, "Not a directory"]);
    assert_eq!(fs::read_to_string(run.files().checkpoints()).unwrap(), "a file");

    let run = Run::new(&config(FLAT));
    fs::create_dir(run.files().metrics_csv()).unwrap();
    let metrics = run.files().metrics_csv().display().to_string();
    assert_fails(&run.work(), &["cannot write", &metrics, "choose a writable directory"]);

    let run = Run::new(&config(FLAT));
    fs::create_dir(run.files().weights()).unwrap();
    let weights = run.files().weights().display().to_string();
    assert_fails(&run.work(), &["cannot write", &weights, "choose a writable directory"]);
    fs::remove_dir(run.files().weights()).unwrap();
    run.finish();

    let run = Run::new(&config(FLAT));
    fs::create_dir(run.path().join("lock")).unwrap();
    assert_fails(&run.work(), &["cannot write", "lock", "make it writable, or run elsewhere"]);
}

/// Output that nobody reads: closed pipes and full disks.
#[test]
fn a_run_whose_output_finds_no_reader_is_finished() {
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let closed = || std::io::pipe().unwrap().1;
    for progress in ["text", "json"] {
        let run = Run::new(&config(FLAT));
        let mut command = run.command();
        let status = command.args(["--progress", progress]).stdout(full()).stderr(full()).status().unwrap();
        assert!(status.success(), "{status}");
        let run = Run::new(&config(FLAT));
        let mut command = run.command();
        let status =
            command.args(["--progress", progress]).stdout(closed()).stderr(closed()).status().unwrap();
        assert!(status.success(), "{status}");
        assert!(run.files().done_ron().exists());
        // It is finished already, says nobody.
        let mut command = run.command();
        assert!(command.stdout(closed()).stderr(closed()).status().unwrap().success());
    }
}

#[test]
fn a_reason_that_standard_error_does_not_take_goes_elsewhere() {
    let run = Run::new(&config(FLAT));
    fs::write(run.files().checkpoints(), "a file").unwrap();
    let mut command = run.command();
    command.args(["--progress", "json"]);
    command.stderr(fs::File::options().write(true).open("/dev/full").unwrap());
    let ended = ended(command);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let line: softmoe_config::protocol::FailureLine =
        serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    assert_says(&line.error, &["cannot read", "Not a directory"]);
    let log = fs::read_to_string(run.files().stderr_log()).unwrap();
    assert_eq!(log, format!("error: {}\n", line.error));
    // The system's words once.
    assert_eq!(log.matches("Not a directory").count(), 1, "{log}");
}

#[test]
fn a_result_that_cannot_be_read_is_no_result() {
    let run = Run::new(&config(FLAT));
    run.finish();
    fs::write(run.files().done_ron(), "(score: 1.5, ret").unwrap();
    let weights = fs::read(run.files().weights()).unwrap();
    assert_fails(&run.work(), &["the result of this run is damaged", "done.ron:1:", "move the file away"]);
    assert_eq!(fs::read(run.files().weights()).unwrap(), weights);
}

#[test]
fn a_read_only_directory_is_an_error_that_says_what_to_do() {
    let run = Run::new(&config(FLAT));
    fs::set_permissions(run.path(), Permissions::from_mode(0o555)).unwrap();
    // Permissions do not bind the superuser.
    if fs::write(run.path().join("probe"), "").is_err() {
        assert_fails(&run.work(), &["cannot write", &run.path().display().to_string(), "make it writable"]);
    }
    fs::set_permissions(run.path(), Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn all_files_have_the_permissions_that_run_ron_has() {
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode();
    let run = Run::new(&config(FLAT));
    run.finish();
    let files = run.files();
    for path in [files.weights(), files.done_ron(), files.metrics_csv()] {
        assert_eq!(mode(&path), mode(&files.run_ron()), "{}", path.display());
    }
    // A finished run has no checkpoints any more.
    let run = half_a_run();
    assert!(run.checkpoints().len() >= 2);
    for path in run.checkpoints() {
        assert_eq!(mode(&path), mode(&run.files().run_ron()), "{}", path.display());
    }
}

/// Whatever is removed under a running worker, it stops with the reason, and makes nothing where the run was.
#[test]
fn a_directory_that_is_removed_while_the_run_goes_is_an_error() {
    let run = Run::new(&endless(FLAT));
    let worker = run.start();
    wait_until(|| !run.checkpoints().is_empty());
    let place = run.path().to_owned();
    // A worker may be writing: what it has just made is in the way of the removal.
    wait_until(|| fs::remove_dir_all(&place).is_ok() || !place.exists());
    let ended = worker.wait();
    assert_fails(&ended, &["cannot write", "was removed or moved while the run was going"]);
    assert!(!place.exists());

    // The metrics alone: their rows would be lost without a word.
    let mut config = endless(FLAT);
    config.training.evaluation_period = AgentSteps(100);
    let run = Run::new(&config);
    let worker = run.start();
    wait_until(|| !run.checkpoints().is_empty());
    fs::remove_file(run.files().metrics_csv()).unwrap();
    assert_fails(&worker.wait(), &["cannot write", "metrics.csv", "removed or moved"]);
}

/// After the clock was set back, all files are of the future.
#[test]
fn a_clock_that_was_set_back_changes_nothing() {
    let run = half_a_run();
    let future = SystemTime::now() + Duration::from_secs(400 * 24 * 3600);
    let set =
        |path: &Path| fs::File::options().append(true).open(path).unwrap().set_modified(future).unwrap();
    for name in run.entries("checkpoint") {
        set(&run.files().checkpoints().join(name));
    }
    set(&run.files().metrics_csv());
    set(&run.files().run_ron());
    let (leavings, ended) = run.finish();
    assert_eq!(leavings, *undisturbed());
    assert!(!ended.stderr.contains("warning"), "{ended:?}");
}

#[test]
fn a_replay_for_which_there_is_no_memory_is_told_with_the_setting() {
    let with = |replay_compressed: bool, replay_capacity: usize| {
        let agent = LearningConfig {
            replay_capacity,
            replay_compressed,
            min_replay: 120,
            ..LearningConfig::rainbow_minatar()
        };
        let training = config(FLAT).training;
        let agent =
            AgentConfig::Learning(LearningConfig { batch_size: 16, target_period: AgentSteps(50), ..agent });
        RunConfig { agent, training, ..config(FLAT) }
    };
    let limited = |run: &Run| {
        let mut command = Command::new("sh");
        // 1 GB of addresses, where the replay asks for 3.7.
        command.args(["-c", "ulimit -v 1000000; exec \"$0\" \"$1\""]);
        command.arg(assert_cmd::cargo::cargo_bin!("softmoe-run")).arg(run.files().run_ron());
        ended(quiet(command))
    };
    let run = Run::new(&with(false, 9_000_000));
    let parts = [
        "a replay of 9000000 frames",
        "GB of memory",
        "`agent.replay_capacity`",
        "agent.replay_compressed=true",
    ];
    assert_fails(&limited(&run), &parts);
    assert!(!run.files().checkpoints().exists());
    // Compressed, its frames take memory as they come.
    let run = Run::new(&with(true, 9_000_000));
    let ended = limited(&run);
    assert!(ended.status.success(), "{ended:?}");
}
