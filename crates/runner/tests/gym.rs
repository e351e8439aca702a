//! CartPole of gym-rs trains as everything else does.
#![cfg(feature = "gym")]

mod common;

use common::{End, Leavings, config_of, finish, run};
use softmoe_config::{
    AgentSteps, BodySpec, EncoderSpec, EnvironmentConfig, Game, GymGame, LearningConfig, LossSpec,
    NetworkSpec, RunConfig,
};
use softmoe_runner::make;
use tempfile::tempdir;

/// DQN on CartPole for 300 steps.
fn config() -> RunConfig {
    let agent = LearningConfig {
        min_replay: 40,
        replay_capacity: 150,
        batch_size: 8,
        target_period: AgentSteps(20),
        loss: LossSpec::Huber,
        ..LearningConfig::dqn_minatar()
    };
    RunConfig {
        environment: EnvironmentConfig::of(Game::Gym(GymGame::CartPole)),
        network: NetworkSpec { encoder: EncoderSpec::Dense { width: 8 }, body: BodySpec::flat(), hidden: 8 },
        ..config_of(agent.into(), BodySpec::flat())
    }
}

#[test]
fn a_configuration_says_of_cart_pole_what_the_environment_says() {
    let environment = make(&config().environment, 1).expect("an environment");
    assert_eq!(environment.spec(), config().environment.spec());
}

#[test]
fn an_episode_of_cart_pole_is_cut_off_by_its_time_limit() {
    let limited = EnvironmentConfig::Gym { game: GymGame::CartPole, max_episode_steps: 5 };
    let mut environment = make(&limited, 1).expect("an environment");
    let steps: Vec<_> = (0..5).map(|t| environment.step(t % 2)).collect();
    assert!(steps[..4].iter().all(|step| !step.ends_episode()));
    assert!(steps[4].truncated && !steps[4].terminal);
}

#[test]
fn a_run_on_cart_pole_that_was_stopped_or_killed_ends_as_one_that_was_not() {
    config().validate().expect("a valid run");
    let directory = tempdir().unwrap();
    let uninterrupted: Leavings = finish(&config(), directory.path());
    assert_eq!(uninterrupted.metrics.len(), 1 + 3);
    for end in [End::Stop(123), End::Die(215)] {
        let directory = tempdir().unwrap();
        run(&config(), directory.path(), end);
        assert_eq!(finish(&config(), directory.path()), uninterrupted, "{end:?}");
    }
}
