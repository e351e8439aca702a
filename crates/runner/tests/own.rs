//! A run in an environment of the program's own.

mod common;

use common::{End, Leavings, Watcher};
use serde::{Deserialize, Serialize};
use softmoe_config::{EncoderSpec, EnvironmentConfig, NetworkSpec, RunConfig, RunDirectory};
use softmoe_env::{Element, Environment, EnvironmentSpec, RestoreError, SaveState, Step};
use softmoe_runner::{Options, Outcome, RunError, train, train_in};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

const SPEC: EnvironmentSpec =
    EnvironmentSpec { frame: [1, 1, 2], stack: 1, actions: 2, element: Element::Byte { scale: 255 } };

/// Rewards the action that its counter asks for. The counter starts at the seed.
#[derive(Clone, Serialize, Deserialize)]
struct Alternating {
    counter: u64,
}

impl Environment for Alternating {
    type Element = u8;

    fn spec(&self) -> EnvironmentSpec {
        SPEC
    }

    fn reset(&mut self) {
        self.counter += 1;
    }

    fn step(&mut self, action: usize) -> Step {
        let reward = if action as u64 == self.counter % 2 { 1.0 } else { 0.0 };
        self.counter =
            self.counter.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Step { reward, ..Step::default() }
    }

    fn observe(&self, frame: &mut [u8]) {
        frame.copy_from_slice(&[(self.counter % 2) as u8 * 255, (self.counter >> 56) as u8]);
    }
}

impl SaveState for Alternating {
    type State = Alternating;

    fn save(&self) -> Alternating {
        self.clone()
    }

    fn restore(&mut self, state: Alternating) -> Result<(), RestoreError> {
        *self = state;
        Ok(())
    }
}

fn config() -> RunConfig {
    let config = common::config(common::FLAT);
    RunConfig {
        environment: EnvironmentConfig::Own { spec: SPEC, max_episode_steps: 20 },
        network: NetworkSpec { encoder: EncoderSpec::Dense { width: 8 }, ..config.network },
        ..config
    }
}

fn run(config: &RunConfig, directory: &Path, end: End) -> Result<Outcome, RunError> {
    let (directory, mut watcher) = (RunDirectory::new(directory), Watcher::new(end));
    train_in(|seed| Alternating { counter: seed }, config, &directory, &Options::default(), &mut watcher)
}

#[test]
fn a_killed_run_ends_as_an_undisturbed_one() {
    let [undisturbed, killed] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let Outcome::Finished(done) = run(&config(), undisturbed.path(), End::Never).unwrap() else {
        panic!("not finished")
    };
    assert!(done.returns.iter().all(|&sum| (0.0..=20.0).contains(&sum)), "{done:?}");
    assert!(catch_unwind(AssertUnwindSafe(|| run(&config(), killed.path(), End::Die(150)))).is_err());
    run(&config(), killed.path(), End::Never).unwrap();
    assert_eq!(Leavings::of(killed.path()), Leavings::of(undisturbed.path()));
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_computed() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |config: &RunConfig| run(config, directory.path(), End::Never).unwrap_err().to_string();
    let spec = EnvironmentSpec { actions: 3, ..SPEC };
    let other = RunConfig { environment: EnvironmentConfig::Own { spec, max_episode_steps: 20 }, ..config() };
    assert!(
        refused(&other).contains("actions: 2") && refused(&other).contains("run.ron"),
        "{}",
        refused(&other)
    );
    assert!(refused(&common::config(common::FLAT)).contains("configured for breakout"));

    let (run, mut watcher) = (RunDirectory::new(directory.path()), Watcher::new(End::Never));
    let error = train(&config(), &run, &Options::default(), &mut watcher).unwrap_err().to_string();
    assert!(error.contains("train_in"), "{error}");
    assert!(!run.done_ron().exists());
}
