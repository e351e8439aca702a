//! Environments as data against the environments themselves.
#![cfg(feature = "minatar")]

use softmoe_config::{EnvironmentConfig, MinAtarGame};
use softmoe_minatar::Game;
use softmoe_runner::make;

/// All games of MinAtar, with all actions and with the minimal ones.
fn configs() -> impl Iterator<Item = EnvironmentConfig> {
    MinAtarGame::ALL.into_iter().flat_map(|game| {
        [false, true].map(|minimal_actions| EnvironmentConfig::MinAtar {
            game,
            sticky_action_probability: 0.25,
            difficulty_ramping: false,
            minimal_actions,
            max_episode_steps: 7,
        })
    })
}

#[test]
fn a_configuration_says_of_a_game_what_the_game_says() {
    for config in configs() {
        let environment = make(&config, 1).expect("an environment");
        assert_eq!(environment.spec(), config.spec(), "{config:?}");
    }
    assert_eq!(configs().count(), 2 * Game::ALL.len());
}

#[test]
fn an_environment_plays_the_game_of_its_configuration() {
    for config in configs() {
        let name = config.game().name();
        let settings = softmoe_minatar::Settings {
            sticky_action_probability: 0.25,
            difficulty_ramping: false,
            minimal_actions: config.spec().actions < 6,
            max_episode_steps: 7,
        };
        let mut expected = softmoe_minatar::make(name.parse().expect("a game"), &settings, 3);
        let mut environment = make(&config, 3).expect("an environment");
        for t in 0..40 {
            assert_eq!(environment.save(), expected.save(), "{name}, step {t}");
            let step = environment.step(t % config.spec().actions);
            assert_eq!(step, expected.step(t % config.spec().actions), "{name}, step {t}");
            if step.ends_episode() {
                environment.reset();
                expected.reset();
            }
        }
    }
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused() {
    let mut config = EnvironmentConfig::minatar(MinAtarGame::Breakout);
    if let EnvironmentConfig::MinAtar { max_episode_steps, .. } = &mut config {
        *max_episode_steps = 0;
    }
    let message = make(&config, 1).err().expect("an error").to_string();
    assert!(message.contains("`environment.max_episode_steps` is 0"), "{message}");
}
