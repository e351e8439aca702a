//! Tests of the emulator through the C interface.

use ale_sys::{Action, Ale, AleError, AleOptions, AleState};
use softmoe_atari::{AtariGame, Files};

const OPTIONS: AleOptions = AleOptions { seed: 5, repeat_action_probability: 0.25, max_frames: 0 };

fn open(game: AtariGame) -> Ale {
    let files = Files::find().expect("the build found them");
    Ale::open(&files.rom(game), game.rom(), OPTIONS).unwrap_or_else(|error| panic!("{game}: {error}"))
}

fn play(ale: &mut Ale, frames: usize) {
    let actions = ale.minimal_actions();
    for t in 0..frames {
        if ale.is_game_over() {
            ale.reset().expect("a reset");
        }
        ale.act(actions[t / 3 % actions.len()]).expect("a frame");
    }
}

/// Also checks the action table that configurations read without the emulator.
#[test]
fn every_game_plays_and_its_states_read_back() {
    let mut others = Vec::new();
    for &game in AtariGame::ALL {
        let (mut from, mut to) = (open(game), open(game));
        let actions = (from.minimal_actions().len(), from.all_actions().len());
        assert_eq!(actions, (game.minimal_actions(), game.full_actions()), "{game}");
        play(&mut from, 150);
        let state = from.save().expect("a state");
        match to.restore(&state) {
            Ok(()) => assert!(to.save().expect("a state") == state, "{game}"),
            Err(error) => {
                assert!(matches!(error, AleError::State { .. }), "{error}");
                others.push(game);
            }
        }
    }
    // ALE writes the counters of MiniatureGolf as flags and reads them as numbers.
    assert_eq!(others, [AtariGame::MiniatureGolf]);
}

/// An invalid state causes an error and leaves the emulator unchanged.
#[test]
fn exceptions_end_at_the_border() {
    let mut ale = open(AtariGame::Pong);
    play(&mut ale, 200);
    let good = ale.save().expect("a state");
    play(&mut ale, 100);
    let now = ale.save().expect("a state");
    assert!(now != good);
    let mut refused = 0;
    for length in [1, 4, 27, 28, 500, good.emulator.len() - 1] {
        let cut = AleState { emulator: good.emulator[..length].to_vec(), ..good.clone() };
        refused += usize::from(ale.restore(&cut).is_err());
        assert!(ale.save().expect("a state") == now, "{length} bytes");
    }
    assert_eq!(refused, 6);
    let wrong = [
        AleState { emulator: Vec::new(), ..good.clone() },
        AleState { frame: vec![0; 7], ..good.clone() },
        AleState { patterns: [u32::MAX; 6], ..good.clone() },
        AleState { patterns: [0, 0, 0, 0, 0, 1], ..good.clone() },
    ];
    for state in wrong {
        let error = ale.restore(&state).expect_err("a wrong state");
        assert!(matches!(error, AleError::State { .. }), "{error}");
        assert!(ale.save().expect("a state") == now);
    }
}

#[test]
fn the_screen_and_its_palette_go_together() {
    let mut air_raid = open(AtariGame::AirRaid);
    assert_eq!((air_raid.height(), air_raid.width(), air_raid.screen().len()), (250, 160, 250 * 160));
    play(&mut air_raid, 100);
    let (grey, colours) = air_raid.palette();
    // Odd indices are colours without hue; ALE's table has no separate grey level for them.
    for &index in air_raid.screen().iter().filter(|index| *index % 2 == 0) {
        let [red, green, blue] = colours[usize::from(index)].map(f64::from);
        let level = (0.2989 * red + 0.5870 * green + 0.1140 * blue).round();
        assert_eq!(f64::from(grey[usize::from(index)]), level, "index {index}");
    }
    assert_eq!(air_raid.ram().len(), 128);
}

#[test]
fn actions_are_the_joysticks() {
    assert_eq!(Action::new(17).map(Action::number), Some(17));
    assert_eq!(Action::new(18), None);
    let pong = open(AtariGame::Pong);
    assert_eq!(pong.minimal_actions().first(), Some(&Action::NOOP));
    assert_eq!((pong.minimal_actions().len(), pong.all_actions().len()), (6, 18));
}
