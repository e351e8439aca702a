//! Stopping `cargo xtask reproduce`: by Ctrl-C, by a scheduler, by a closed terminal.
#![cfg(unix)]

mod workshop;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::BufRead;
use std::process::Stdio;
use workshop::{Workshop, assert_says, listening, wait_for_lines};

/// Two arms and the random policy, one game, two seeds: six runs.
const SIX: &str = "fig3 --arms flat,softmoe-4 --games breakout --seeds 2";

#[test]
fn the_first_signal_stops_at_a_checkpoint_and_the_same_command_resumes() {
    let workshop = Workshop::new();
    workshop.tell("wait", "");
    let command = format!("{SIX} --jobs 2");
    let mut runner = listening(workshop.command(&command));
    let runner = runner.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_lines(&workshop.path("waiting"), 2);
    kill(Pid::from_raw(runner.id() as i32), Signal::SIGINT).unwrap();
    let output = runner.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert_says(
        &stderr,
        &["stopping at the next checkpoint", "To resume: cargo xtask reproduce fig3 --arms"],
    );
    assert_eq!(workshop.started(), 2, "no other run was started");

    workshop.untell("wait");
    let (code, stdout, stderr) = workshop.reproduce(&command);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &["0 finished, 2 to resume, 4 new", "report: "]);
    assert_eq!(workshop.started(), 8);
}

/// The signals that the worker of a run has heard.
fn heard(workshop: &Workshop, run: &str) -> Vec<String> {
    let text = fs::read_to_string(workshop.run(run).join("heard")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A runner with one worker, which obeys only the signal of this name, and the runner's process.
fn one_deaf(workshop: &Workshop, obeys: &str) -> (std::process::Child, Pid) {
    workshop.tell("wait", obeys);
    let mut command = listening(workshop.command("fig3 --arms flat --games breakout --seeds 2 --jobs 1"));
    let runner = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_lines(&workshop.path("waiting"), 1);
    let id = Pid::from_raw(runner.id() as i32);
    (runner, id)
}

/// A closed terminal, a scheduler and `timeout` send more than one signal for one stop.
#[test]
fn signals_that_come_again_ask_for_no_more() {
    let workshop = Workshop::new();
    let (runner, id) = one_deaf(&workshop, "INT");
    let log = workshop.run("flat/breakout/seed-0/heard");
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGTERM, Signal::SIGTERM] {
        kill(id, signal).unwrap();
        wait_for_lines(&log, 1);
    }
    // Whatever the runner would pass on, it has passed on before this.
    kill(id, Signal::SIGINT).unwrap();
    let output = runner.wait_with_output().unwrap();
    assert_eq!(heard(&workshop, "flat/breakout/seed-0"), ["TERM", "INT"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert_says(&stderr, &["stopped: flat breakout seed 0", "To resume: "]);
    assert!(!stderr.contains("error:") && !stderr.contains("failed"), "{stderr}");
    assert_eq!(workshop.started(), 1);
}

#[test]
fn the_third_ctrl_c_kills_workers_that_do_not_stop() {
    let workshop = Workshop::new();
    let (mut runner, id) = one_deaf(&workshop, "nothing");
    let log = workshop.run("flat/breakout/seed-0/heard");
    for presses in 1..=3 {
        kill(id, Signal::SIGINT).unwrap();
        if presses < 3 {
            wait_for_lines(&log, presses);
            // Signals that are nearer to each other are one press.
            std::thread::sleep(std::time::Duration::from_millis(600));
        }
    }
    assert_eq!(runner.wait().unwrap().code(), Some(130));
    assert_eq!(heard(&workshop, "flat/breakout/seed-0"), ["INT", "INT"]);
    assert_eq!(workshop.started(), 1);
}

/// Schedulers announce the end of a job's time.
#[test]
fn a_request_to_save_is_passed_on_and_stops_nothing() {
    let workshop = Workshop::new();
    let (mut runner, id) = one_deaf(&workshop, "TERM");
    let log = workshop.run("flat/breakout/seed-0/heard");
    kill(id, Signal::SIGUSR1).unwrap();
    wait_for_lines(&log, 1);
    kill(id, Signal::SIGTERM).unwrap();
    assert_eq!(runner.wait().unwrap().code(), Some(130));
    assert_eq!(heard(&workshop, "flat/breakout/seed-0"), ["USR1", "TERM"]);
}

#[test]
fn under_nohup_a_closed_terminal_stops_nothing() {
    let workshop = Workshop::new();
    workshop.tell("wait", "");
    let command = workshop.command("fig3 --arms flat --games breakout --seeds 2 --jobs 1");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
    shell.env("SOFTMOE_BINARIES", workshop.path("")).stdout(Stdio::null()).stderr(Stdio::null());
    let mut runner = shell.spawn().unwrap();
    wait_for_lines(&workshop.path("waiting"), 1);
    let id = Pid::from_raw(runner.id() as i32);
    kill(id, Signal::SIGHUP).unwrap();
    kill(id, Signal::SIGUSR1).unwrap();
    wait_for_lines(&workshop.run("flat/breakout/seed-0/heard"), 1);
    assert_eq!(heard(&workshop, "flat/breakout/seed-0"), ["USR1"]);
    kill(id, Signal::SIGTERM).unwrap();
    assert_eq!(runner.wait().unwrap().code(), Some(130));
}

#[test]
fn a_stopped_runner_names_the_runs_that_go_on_without_it() {
    let workshop = Workshop::new();
    let one = "fig3 --arms flat --games breakout --seeds 1";
    workshop.reproduce(one);
    let directory = workshop.run("flat/breakout/seed-0");
    fs::remove_file(directory.join("done.ron")).unwrap();
    let lock = fs::File::create(directory.join("lock")).unwrap();
    lock.lock().unwrap();
    let mut runner = workshop.command(one).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufReader::new(runner.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert_says(&lines.next().unwrap(), &["already being trained by another process"]);
    kill(Pid::from_raw(runner.id() as i32), Signal::SIGTERM).unwrap();
    assert_eq!(
        lines.next().unwrap(),
        "not stopped, since another process trains them: flat breakout seed 0; to stop them, stop that process"
    );
    assert_eq!(runner.wait().unwrap().code(), Some(130));
}

/// A worker that is started must be heard, or it would go on unknown to anybody.
#[test]
fn a_thread_that_cannot_be_started_ends_the_runner_without_an_orphan() {
    let workshop = Workshop::new();
    let mut command = workshop.command(SIX);
    // No thread gets a stack of this size.
    command.env("RUST_MIN_STACK", "1000000000000000");
    let (code, _, stderr) = workshop.finish(command);
    assert_eq!(code, Some(1), "{stderr}");
    assert_says(&stderr, &["error: cannot listen for signals: "]);
    assert_eq!(workshop.started(), 0);
}

#[test]
fn a_worker_that_is_stopped_alone_does_not_stop_the_others() {
    let workshop = Workshop::new();
    workshop.tell("stop", "flat");
    let (code, stdout, stderr) = workshop.reproduce(SIX);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["2 runs failed", "flat breakout seed 1: a signal stopped only this worker"]);
    assert_says(&stdout, &["report: "]);
    assert_eq!(workshop.started(), 6);
}
