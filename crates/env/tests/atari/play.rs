//! Facts about games and settings.

use softmoe_env::Environment;
use softmoe_env::atari::{Atari, AtariGame, Preprocessing, Settings, make};

use crate::is_set_up;

#[test]
fn actions_are_minimal_or_all() {
    if !is_set_up("actions_are_minimal_or_all") {
        return;
    }
    for game in [AtariGame::Breakout, AtariGame::Skiing, AtariGame::AirRaid] {
        let actions = |full_action_set| {
            let settings = Settings { full_action_set, ..Settings::default() };
            Atari::new(game, &settings, 1).unwrap_or_else(|error| panic!("{game}: {error}")).spec().actions
        };
        assert_eq!((actions(false), actions(true)), (game.minimal_actions(), game.full_actions()), "{game}");
    }
}

#[test]
fn episodes_are_truncated_after_steps() {
    if !is_set_up("episodes_are_truncated_after_steps") {
        return;
    }
    let settings = Settings { max_episode_steps: 5, noop_max: 30, ..Settings::default() };
    let mut pong = make(AtariGame::Pong, &settings, 1).expect("a game");
    let ends: Vec<bool> = (0..5).map(|_| pong.step(0).truncated).collect();
    assert_eq!(ends, [false, false, false, false, true], "no-ops do not count");
}

/// Both orders start from several screens where there are no-ops, and from one where there are none.
#[test]
fn noops_vary_the_start() {
    if !is_set_up("noops_vary_the_start") {
        return;
    }
    for preprocessing in [Preprocessing::Dopamine, Preprocessing::Gymnasium] {
        let starts = |noop_max| {
            let settings =
                Settings { noop_max, preprocessing, sticky_action_probability: 0.0, ..Settings::default() };
            let mut atari = Atari::new(AtariGame::Freeway, &settings, 1).expect("a game");
            let mut seen = Vec::new();
            for _ in 0..12 {
                let mut frame = vec![0; 84 * 84];
                Environment::observe(&atari, &mut frame);
                if !seen.contains(&frame) {
                    seen.push(frame);
                }
                Environment::reset(&mut atari);
            }
            seen.len()
        };
        assert!(starts(30) > 4, "{preprocessing:?}");
        assert_eq!(starts(0), 1, "{preprocessing:?}");
    }
}

/// A step that ends a life is cut short, and the game goes on.
#[test]
fn a_lost_life_cuts_the_step_short() {
    if !is_set_up("a_lost_life_cuts_the_step_short") {
        return;
    }
    let settings = Settings { noop_max: 0, ..Settings::atari_100k() };
    let mut breakout = Atari::new(AtariGame::Breakout, &settings, 1).expect("a game");
    let mut lost = Vec::new();
    let mut cut = 0;
    loop {
        let lives = breakout.lives();
        let step = breakout.step(1);
        cut += u32::from(breakout.frames_of_last_step() < 4);
        if step.life_lost || step.terminal {
            lost.push((lives - breakout.lives(), step.terminal));
        }
        if step.terminal {
            break;
        }
    }
    assert_eq!(lost, [(1, false), (1, false), (1, false), (1, false), (1, true)]);
    assert!(cut > 0, "no step was cut short: the test tests little");
}
