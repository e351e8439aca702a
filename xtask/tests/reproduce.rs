//! `cargo xtask reproduce` on a worker made of shell: plan, reuse, failure, interruption.
#![cfg(unix)]

mod workshop;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::BufRead;
use std::process::Stdio;
use workshop::{Workshop, assert_says, hints, listening, wait_for_lines};

/// Two arms and the random policy, one game, two seeds: six runs.
const SIX: &str = "fig3 --arms flat,softmoe-4 --games breakout --seeds 2";

#[test]
fn a_dry_run_prints_the_plan_and_writes_nothing() {
    let workshop = Workshop::new();
    let (code, plan, _) = workshop.reproduce(&format!("{SIX} --jobs 3 --dry-run"));
    assert_eq!(code, Some(0));
    assert_says(
        &plan,
        &[
            "6: 3 arms x 1 game x 2 seeds",
            "random, flat, softmoe-4",
            "0 finished, 0 to resume, 6 new",
            "with 3 jobs (from multiply-adds at the speed of a slow machine)",
            // 100,000 frames of 10x10x4 bytes, 16 more each and a tree of 2^18 f64.
            "0.044 GB a replay when it is full, 0.13 GB with 3 jobs",
            "from the paper's protocol",
            "instead of Atari",
        ],
    );
    assert!(!workshop.out().exists());
    assert_eq!(workshop.started(), 0);
}

/// 10,000 steps of 41 passes and a few of evaluation: SoftMoE-4 has 861,184 multiply-adds.
#[test]
fn the_plan_knows_its_time_from_multiply_adds() {
    let workshop = Workshop::new();
    workshop.tell("speed", "1e9");
    let one = "fig3 --arms softmoe-4 --games breakout --seeds 1 --steps 10_000 --jobs 1 --dry-run";
    let (_, plan, _) = workshop.reproduce(&format!(
        "{one} --set training.final_evaluation_episodes=1 --set training.evaluation_episodes=1"
    ));
    // (1 + 5 x 32 / 4 + 6 x 200 / 10,000) x 861,184 x 10,000 = 3.54e11.
    assert_says(&plan, &["about 5 min 54 s with 1 job (from multiply-adds and the speed of this machine)"]);
}

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
fn without_options_the_whole_profile_is_planned() {
    let (code, plan, _) = Workshop::new().reproduce("fig3 --dry-run --profile minatar");
    assert_eq!(code, Some(0));
    assert_says(&plan, &["275: 11 arms x 5 games x 5 seeds, 2,000,000 agent steps each"]);
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
        &["2 finished, 1 to resume, 0 new", "at most 0.044 GB a replay", "frames as sparse as Atari's"],
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

#[test]
fn another_agent_takes_the_place_of_the_profiles() {
    let workshop = Workshop::new();
    let (code, stdout, stderr) =
        workshop.reproduce(&format!("{SIX} --steps 3500 --agent dqn_minatar --set agent.loss=huber"));
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(
        &stdout,
        &["agent dqn_minatar, agent.loss=huber", "note: exploration stays higher than usual"],
    );
    let config = softmoe_config::RunConfig::read(&workshop.run("flat/breakout/seed-0/run.ron")).unwrap();
    let softmoe_config::AgentConfig::Learning(dqn) = config.agent else { panic!("{:?}", config.agent) };
    // The profile's own settings stay.
    assert_eq!((dqn.loss, dqn.n_step, dqn.min_replay), (softmoe_config::LossSpec::Huber, 1, 1_000));
    // The runs are none of Rainbow's, and what the message says to type reuses them.
    let (code, _, stderr) = workshop.reproduce(SIX);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["agent.loss: huber there, c51 asked for", "agent.n_step: 1 there, 3 asked for"]);
    let out = workshop.out().display().to_string();
    let instead = "--steps 3500 --agent dqn_minatar --set agent.loss=huber";
    assert_eq!(hints(&stderr), [format!("cargo xtask reproduce {SIX} --out {out} {instead}")]);
    let (code, stdout, _) = workshop.reproduce(&format!("{SIX} {instead}"));
    assert_eq!(code, Some(0));
    assert_says(&stdout, &["6 finished"]);
}

/// A body and a field that only this body has.
#[test]
fn settings_are_made_in_turn_and_told_in_turn() {
    let workshop = Workshop::new();
    let one = "fig3 --arms softmoe-4 --games breakout --seeds 1";
    let settings = "--set network.body=tokenized --set network.body.pool=mean";
    let (code, _, stderr) = workshop.reproduce(&format!("{one} {settings}"));
    assert_eq!(code, Some(0), "{stderr}");
    let (code, _, stderr) = workshop.reproduce(one);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["network.body: tokenized there"]);
    assert_eq!(hints(&stderr).len(), 1, "{stderr}");
    // An arm's body is no setting of the other arms: there the advice would be none.
    let (code, _, stderr) = workshop.reproduce("fig3 --arms flat,softmoe-4 --games breakout --seeds 1");
    assert_eq!(code, Some(1));
    for hint in hints(&stderr) {
        assert!(!hint.contains("network.body=tokenized"), "{hint}");
    }
}

#[test]
fn settings_of_the_network_leave_the_random_policy_alone() {
    let workshop = Workshop::new();
    let one = "fig3 --arms flat --games breakout --seeds 1";
    workshop.reproduce(one);
    fs::remove_dir_all(workshop.run("flat")).unwrap();
    let (code, stdout, stderr) = workshop.reproduce(&format!("{one} --steps 40k --set network.hidden=64"));
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &["40,000 agent steps each", "1 finished, 0 to resume, 1 new"]);
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
fn a_setting_reaches_the_arms_that_have_it() {
    let workshop = Workshop::new();
    let (code, stdout, _) = workshop.reproduce(&format!("{SIX} --set network.body.experts=2"));
    assert_eq!(code, Some(0));
    assert_says(&stdout, &["note: `network.body.experts` does not apply to flat: left as they are"]);
    let config = softmoe_config::RunConfig::read(&workshop.run("softmoe-4/breakout/seed-0/run.ron")).unwrap();
    assert!(matches!(config.network.body, softmoe_config::BodySpec::SoftMoe { experts: 2, .. }));
}

#[test]
fn the_plan_tells_what_was_changed() {
    let arguments = "fig3 --games breakout --steps 300 --seeds 1 --set agent.n_step=5 --dry-run";
    let (_, plan, _) = Workshop::new().reproduce(arguments);
    assert_says(
        &plan,
        &[
            "changed  steps 300, seeds 1, games breakout, agent.n_step=5\n",
            "1 small game instead of 20",
            "300 agent steps instead of 50 million",
            "1 seed instead of 5",
            "agent.n_step=5",
            "note: the report covers these arms and games only, and replaces the one in",
            "the runs are no longer than the 1,000 agent steps of `agent.min_replay`",
        ],
    );
    let short = "fig3 --dry-run --set environment.max_episode_steps=3";
    assert_says(
        &Workshop::new().reproduce(short).1,
        &["note: the agents hardly ever learn: episodes are cut off after 3"],
    );
    let (_, plan, _) = Workshop::new().reproduce("fig3 --dry-run");
    assert!(!plan.contains("changed") && !plan.contains("note:"), "{plan}");
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

/// An experiment from anywhere, with a profile and arms of its own.
#[test]
fn an_experiment_is_taken_from_a_file() {
    let workshop = Workshop::new();
    let path = workshop.path("mine.ron");
    let text = r#"(
        figure: "mine", title: "Mine", claim: "c", reference: "flat",
        arms: [
            (name: "flat", label: "flat", body: flat()),
            (name: "der-n-step-5", label: "DER, n = 5", body: flat(), agent: der, set: ["agent.n_step=5"]),
        ],
        profiles: {"quick": (
            purpose: "p", leaves_out: [], games: minatar([breakout]), seeds: 1, encoder: minatar, hidden: 128,
            agent: rainbow_minatar, set_of: {der: ["agent.min_replay=77"]}, agent_steps: 10_000, evaluations: 1,
            evaluation_episodes: 1, final_evaluation_episodes: 1,
        )},
        rules: [higher(says: "s", better: "der-n-step-5", worse: "flat")],
    )"#;
    fs::write(&path, text).unwrap();
    let arguments = format!("--experiment {} --set agent.n_step=4", path.display());
    let (code, stdout, stderr) = workshop.reproduce(&arguments);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(
        &stdout,
        &["mine: Mine", "note: `agent.n_step` does not apply to der-n-step-5: left as they are"],
    );
    assert_says(&stdout, &[&format!("report: --experiment {}", path.display()), "results/mine/quick"]);
    let learning = |arm: &str| {
        let run = workshop.run(&format!("{arm}/breakout/seed-0")).join("run.ron");
        softmoe_config::RunConfig::read(&run).unwrap().agent.learning().unwrap()
    };
    let (flat, der) = (learning("flat"), learning("der-n-step-5"));
    assert_eq!((flat.n_step, flat.min_replay, flat.update_period.0), (4, 5_000, 4));
    assert_eq!((der.n_step, der.min_replay, der.update_period.0), (5, 77, 1));
    // Its runs are in the place of the profile's of the same name, and are not taken for them.
    let (code, _, stderr) = workshop.reproduce("fig3 --arms flat --games breakout --seeds 1");
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["has a different configuration", "--out DIR"]);
    // A profile of the figures is looked up beside the file.
    let shared = text.replace("profiles: {", "shared_profiles: {\"minatar\": ()}, profiles: {");
    fs::write(&path, shared).unwrap();
    let (code, _, stderr) = workshop.reproduce(&arguments);
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["profiles.ron"]);
    let (code, _, stderr) = workshop.reproduce("fig3 --experiment mine.ron");
    assert_eq!(code, Some(2));
    assert_says(&stderr, &["cannot be used with"]);
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

#[test]
fn the_time_of_an_interrupted_run_is_what_is_left_of_it() {
    let workshop = Workshop::new();
    let one = "fig3 --arms flat --games breakout --seeds 1 --jobs 1 --steps 20_000";
    workshop.reproduce(one);
    let directory = workshop.run("flat/breakout/seed-0");
    fs::remove_file(directory.join("done.ron")).unwrap();
    workshop.reproduce(&one.replace("--seeds 1", "--seeds 2"));
    // 40,000 steps took 4 s; 5,000 of 20,000 are left.
    fs::remove_file(directory.join("done.ron")).unwrap();
    fs::create_dir(directory.join("checkpoint")).unwrap();
    for step in [10_000, 15_000] {
        fs::write(directory.join(format!("checkpoint/step-{step:012}.ckpt")), "").unwrap();
    }
    let (_, plan, _) = workshop.reproduce(&format!("{one} --dry-run"));
    assert_says(&plan, &["1 finished, 1 to resume, 0 new", "about 1 s with 1 job"]);
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

#[test]
fn a_device_is_planned_handed_to_the_worker_and_remembered() {
    let workshop = Workshop::new();
    let (_, plan, _) = workshop.reproduce(&format!("{SIX} --dry-run"));
    assert_says(&plan, &["device   cpu\n"]);
    let (_, plan, _) = workshop.reproduce(&format!("{SIX} --device cuda:1 --jobs 3 --dry-run"));
    assert_says(&plan, &["device   cuda:1, shared by 3 runs at a time (`--jobs` sets how many"]);
    let (_, plan, _) = workshop.reproduce(&format!("{SIX} --device wgpu --jobs 1 --dry-run"));
    assert_says(&plan, &["device   wgpu, one run at a time"]);
    assert!(!workshop.out().exists());

    let (code, _, stderr) = workshop.reproduce(&format!("{SIX} --steps 40_000 --device cuda"));
    assert_eq!(code, Some(0), "{stderr}");
    let done: softmoe_config::Done =
        softmoe_config::file::read(&workshop.run("flat/breakout/seed-1/done.ron")).unwrap();
    assert_eq!(done.device, "cuda:0");
    // One card is like another, and the CPU is none of them.
    let more = format!("{SIX} --steps 40_000 --dry-run --jobs 1").replace("--seeds 2", "--seeds 3");
    let (_, plan, _) = workshop.reproduce(&format!("{more} --device cuda:2"));
    assert_says(&plan, &["about 8 s with 1 job", "4 finished runs of `cuda:0` will be reused"]);
    // On the CPU, the multiply-adds tell.
    let (_, plan, _) = workshop.reproduce(&more);
    assert_says(&plan, &["from multiply-adds at the speed of a slow machine"]);
    let (_, plan, _) =
        workshop.reproduce(&format!("{SIX} --dry-run --device wgpu").replace("flat,softmoe-4", "flat-x4"));
    assert_says(&plan, &["unknown until the first runs report"]);
}

#[test]
fn a_device_that_is_not_there_is_said_once() {
    let workshop = Workshop::new();
    workshop.tell("no-device", "install the driver");
    let (code, _, stderr) = workshop.reproduce(&format!("{SIX} --device wgpu"));
    assert_eq!(code, Some(1));
    assert_eq!(stderr, "error: the device `wgpu` cannot be used: install the driver\n");
    assert_eq!(workshop.started(), 0);
    // The CPU is always there.
    let (code, _, stderr) = workshop.reproduce(SIX);
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn seeds_are_added_and_directories_merged() {
    let workshop = Workshop::new();
    let one = "fig3 --arms flat --games breakout --seeds 1";
    workshop.reproduce(one);
    // Seed 1 is made in another directory.
    let other = workshop.path("other");
    let other = other.to_str().unwrap();
    let mut arguments = vec!["reproduce"];
    arguments.extend(one.split(' '));
    arguments.extend(["--first-seed", "1", "--out", other]);
    let (code, stdout, stderr) = workshop.xtask(&arguments);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(
        &stdout,
        &["changed  seeds 1, first seed 1", "0 finished, 0 to resume, 2 new", "--seeds 1 --first-seed 1"],
    );
    assert_eq!(workshop.started(), 4);
    assert!(workshop.path("other/runs/quick/flat/breakout/seed-1/done.ron").exists());
    // Together they are the runs of two seeds.
    let both = format!("fig3 --arms flat --games breakout --seeds 2 --strict --merge {other}");
    let (code, stdout, stderr) = workshop.reproduce(&both);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &["4 finished, 0 to resume, 0 new", "nothing is left to run", "--strict"]);
    assert_says(&stdout, &[&format!("--seeds 2 --merge {other}/runs")]);
    assert_eq!(workshop.started(), 4);
    assert!(!workshop.run("flat/breakout/seed-1").exists());
}

#[test]
fn a_sweep_makes_an_arm_of_each_value() {
    let workshop = Workshop::new();
    let sweep = "fig3 --arms softmoe-4 --games breakout --seeds 1 --sweep agent.n_step=1,5 --sweep network.body.experts=2,4";
    let (code, stdout, stderr) = workshop.reproduce(sweep);
    assert_eq!(code, Some(0), "{stderr}");
    assert_says(&stdout, &["6: 6 arms x 1 game x 1 seed", "random, flat, softmoe-4-n-step-1-experts-2,"]);
    assert_says(&stdout, &["experiments/fig3-n-step-experts.ron", "results/fig3-n-step-experts/quick"]);
    let config = workshop.run("softmoe-4-n-step-5-experts-2/breakout/seed-0/run.ron");
    let config = softmoe_config::RunConfig::read(&config).unwrap();
    assert_eq!(config.agent.learning().unwrap().n_step, 5);
    assert!(matches!(config.network.body, softmoe_config::BodySpec::SoftMoe { experts: 2, .. }));
    // The reporter reads the experiment from this file.
    let file = workshop.out().join("experiments/fig3-n-step-experts.ron");
    let experiment = softmoe_config::Experiment::read(&file).unwrap();
    let arm = experiment.arm("softmoe-4-n-step-1-experts-4").unwrap();
    assert_eq!(arm.label, "SoftMoE-4, n_step = 1, experts = 4");
    assert_eq!((experiment.reference.as_str(), experiment.rules.len()), ("flat", 0));

    let (code, _, stderr) = workshop.reproduce("fig3 --sweep agent.n_stp=1,5 --dry-run");
    assert_eq!(code, Some(1));
    assert_says(&stderr, &["n_stp", "did you mean `agent.n_step`?"]);
}
