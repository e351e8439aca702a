//! Shapes, action sets, pictures, names and time limits of the games.

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_env::{Environment, TimeLimit};
use softmoe_minatar::{Action, Freeway, Game, MinAtar, Settings, make};

#[test]
fn observations_have_the_channels_of_the_paper() {
    let channels = [
        (Game::Asterix, 4),
        (Game::Breakout, 4),
        (Game::Freeway, 7),
        (Game::Seaquest, 10),
        (Game::SpaceInvaders, 6),
    ];
    for (game, channels) in channels {
        let environment = make(game, &Settings::default(), 0);
        assert_eq!(environment.spec().frame, [10, 10, channels], "{game}");
        let mut observation = vec![255; 100 * channels];
        environment.observe(&mut observation);
        assert!(observation.iter().all(|value| *value <= 1), "{game}: every byte is written");
    }
}

#[test]
fn actions_are_six_or_the_minimal_ones() {
    for (game, minimal) in [
        (Game::Asterix, 5),
        (Game::Breakout, 3),
        (Game::Freeway, 3),
        (Game::Seaquest, 6),
        (Game::SpaceInvaders, 4),
    ] {
        assert_eq!(make(game, &Settings::default(), 0).spec().actions, 6, "{game}");
        let settings = Settings { minimal_actions: true, ..Settings::default() };
        assert_eq!(make(game, &settings, 0).spec().actions, minimal, "{game}");
    }
    let settings = Settings { minimal_actions: true, sticky_action_probability: 0.0, ..Settings::default() };
    let mut freeway = MinAtar::<Freeway>::new(&settings, Xoshiro256PlusPlus::seed_from_u64(0));
    assert_eq!(freeway.action_meanings(), [Action::Noop, Action::Up, Action::Down]);
    Environment::step(&mut freeway, 1);
    assert_eq!(freeway.last_action(), Action::Up);
}

#[test]
fn a_sticky_action_repeats_the_last_one_always_or_never() {
    let applied = |sticky_action_probability| {
        let settings = Settings { sticky_action_probability, ..Settings::default() };
        let mut freeway = MinAtar::<Freeway>::new(&settings, Xoshiro256PlusPlus::seed_from_u64(0));
        [2, 4, 2].map(|action| {
            Environment::step(&mut freeway, action);
            freeway.last_action()
        })
    };
    assert_eq!(applied(0.0), [Action::Up, Action::Down, Action::Up]);
    assert_eq!(applied(1.0), [Action::Noop; 3]);
}

#[test]
fn the_time_limit_truncates_and_a_terminal_step_is_not_truncated() {
    // A game of Freeway that is left alone ends by its own rules in step 2,501.
    for (limit, expected) in [
        (1, (1, false, true)),
        (2500, (2500, false, true)),
        (2501, (2501, true, false)),
        (9999, (2501, true, false)),
    ] {
        let game = MinAtar::<Freeway>::new(&Settings::default(), Xoshiro256PlusPlus::seed_from_u64(0));
        let mut freeway = TimeLimit::new(game, limit);
        for _episode in 0..2 {
            let end = (1_u64..).find_map(|t| {
                let step = Environment::step(&mut freeway, 0);
                (step.terminal || step.truncated).then_some((t, step.terminal, step.truncated))
            });
            assert_eq!(end, Some(expected), "limit {limit}");
            Environment::reset(&mut freeway);
        }
    }
}

#[test]
#[should_panic(expected = "an episode has at least one step")]
fn a_time_limit_of_no_steps_is_refused() {
    make(Game::Breakout, &Settings { max_episode_steps: 0, ..Settings::default() }, 0);
}

#[test]
fn after_the_end_nothing_happens_until_the_reset() {
    for game in Game::ALL {
        let mut environment = make(game, &Settings::default(), 3);
        let mut observation = vec![0; environment.spec().frame_bytes()];
        while !environment.step(4).terminal {}
        environment.observe(&mut observation);
        for action in 0..6 {
            let step = environment.step(action);
            assert!(step.terminal && step.reward == 0.0, "{game}");
            let mut now = vec![0; observation.len()];
            environment.observe(&mut now);
            assert_eq!(now, observation, "{game}");
        }
        environment.reset();
        assert!(!environment.step(0).terminal, "{game}");
    }
}

#[test]
fn pictures_show_what_observations_hold() {
    for game in Game::ALL {
        let environment = make(game, &Settings::default(), 0);
        let channels = environment.spec().frame[2];
        let mut observation = vec![0; 100 * channels];
        environment.observe(&mut observation);
        let picture = environment.render();
        assert_eq!((picture.width, picture.height, picture.pixels.len()), (10, 10, 300), "{game}");
        for (cell, pixel) in observation.chunks(channels).zip(picture.pixels.chunks(3)) {
            assert_eq!(cell.iter().any(|set| *set != 0), pixel != [0; 3], "{game}");
        }
        let large = picture.enlarged(3);
        assert_eq!((large.width, large.height, large.pixels.len()), (30, 30, 2700), "{game}");
        assert!((0..30).all(|y| (0..30).all(|x| large.pixel(x, y) == picture.pixel(x / 3, y / 3))), "{game}");
    }
}

#[test]
fn names_are_read_back_and_typos_get_the_nearest() {
    for game in Game::ALL {
        assert_eq!(game.to_string().parse(), Ok(game));
        assert_eq!(serde_json::to_string(&game).expect("json"), format!("\"{game}\""));
    }
    let message = |name: &str| name.parse::<Game>().expect_err("no such game").to_string();
    assert!(message("Braekout").contains("did you mean breakout?"), "{}", message("Braekout"));
    let pong = message("pong");
    assert!(!pong.contains("did you mean"), "{pong}");
    assert!(Game::ALL.iter().all(|game| pong.contains(game.name())), "{pong}");
}
