//! Atari: configurations against the games themselves, and runs. Without emulator and ROMs these tests say that they are skipped.

#[cfg(feature = "atari")]
mod common;

#[cfg(not(feature = "atari"))]
#[test]
fn a_build_without_atari_says_how_to_get_it() {
    use softmoe_config::{AtariGame, EnvironmentConfig};
    let made = softmoe_runner::make(&EnvironmentConfig::atari(AtariGame::Pong), 1);
    let error = made.err().expect("an error").to_string();
    assert_eq!(error, "this build has no environments of Atari; build it with `--features atari`");
}

#[cfg(feature = "atari")]
mod with_games {
    use super::common::{End, FLAT, Leavings, SOFT_MOE, config_of_atari, finish, run};
    use softmoe_config::{AgentSteps, AtariGame, EnvironmentConfig, LearningConfig, RunConfig};
    use softmoe_runner::{Outcome, make};
    use std::io::Write;
    use std::sync::OnceLock;
    use std::thread;
    use tempfile::tempdir;

    /// Whether the emulator's files are there; otherwise says that `test` is skipped.
    fn is_set_up(test: &str) -> bool {
        let found = softmoe_env::atari::Files::find();
        if let Err(error) = &found {
            assert!(std::env::var_os("SOFTMOE_REQUIRE_ATARI").is_none_or(|value| value != "1"), "{error}");
            let _ = writeln!(std::io::stderr(), "{test}: SKIPPED, {error}");
        }
        found.is_ok()
    }

    #[test]
    fn a_configuration_says_of_a_game_what_the_game_says() {
        if !is_set_up("a_configuration_says_of_a_game_what_the_game_says") {
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

    /// DER, whose episodes end with a life and begin with no-ops; and DQN, whose actions stick.
    fn configs() -> [RunConfig; 2] {
        let der = LearningConfig { update_period: AgentSteps(2), ..LearningConfig::der_atari() };
        [
            config_of_atari(AtariGame::Breakout, der, FLAT),
            config_of_atari(AtariGame::SpaceInvaders, LearningConfig::dqn_atari(), SOFT_MOE),
        ]
    }

    /// What one of [`configs`] leaves uninterrupted.
    fn uninterrupted(index: usize) -> &'static Leavings {
        static LEAVINGS: [OnceLock<Leavings>; 2] = [const { OnceLock::new() }; 2];
        LEAVINGS[index].get_or_init(|| finish(&configs()[index], tempdir().unwrap().path()))
    }

    #[test]
    fn a_run_started_again_ends_as_one_that_was_not_interrupted() {
        if !is_set_up("a_run_started_again_ends_as_one_that_was_not_interrupted") {
            return;
        }
        for (index, config) in configs().iter().enumerate() {
            let directory = tempdir().unwrap();
            let stopped = run(config, directory.path(), End::Stop(25)).unwrap().unwrap();
            assert_eq!(stopped, Outcome::Interrupted(AgentSteps(25)), "{config:?}");
            // A death loses the steps since the newest checkpoint: 70 and 140 of them are kept.
            assert!(run(config, directory.path(), End::Die(70)).is_none());
            assert!(run(config, directory.path(), End::DieInEvaluation(30)).is_none());
            let stopped = run(config, directory.path(), End::Stop(100)).unwrap().unwrap();
            assert!(matches!(stopped, Outcome::Interrupted(steps) if steps.0 > 140), "{stopped:?}");
            assert_eq!(finish(config, directory.path()), *uninterrupted(index), "{config:?}");
        }
    }

    #[test]
    fn two_runs_of_a_game_in_one_process_do_not_disturb_each_other() {
        if !is_set_up("two_runs_of_a_game_in_one_process_do_not_disturb_each_other") {
            return;
        }
        let [config, _] = configs();
        let other = RunConfig { seed: 4, ..config.clone() };
        let together = thread::scope(|scope| {
            let runs = [&config, &other];
            let runs = runs.map(|config| scope.spawn(|| finish(config, tempdir().unwrap().path())));
            runs.map(|run| run.join().unwrap())
        });
        assert_eq!(together[0], *uninterrupted(0));
        assert_ne!(together[1].weights, together[0].weights);
        assert_ne!(together[1].metrics, together[0].metrics);
    }
}
