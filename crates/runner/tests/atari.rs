//! Atari: configurations against the games themselves. Without emulator and ROMs these tests say that they are skipped.

use softmoe_config::{AtariGame, EnvironmentConfig};
use softmoe_runner::make;

#[cfg(not(feature = "atari"))]
#[test]
fn a_build_without_atari_says_how_to_get_it() {
    let error = make(&EnvironmentConfig::atari(AtariGame::Pong), 1).err().expect("an error").to_string();
    assert_eq!(error, "this build has no environments of Atari; build it with `--features atari`");
}

#[cfg(feature = "atari")]
#[test]
fn a_configuration_says_of_a_game_what_the_game_says() {
    use std::io::Write;
    if let Err(error) = softmoe_env::atari::Files::find() {
        assert!(std::env::var_os("SOFTMOE_REQUIRE_ATARI").is_none_or(|value| value != "1"), "{error}");
        let _ = writeln!(std::io::stderr(), "tests of Atari: SKIPPED, {error}");
        return;
    }
    for game in [AtariGame::Pong, AtariGame::Skiing, AtariGame::AirRaid] {
        let mut all_actions = EnvironmentConfig::atari(game);
        if let EnvironmentConfig::Atari { full_action_set, .. } = &mut all_actions {
            *full_action_set = true;
        }
        for config in [EnvironmentConfig::atari(game), EnvironmentConfig::atari_100k(game), all_actions] {
            let mut environment = make(&config, 1).expect("an environment");
            assert_eq!(environment.spec(), config.spec(), "{config:?}");
            let mut same = make(&config, 1).expect("an environment");
            for t in 0..20 {
                let action = t % config.spec().actions;
                assert_eq!(environment.step(action), same.step(action), "{config:?}, step {t}");
            }
            assert!(environment.save() == same.save(), "{config:?}");
        }
    }
}
