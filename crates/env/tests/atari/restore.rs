//! Saved states: play continues bit for bit, and no other state gets in.

use std::thread;

use softmoe_env::atari::{Atari, AtariGame, AtariState, GameSet, Preprocessing, SIZE, Settings};
use softmoe_env::{DynEnvironment, Environment, Render, RestoreError, SaveState, Step};

use crate::is_set_up;

/// A generator of actions.
struct Policy(u64);

impl Policy {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// All that can be seen of a game.
#[derive(Debug, PartialEq)]
struct Seen {
    step: Step,
    lives: i32,
    ram: u32,
    observation: u32,
    picture: u32,
}

fn seen(atari: &Atari, step: Step) -> Seen {
    let mut observation = vec![0; SIZE * SIZE];
    Environment::observe(atari, &mut observation);
    Seen {
        step,
        lives: atari.lives(),
        ram: crc32fast::hash(atari.ram()),
        observation: crc32fast::hash(&observation),
        picture: crc32fast::hash(&atari.render().pixels),
    }
}

/// Plays some steps with random actions, resets where episodes end.
fn play(atari: &mut Atari, policy: &mut Policy, steps: usize) -> Vec<Seen> {
    let actions = Environment::spec(atari).actions;
    (0..steps)
        .map(|_| {
            let step = Environment::step(atari, policy.below(actions));
            let seen = seen(atari, step);
            if step.ends_episode() {
                Environment::reset(atari);
            }
            seen
        })
        .collect()
}

fn open(game: AtariGame, settings: &Settings, seed: u64) -> Atari {
    Atari::new(game, settings, seed).unwrap_or_else(|error| panic!("{game}: {error}"))
}

/// Saves at several points, restores into a game with another past, and compares what follows, and what is seen at once.
fn continues(game: AtariGame, settings: &Settings, points: usize) {
    let mut original = open(game, settings, 3);
    let mut other = open(game, settings, 4);
    let mut policy = Policy(game as u64);
    for point in 0..points {
        play(&mut original, &mut policy, 37);
        play(&mut other, &mut policy, 11);
        let saved = DynEnvironment::save(&original);
        DynEnvironment::restore(&mut other, &saved).unwrap_or_else(|error| panic!("{game}: {error}"));
        let nothing = Step::default();
        assert_eq!(seen(&other, nothing), seen(&original, nothing), "{game}, point {point}: at once");
        assert!(DynEnvironment::save(&other) == saved, "{game}, point {point}: saved again");
        let mut again = Policy(policy.0);
        let expected = play(&mut original, &mut policy, 60);
        let got = play(&mut other, &mut again, 60);
        for (t, (got, expected)) in got.iter().zip(&expected).enumerate() {
            assert_eq!(got, expected, "{game}, point {point}: {t} steps later");
        }
    }
}

fn in_all(games: &[AtariGame], settings: &Settings, points: usize) {
    let (first, second) = games.split_at(games.len() / 2);
    thread::scope(|scope| {
        for games in [first, second] {
            scope.spawn(|| games.iter().for_each(|game| continues(*game, settings, points)));
        }
    });
}

#[test]
fn restored_games_continue_bit_for_bit() {
    if is_set_up("restored_games_continue_bit_for_bit") {
        in_all(GameSet::Sixty.games(), &Settings::default(), 4);
    }
}

/// Single frames, where nothing hides what the emulator's own state leaves out; lives that cut steps short; all actions.
#[test]
fn restored_games_continue_bit_for_bit_with_other_settings() {
    if !is_set_up("restored_games_continue_bit_for_bit_with_other_settings") {
        return;
    }
    let frames = Settings { frame_skip: 1, ..Settings::default() };
    in_all(GameSet::Sixty.games(), &frames, 4);
    let lives =
        Settings { full_action_set: true, preprocessing: Preprocessing::Gymnasium, ..Settings::atari_100k() };
    in_all(GameSet::TwentySix.games(), &lives, 3);
}

#[test]
fn damaged_states_are_refused_and_change_nothing() {
    if !is_set_up("damaged_states_are_refused_and_change_nothing") {
        return;
    }
    let settings = Settings::default();
    let mut atari = open(AtariGame::Breakout, &settings, 1);
    let mut policy = Policy(1);
    play(&mut atari, &mut policy, 30);
    let state = DynEnvironment::save(&atari);
    for trial in 0..400 {
        let mut damaged = state.clone();
        match trial % 4 {
            0 => damaged.truncate(policy.below(state.len())),
            1 => damaged.extend([0; 3]),
            _ => {
                let at = policy.below(state.len());
                damaged[at] ^= 1 << policy.below(8);
            }
        }
        let refused = DynEnvironment::restore(&mut atari, &damaged);
        assert!(refused.is_err(), "trial {trial} was taken");
    }
    assert!(DynEnvironment::save(&atari) == state, "a refused state changed the game");
    let mut untouched = open(AtariGame::Breakout, &settings, 1);
    DynEnvironment::restore(&mut untouched, &state).expect("its own state");
    let mut again = Policy(policy.0);
    assert_eq!(play(&mut atari, &mut policy, 50), play(&mut untouched, &mut again, 50));
}

#[test]
fn states_of_other_games_are_refused_by_name() {
    if !is_set_up("states_of_other_games_are_refused_by_name") {
        return;
    }
    let pong = open(AtariGame::Pong, &Settings::default(), 1);
    let mut breakout = open(AtariGame::Breakout, &Settings::default(), 1);
    let state: AtariState = SaveState::save(&pong);
    let error = SaveState::restore(&mut breakout, state).expect_err("another game");
    assert!(
        matches!(error, RestoreError::OtherEnvironment { found: "Pong", expected: "Breakout" }),
        "{error}"
    );
}
