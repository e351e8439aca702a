//! Errors: ROMs, settings, seeds; and several games in one process.

use std::{fs, thread};

use softmoe_env::Environment;
use softmoe_env::atari::{Atari, AtariGame, AtariVector, Files, Settings};

use crate::is_set_up;

fn message(files: &Files, game: AtariGame) -> String {
    let result = Atari::with_files(files, game, &Settings::default(), 1);
    result.expect_err("a ROM that cannot be played").to_string()
}

#[test]
fn missing_damaged_and_wrong_roms_are_told_apart() {
    if !is_set_up("missing_damaged_and_wrong_roms_are_told_apart") {
        return;
    }
    let real = Files::find().expect("set up");
    let directory = tempfile::tempdir().expect("a directory");
    let files = Files::at(directory.path());
    let text = message(&files, AtariGame::Pong);
    assert!(text.contains("roms/pong.bin") && text.contains("cargo xtask atari setup"), "{text}");
    fs::create_dir(files.roms()).expect("a directory");
    let rom = fs::read(real.rom(AtariGame::Pong)).expect("a ROM");
    fs::write(files.rom(AtariGame::Pong), &rom[..rom.len() - 1]).expect("written");
    let text = message(&files, AtariGame::Pong);
    assert!(text.contains("damaged") && text.contains("MD5"), "{text}");
    fs::write(files.rom(AtariGame::Pong), []).expect("written");
    assert!(message(&files, AtariGame::Pong).contains("damaged"));
    fs::write(files.rom(AtariGame::Breakout), &rom).expect("written");
    let text = message(&files, AtariGame::Breakout);
    assert!(text.contains("another game, pong"), "{text}");
    fs::create_dir(files.rom(AtariGame::Seaquest)).expect("a directory");
    assert!(message(&files, AtariGame::Seaquest).contains("no file"));
    fs::write(files.rom(AtariGame::Seaquest.min(AtariGame::Alien)), vec![0; 2 << 20]).expect("written");
    assert!(message(&files, AtariGame::Alien).contains("no file of a cartridge's size"));
}

#[test]
fn settings_out_of_range_are_named() {
    if !is_set_up("settings_out_of_range_are_named") {
        return;
    }
    let usual = Settings::default();
    let wrong = [
        (Settings { sticky_action_probability: f64::NAN, ..usual.clone() }, "sticky_action_probability"),
        (Settings { sticky_action_probability: 1.5, ..usual.clone() }, "sticky_action_probability"),
        (Settings { frame_skip: 0, ..usual.clone() }, "frame_skip"),
        (Settings { max_episode_steps: 0, ..usual.clone() }, "max_episode_steps"),
        (Settings { max_episode_frames: u32::MAX, ..usual.clone() }, "max_frames"),
    ];
    for (settings, name) in wrong {
        let error = Atari::new(AtariGame::Pong, &settings, 1).expect_err("a wrong setting").to_string();
        assert!(error.contains(name), "{error}");
    }
    let error = Atari::with_exact_seed(AtariGame::Pong, &usual, 1 << 31).expect_err("a seed").to_string();
    assert!(error.contains("`seed`"), "{error}");
}

/// What a game shows over some steps.
fn played(seed: u64) -> Vec<u8> {
    let mut atari = Atari::new(AtariGame::SpaceInvaders, &Settings::default(), seed).expect("a game");
    let mut frame = vec![0; 84 * 84];
    let mut shown = Vec::new();
    for t in 0..200 {
        if atari.step(t * 7 % 6).ends_episode() {
            atari.reset();
        }
        atari.observe(&mut frame);
        shown.extend_from_slice(&frame);
    }
    shown
}

#[test]
fn a_seed_decides_the_play_in_whatever_thread() {
    if !is_set_up("a_seed_decides_the_play_in_whatever_thread") {
        return;
    }
    let threads: Vec<_> = [1, 2, 1, 2].map(|seed| thread::spawn(move || played(seed))).into();
    let plays: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
    assert!(plays[0] == plays[2] && plays[1] == plays[3], "two games in one process disturb each other");
    assert!(plays[0] != plays[1], "sticky actions follow from the seed");
    assert!(plays[0] == played(1));
}

#[test]
fn a_vector_plays_as_its_environments_alone() {
    if !is_set_up("a_vector_plays_as_its_environments_alone") {
        return;
    }
    let settings = Settings::atari_100k();
    let play = |seeds: &[u64]| {
        let mut vector = AtariVector::new(AtariGame::Breakout, &settings, seeds).expect("a vector");
        assert_eq!((vector.len(), vector.states().len()), (seeds.len(), seeds.len() * 84 * 84 * 4));
        let mut steps = Vec::new();
        for t in 0..300 {
            vector.step(&vec![t % 4; seeds.len()]);
            steps.push((vector.steps().to_vec(), vector.states().to_vec(), vector.finished().to_vec()));
        }
        steps
    };
    let together = play(&[1, 2, 3]);
    for (index, seed) in [1, 2, 3].into_iter().enumerate() {
        for (t, (alone, all)) in play(&[seed]).iter().zip(&together).enumerate() {
            let length = alone.1.len();
            assert_eq!(alone.0[0], all.0[index], "seed {seed}, step {t}");
            assert!(alone.1 == all.1[index * length..][..length], "seed {seed}, step {t}: state");
            assert_eq!(alone.2[0], all.2[index], "seed {seed}, step {t}");
        }
    }
    assert!(AtariVector::new(AtariGame::Pong, &settings, &[]).expect("none").is_empty());
}
