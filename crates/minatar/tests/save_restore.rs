//! A restored environment continues identically, and a corrupted state is refused or harmless.

use proptest::prelude::*;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_env::{DynEnvironment, RestoreError, Step};
use softmoe_minatar::{Breakout, Game, MinAtar, Settings, make};

/// What the agent sees and is told in one step.
type Moment = (Step, Vec<u8>);

fn look(environment: &dyn DynEnvironment) -> Vec<u8> {
    let mut observation = vec![0; environment.spec().frame_bytes()];
    environment.observe(&mut observation);
    observation
}

fn play(environment: &mut dyn DynEnvironment, actions: &[usize]) -> Vec<Moment> {
    actions
        .iter()
        .map(|action| {
            let step = environment.step(action % environment.spec().actions);
            if step.ends_episode() {
                environment.reset();
            }
            (step, look(environment))
        })
        .collect()
}

fn games() -> impl Strategy<Value = Game> {
    prop::sample::select(Game::ALL.to_vec())
}

fn settings() -> impl Strategy<Value = Settings> {
    (0.0..=1.0, any::<bool>(), any::<bool>(), 1_u64..400).prop_map(
        |(sticky_action_probability, difficulty_ramping, minimal_actions, max_episode_steps)| Settings {
            sticky_action_probability,
            difficulty_ramping,
            minimal_actions,
            max_episode_steps,
        },
    )
}

fn actions(range: std::ops::Range<usize>) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0_usize..6, range)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restored_environment_continues_identically(
        game in games(),
        settings in settings(),
        seed in any::<u64>(),
        other_seed in any::<u64>(),
        before in actions(0..600),
        after in actions(1..600),
    ) {
        let mut original = make(game, &settings, seed);
        play(&mut *original, &before);
        let saved = original.save();

        let mut restored = make(game, &settings, other_seed);
        play(&mut *restored, &after);
        restored.restore(&saved).expect("its own state");
        prop_assert_eq!(look(&*original), look(&*restored));
        prop_assert_eq!(&restored.save(), &saved);
        prop_assert_eq!(play(&mut *original, &after), play(&mut *restored, &after));
        prop_assert_eq!(original.save(), restored.save());
    }

    #[test]
    fn the_same_seed_gives_the_same_game(
        game in games(), settings in settings(), seed in any::<u64>(), actions in actions(1..300),
    ) {
        let mut one = make(game, &settings, seed);
        let mut two = make(game, &settings, seed);
        prop_assert_eq!(look(&*one), look(&*two));
        prop_assert_eq!(play(&mut *one, &actions), play(&mut *two, &actions));
    }

    /// The bytes of any state pass `check`: the rules that it tests hold throughout a game.
    #[test]
    fn every_state_on_the_way_is_accepted(
        game in games(), settings in settings(), seed in any::<u64>(), actions in actions(1..600),
    ) {
        let mut environment = make(game, &settings, seed);
        let mut other = make(game, &settings, seed);
        for action in actions {
            let step = environment.step(action % environment.spec().actions);
            other.restore(&environment.save()).expect("a state on the way, the last of an episode included");
            prop_assert_eq!(look(&*environment), look(&*other));
            if step.ends_episode() {
                environment.reset();
            }
        }
    }

    #[test]
    fn changed_bytes_are_refused_or_harmless(
        game in games(),
        seed in any::<u64>(),
        before in actions(0..300),
        after in actions(1..300),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut environment = make(game, &Settings::default(), seed);
        play(&mut *environment, &before);
        let mut bytes = environment.save();
        for (at, value) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
        let untouched = environment.save();
        if environment.restore(&bytes).is_err() {
            prop_assert_eq!(environment.save(), untouched, "a refused state changes nothing");
        }
        look(&*environment);
        environment.render();
        play(&mut *environment, &after);
    }

    #[test]
    fn garbage_is_refused_or_harmless(
        game in games(),
        seed in any::<u64>(),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        after in actions(1..300),
    ) {
        let mut environment = make(game, &Settings::default(), seed);
        let _ = environment.restore(&bytes);
        play(&mut *environment, &after);
    }

    #[test]
    fn truncated_or_extended_states_are_refused(
        game in games(), before in actions(0..300), cut in any::<prop::sample::Index>(),
    ) {
        let mut environment = make(game, &Settings::default(), 1);
        play(&mut *environment, &before);
        let mut bytes = environment.save();
        prop_assert!(environment.restore(&bytes[..cut.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert!(environment.restore(&bytes).is_err());
    }
}

/// Small numbers are what states are made of: these bytes decode far more often than uniform ones.
#[test]
fn small_garbage_is_refused_or_harmless() {
    use rand::RngExt;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
    let mut accepted = 0;
    for game in Game::ALL {
        for _ in 0..20_000 {
            let mut environment = make(game, &Settings::default(), 0);
            let mut bytes = environment.save();
            for _ in 0..random.random_range(1..8) {
                let at = random.random_range(0..bytes.len());
                bytes[at] = random.random_range(0..24);
            }
            accepted += usize::from(environment.restore(&bytes).is_ok());
            let actions: Vec<usize> = (0..40).map(|_| random.random_range(0..6)).collect();
            play(&mut *environment, &actions);
        }
    }
    assert!(accepted > 1000, "only {accepted} states were accepted: the test tests nothing");
}

/// Every value of every byte, one at a time: the ends of each number's range are among them.
#[test]
fn any_changed_byte_is_refused_or_harmless() {
    for game in Game::ALL {
        let mut environment = make(game, &Settings::default(), 0);
        play(&mut *environment, &[1, 2, 3, 4, 5, 0, 1, 5]);
        let saved = environment.save();
        for at in 0..saved.len() {
            for value in 0..=u8::MAX {
                let mut bytes = saved.clone();
                bytes[at] = value;
                if environment.restore(&bytes).is_ok() {
                    play(&mut *environment, &[0, 1, 5]);
                }
            }
        }
    }
}

#[test]
fn the_state_of_another_game_is_refused() {
    for game in Game::ALL {
        let saved = make(game, &Settings::default(), 0).save();
        for other in Game::ALL.into_iter().filter(|other| *other != game) {
            let error = make(other, &Settings::default(), 0).restore(&saved);
            assert!(error.is_err(), "{other} took a state of {game}");
        }
    }
}

#[test]
fn errors_say_what_is_wrong() {
    use softmoe_env::SaveState;
    let mut breakout = MinAtar::<Breakout>::new(&Settings::default(), Xoshiro256PlusPlus::seed_from_u64(0));
    let mut bytes = postcard::to_stdvec(&SaveState::save(&breakout)).expect("a state");
    // The name of the game is one byte, the paddle's column the next.
    bytes[1] = 10;
    let error = DynEnvironment::restore(&mut breakout, &bytes).expect_err("a paddle off the grid");
    assert!(matches!(error, RestoreError::Impossible { environment: "breakout", .. }), "{error}");
    assert!(error.to_string().contains("the paddle is on the grid"), "{error}");

    let error = DynEnvironment::restore(&mut breakout, &[]).expect_err("no bytes");
    assert!(matches!(error, RestoreError::Undecodable { .. }), "{error}");
}
