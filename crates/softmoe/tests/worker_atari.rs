//! The worker on runs of Atari: killed, and without its ROM or with another. Without emulator and ROMs these tests say that they are
//! skipped.
#![cfg(unix)]

mod worker;

use softmoe_config::{
    AgentConfig, AgentSteps, AtariGame, EncoderSpec, EnvironmentConfig, Game, LearningConfig, NetworkSpec,
    RunConfig, TrainingConfig,
};
use worker::{FLAT, Run, assert_says};

/// 400 steps of DER on Breakout, each hundredth followed by a short evaluation and a checkpoint.
fn config() -> RunConfig {
    let run = worker::config(FLAT);
    let AgentConfig::Learning(small) = run.agent else { panic!("an agent that learns") };
    let agent = AgentConfig::Learning(LearningConfig {
        min_replay: small.min_replay,
        batch_size: 8,
        replay_capacity: small.replay_capacity,
        target_period: small.target_period,
        update_period: AgentSteps(2),
        ..LearningConfig::der_atari()
    });
    let mut environment = EnvironmentConfig::played_by(&agent, Game::Atari(AtariGame::Breakout));
    if let EnvironmentConfig::Atari { max_episode_steps, .. } = &mut environment {
        *max_episode_steps = 70;
    }
    let network = NetworkSpec { encoder: EncoderSpec::Nature, ..run.network };
    let training = TrainingConfig {
        agent_steps: AgentSteps(400),
        evaluation_episodes: 1,
        final_evaluation_episodes: 2,
        ..run.training
    };
    RunConfig { environment, agent, network, training, ..run }
}

#[cfg(not(feature = "atari"))]
#[test]
fn a_worker_without_atari_says_how_to_get_it() {
    let ended = Run::new(&config()).work();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_says(&ended.stderr, &["no environments of Atari", "`--features atari`"]);
}

#[cfg(feature = "atari")]
mod with_games {
    use super::*;
    use nix::sys::signal::Signal;
    use softmoe_config::file;
    use softmoe_env::atari::Files;
    use std::fs;
    use std::io::Write;
    use std::path::Path;
    use worker::kills::kill;
    use worker::{Ended, ended};

    /// The emulator's files; `None`, having said that `test` is skipped, where they are not set up.
    fn files(test: &str) -> Option<Files> {
        let found = Files::find();
        if let Err(error) = &found {
            assert!(std::env::var_os("SOFTMOE_REQUIRE_ATARI").is_none_or(|value| value != "1"), "{error}");
            let _ = writeln!(std::io::stderr(), "{test}: SKIPPED, {error}");
        }
        found.ok()
    }

    #[test]
    fn killed_at_random_instants_and_in_its_writes() {
        if files("killed_at_random_instants_and_in_its_writes").is_some() {
            assert_eq!(kill(&config(), 6).kills, 6);
        }
    }

    /// `cargo test --release -p softmoe --features atari --test worker_atari -- --ignored --nocapture`
    #[test]
    #[ignore = "takes a minute"]
    fn killed_twenty_times() {
        if files("killed_twenty_times").is_some() {
            let tally = kill(&config(), 20);
            assert_eq!(tally.kills, 20);
            assert!(tally.in_a_write > 0);
        }
    }

    /// The worker on `run`, with the emulator's files in `directory`.
    fn work_with(run: &Run, directory: &Path) -> Ended {
        let mut command = run.command();
        command.env(softmoe_env::atari::VARIABLE, directory);
        ended(command)
    }

    #[test]
    fn a_run_without_its_rom_is_an_error_and_goes_on_with_it() {
        let Some(real) = files("a_run_without_its_rom_is_an_error_and_goes_on_with_it") else { return };
        let (undisturbed, _) = Run::new(&config()).finish();
        let (run, _) = Run::interrupted(&config(), 2, Signal::SIGKILL);
        let before = run.checkpoints();
        let refused = |directory: &Path, parts: &[&str]| {
            let ended = work_with(&run, directory);
            assert_eq!(ended.status.code(), Some(1), "{ended:?}");
            assert_says(&ended.stderr, parts);
            assert_says(&ended.stderr, &["cargo xtask atari setup"]);
            assert_eq!(run.checkpoints(), before, "nothing is lost");
        };
        let directory = tempfile::tempdir().unwrap();
        let copy = Files::at(directory.path().join("ale"));
        let name = copy.directory().display().to_string();
        refused(copy.directory(), &["is not set up", &name]);

        fs::create_dir_all(copy.roms()).unwrap();
        fs::copy(real.stamp(), copy.stamp()).unwrap();
        let rom = copy.rom(AtariGame::Breakout);
        let name = rom.display().to_string();
        refused(copy.directory(), &["Breakout", &name]);
        let bytes = fs::read(real.rom(AtariGame::Breakout)).unwrap();
        fs::write(&rom, &bytes[..bytes.len() / 2]).unwrap();
        refused(copy.directory(), &["Breakout", &name, "damaged"]);
        fs::copy(real.rom(AtariGame::Pong), &rom).unwrap();
        refused(copy.directory(), &["Breakout", &name, "another game, pong"]);

        fs::write(&rom, bytes).unwrap();
        let ended = work_with(&run, copy.directory());
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!(run.leavings(), undisturbed);
    }

    /// The error names the setting that differs before the emulator sees a state.
    #[test]
    fn a_checkpoint_of_another_game_is_refused() {
        if files("a_checkpoint_of_another_game_is_refused").is_none() {
            return;
        }
        let (run, _) = Run::interrupted(&config(), 2, Signal::SIGKILL);
        let before = run.checkpoints();
        let mut other = config();
        if let EnvironmentConfig::Atari { game, .. } = &mut other.environment {
            *game = AtariGame::Assault;
        }
        file::write(&run.files().run_ron(), &other).unwrap();
        let ended = run.work();
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert_says(&ended.stderr, &["`environment.game` was Breakout, is Assault", "put run.ron back"]);
        assert_eq!(run.checkpoints(), before);
    }
}
