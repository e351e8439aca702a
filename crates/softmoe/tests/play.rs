//! Watching a run and scoring it again: the real programs on real runs, and the files that they write.
#![cfg(all(unix, feature = "minatar"))]

mod worker;

use nix::sys::signal::Signal;
use softmoe_config::{AgentConfig, AgentSteps, Done, LearningConfig, RunConfig, file};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use worker::{Ended, FLAT, Run, SOFT_MOE, assert_says, config, ended, endless, quiet};

/// `softmoe-play RUN ARGUMENTS`.
fn play(run: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("softmoe-play"));
    command.arg(run).args(arguments);
    quiet(command)
}

/// `softmoe-run evaluate RUN ARGUMENTS --json`, as JSON.
fn evaluated(run: &Run, arguments: &[&str]) -> serde_json::Value {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("softmoe-run"));
    command.arg("evaluate").arg(run.path()).args(arguments).arg("--json");
    let ended = ended(quiet(command));
    assert!(ended.status.success(), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

fn returns(report: &serde_json::Value) -> Vec<f64> {
    report["returns"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

/// Bytes and time of change of every file below a directory.
fn contents(directory: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            let changed = path.metadata().unwrap().modified().unwrap();
            found.insert(path.clone(), (fs::read(&path).unwrap(), changed));
        }
    }
    found
}

#[track_caller]
fn refused(command: Command, parts: &[&str]) -> Ended {
    let ended = ended(command);
    assert!(matches!(ended.status.code(), Some(1 | 2)), "{ended:?}");
    assert_says(&ended.stderr, parts);
    ended
}

/// Number of pictures, and width and height, of a GIF; the whole file is decoded.
fn gif(path: &Path) -> (usize, [u16; 2]) {
    let mut decoder = gif::Decoder::new(File::open(path).unwrap()).unwrap();
    let size = [decoder.width(), decoder.height()];
    let mut count = 0;
    while decoder.read_next_frame().unwrap().is_some() {
        count += 1;
    }
    (count, size)
}

#[test]
fn a_finished_run_has_the_same_score_again_and_makes_a_film() {
    let dqn = LearningConfig {
        min_replay: 120,
        batch_size: 16,
        replay_capacity: 400,
        ..LearningConfig::dqn_minatar()
    };
    let dqn = RunConfig { agent: AgentConfig::Learning(dqn), ..config(FLAT) };
    let random = RunConfig { agent: AgentConfig::Random, ..config(FLAT) };
    for (config, has_experts) in [(config(SOFT_MOE), true), (dqn, false), (random, false)] {
        let run = Run::new(&config);
        assert!(run.work().status.success());
        let before = contents(run.path());
        let done: Done = file::read(&run.files().done_ron()).unwrap();

        let again = evaluated(&run, &[]);
        assert_eq!(again["score"].as_f64(), Some(done.score));
        assert_eq!(returns(&again), done.returns);
        assert_eq!(again["reproduces"], true);
        let fewer = evaluated(&run, &["--episodes", "4"]);
        assert_eq!(returns(&fewer), done.returns[..4]);
        assert_eq!(fewer["reproduces"], true);
        let other = evaluated(&run, &["--seed", "99"]);
        assert_ne!(returns(&other), done.returns);
        assert!(other["reproduces"].is_null());

        let out = tempfile::tempdir().unwrap();
        let (film, sheet) = (out.path().join("a film.gif"), out.path().join("sheet.png"));
        let (film, sheet) = (film.to_str().unwrap(), sheet.to_str().unwrap());
        let told =
            ended(play(run.path(), &["--gif", film, "--png", sheet, "--steps", "7", "--episodes", "9"]));
        assert!(told.status.success(), "{told:?}");
        assert_says(&told.stdout, &["7 steps", "a film.gif", "sheet.png"]);
        let (pictures, [width, height]) = gif(Path::new(film));
        assert_eq!(pictures, 7);
        // The game alone is 280 pixels wide.
        assert_eq!(width > 850, has_experts, "{width} x {height}");
        let mut png =
            png::Decoder::new(std::io::BufReader::new(File::open(sheet).unwrap())).read_info().unwrap();
        let mut pixels = vec![0; png.output_buffer_size().unwrap()];
        let info = png.next_frame(&mut pixels).unwrap();
        // Six frames in rows without holes.
        let frames = info.width / u32::from(width) * (info.height / u32::from(height));
        assert_eq!(frames, 6, "{info:?}");

        // Beside the weights, where the report finds it.
        let beside = run.path().join("film.gif");
        let told = ended(play(run.path(), &["--gif", beside.to_str().unwrap(), "--steps", "3"]));
        assert!(told.status.success(), "{told:?}");
        assert_eq!(gif(&beside).0, 3);
        fs::remove_file(beside).unwrap();

        // The first episode of the film is the first of the score.
        let told = ended(play(run.path(), &["--png", sheet, "--episodes", "1", "--no-overlay"]));
        assert_says(&told.stdout, &[&format!("return {}\n", done.returns[0])]);
        assert_eq!(contents(run.path()), before);
    }
}

#[test]
fn a_run_that_goes_on_plays_its_newest_checkpoint_and_resumes_as_if_nobody_had_looked() {
    let (undisturbed, _) = Run::new(&config(SOFT_MOE)).finish();
    let (run, _) = Run::interrupted(&config(SOFT_MOE), 2, Signal::SIGTERM);
    let before = contents(run.path());
    let out = tempfile::tempdir().unwrap();
    let film = out.path().join("film.gif");
    let told = ended(play(run.path(), &["--gif", film.to_str().unwrap(), "--steps", "3"]));
    assert!(told.status.success(), "{told:?}");
    let steps = run.files().newest_checkpoint().unwrap();
    assert_says(&told.stdout, &[&format!("step {steps} of 600")]);
    assert_eq!(gif(&film).0, 3);
    let report = evaluated(&run, &["--episodes", "2"]);
    assert_eq!(report["agent_steps"].as_u64(), Some(steps.0));
    assert!(report["score_of_run"].is_null() && report["reproduces"].is_null());
    assert_eq!(contents(run.path()), before);
    run.finish();
    assert_eq!(run.leavings(), undisturbed);
}

#[test]
fn what_cannot_be_played_says_why() {
    let out = tempfile::tempdir().unwrap();
    let film = out.path().join("film.gif");
    let film = film.to_str().unwrap();
    // No step was made yet.
    let new = Run::new(&endless(FLAT));
    refused(
        play(new.path(), &["--gif", film]),
        &["has no weights yet", "neither finished nor written a checkpoint"],
    );
    refused(play(&out.path().join("nowhere"), &["--gif", film]), &["nowhere is no run"]);

    let run = Run::new(&RunConfig { training: short(), ..config(SOFT_MOE) });
    run.finish();
    let before = contents(run.path());
    refused(play(run.path(), &[]), &["standard output is none", "--gif FILE", "--mp4 FILE", "--png FILE"]);
    refused(play(run.path(), &["--human"]), &["`--human` needs a terminal"]);
    refused(play(run.path(), &["--gif", "film.png"]), &["must end in .gif"]);
    refused(play(run.path(), &["--gif", "no/such/place/film.gif"]), &["no directory no/such/place"]);
    fs::create_dir_all(run.files().checkpoints()).unwrap();
    let inside = run.files().checkpoints().join("film.gif");
    refused(play(run.path(), &["--gif", inside.to_str().unwrap()]), &["among the run's own files"]);
    fs::remove_dir(run.files().checkpoints()).unwrap();
    refused(play(run.path(), &["--gif", film, "--scale", "0"]), &["--scale", "0 is not in 1..=100"]);
    refused(play(run.path(), &["--gif", film, "--epsilon", "2"]), &["must be a number from 0 to 1"]);
    refused(play(run.path(), &["--gif", film, "--terminal"]), &["cannot be used with"]);
    let mut without = play(run.path(), &["--mp4", &film.replace("gif", "mp4")]);
    without.env("SOFTMOE_FFMPEG", "/no/such/ffmpeg");
    refused(without, &["/no/such/ffmpeg", "apt-get install ffmpeg", "--gif"]);
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0, "nothing was written");
    assert_eq!(contents(run.path()), before);

    // Damaged weights, and those of another network.
    fs::write(run.files().weights(), "no weights").unwrap();
    refused(play(run.path(), &["--gif", film]), &["cannot use the weights in", "weights.safetensors"]);
    let other = Run::new(&RunConfig { training: short(), ..config(FLAT) });
    other.finish();
    fs::copy(other.files().weights(), run.files().weights()).unwrap();
    refused(play(run.path(), &["--gif", film]), &["they belong to another network than the one of run.ron"]);
}

/// A hundred steps, with a single evaluation.
fn short() -> softmoe_config::TrainingConfig {
    softmoe_config::TrainingConfig { agent_steps: AgentSteps(100), ..config(FLAT).training }
}

#[test]
fn a_video_gets_every_picture() {
    let run = Run::new(&RunConfig { training: short(), ..config(SOFT_MOE) });
    run.finish();
    let out = tempfile::tempdir().unwrap();
    // Keeps what it is sent, as the file that it is to write.
    let program = out.path().join("ffmpeg");
    fs::write(
        &program,
        "#!/bin/sh\nfor last; do :; done\necho \"$@\" > \"${0%/*}/asked\"\nexec cat > \"$last\"\n",
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let video = out.path().join("film.mp4");
    let mut command = play(run.path(), &["--mp4", video.to_str().unwrap(), "--steps", "5", "--fps", "12"]);
    let told = ended({
        command.env("SOFTMOE_FFMPEG", &program);
        command
    });
    assert!(told.status.success(), "{told:?}");
    let asked = fs::read_to_string(out.path().join("asked")).unwrap();
    let words: Vec<&str> = asked.split_whitespace().collect();
    let after = |option: &str| words[words.iter().position(|word| *word == option).unwrap() + 1];
    assert_eq!(after("-r"), "12");
    let (width, height) = after("-s").split_once('x').unwrap();
    let [width, height] = [width, height].map(|side| side.parse::<usize>().unwrap());
    assert!(width % 2 == 0 && height % 2 == 0);
    assert_eq!(fs::read(&video).unwrap().len(), 5 * width * height * 3);

    // One that fails says why, and no file is left.
    fs::write(&program, "#!/bin/sh\necho 'Unknown encoder' >&2\nexit 1\n").unwrap();
    fs::remove_file(&video).unwrap();
    let mut command = play(run.path(), &["--mp4", video.to_str().unwrap(), "--steps", "5"]);
    command.env("SOFTMOE_FFMPEG", &program);
    refused(command, &["ffmpeg cannot make the video: Unknown encoder"]);
    assert!(!video.exists());
    let left: Vec<_> = fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
