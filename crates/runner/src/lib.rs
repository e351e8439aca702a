//! Runs training from a `run.ron` file and writes checkpoints, metrics and results to the run's directory.
//!
//! [`train`] steps a [`Training`](softmoe_agents::Training) to its end in a [`RunDirectory`](softmoe_config::RunDirectory),
//! with [checkpoints](checkpoint), [metrics](Metrics) and a [`Monitor`] that receives progress and can stop the run. A run that
//! was stopped or killed resumes from its newest checkpoint and ends with bit-identical weights and metrics.
//! [`train_in`] does the same in an environment of the caller's own:
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use softmoe_config::{
//!     AgentSteps, BodySpec, EncoderSpec, EnvironmentConfig, InstructionSet, LearningConfig, NetworkSpec, RunConfig, RunDirectory, RunVersion,
//!     TrainingConfig,
//! };
//! use softmoe_env::{Element, Environment, EnvironmentSpec, RestoreError, SaveState, Step};
//! use softmoe_runner::{Monitor, Options, Outcome, Progress, train_in};
//!
//! /// A coin that is turned over (1) or left alone (0). Heads pays.
//! #[derive(Clone, Serialize, Deserialize)]
//! struct Coin(bool);
//!
//! const SPEC: EnvironmentSpec = EnvironmentSpec { frame: [1, 1, 1], stack: 1, actions: 2, element: Element::Float };
//!
//! impl Environment for Coin {
//!     type Element = f32;
//!
//!     fn spec(&self) -> EnvironmentSpec {
//!         SPEC
//!     }
//!
//!     fn reset(&mut self) {
//!         self.0 = false;
//!     }
//!
//!     fn step(&mut self, action: usize) -> Step {
//!         self.0 ^= action == 1;
//!         Step { reward: f32::from(u8::from(self.0)), ..Step::default() }
//!     }
//!
//!     fn observe(&self, frame: &mut [f32]) {
//!         frame[0] = f32::from(u8::from(self.0));
//!     }
//! }
//!
//! impl SaveState for Coin {
//!     type State = Coin;
//!
//!     fn save(&self) -> Coin {
//!         self.clone()
//!     }
//!
//!     fn restore(&mut self, state: Coin) -> Result<(), RestoreError> {
//!         *self = state;
//!         Ok(())
//!     }
//! }
//!
//! struct Quiet;
//!
//! impl Monitor for Quiet {
//!     fn report(&mut self, _: &Progress) {}
//!     fn warn(&mut self, message: &str) {
//!         eprintln!("{message}");
//!     }
//!     fn keep_going(&mut self) -> bool {
//!         true
//!     }
//! }
//!
//! let config = RunConfig {
//!     version: RunVersion,
//!     profile: "coin".into(),
//!     arm: "dqn".into(),
//!     seed: 0,
//!     environment: EnvironmentConfig::Own { spec: SPEC, max_episode_steps: 10 },
//!     agent: LearningConfig { min_replay: 50, ..LearningConfig::dqn_classic_control() }.into(),
//!     network: NetworkSpec { encoder: EncoderSpec::Dense { width: 8 }, body: BodySpec::flat(), hidden: 8 },
//!     training: TrainingConfig {
//!         agent_steps: AgentSteps(100),
//!         evaluation_period: AgentSteps(50),
//!         evaluation_episodes: 1,
//!         final_evaluation_episodes: 2,
//!         checkpoint_period: AgentSteps(50),
//!     },
//!     instruction_set: InstructionSet::Auto,
//! };
//! let directory = tempfile::tempdir()?;
//! let run = RunDirectory::new(directory.path());
//! let outcome = train_in(|_| Coin(false), &config, &run, &Options::default(), &mut Quiet)?;
//! assert!(matches!(outcome, Outcome::Finished(done) if done.returns.len() == 2));
//! assert!(run.metrics_csv().exists() && run.weights().exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Trained`] loads the network of a run to watch it or to score it again, and changes nothing.
#![deny(missing_docs)]

mod appended;
mod atomic;
pub mod checkpoint;
mod checksum;
mod clock;
mod environment;
mod error;
#[cfg(feature = "gym")]
mod gym;
pub mod lock;
mod metrics;
mod monitor;
mod random;
mod results;
mod session;
mod start;
mod tensorboard;
mod timing;
mod train;
mod trained;

pub use appended::{Appended, Written};
pub use atomic::remove_leftovers;
pub use environment::{make, make_rendered};
pub use error::RunError;
pub use metrics::{Metrics, Positions};
pub use monitor::{Monitor, Outcome, Progress};
pub use start::Options;
pub use train::{train, train_in};
pub use trained::{Source, Trained};

/// The README's example, compiled and run with the documentation's tests.
#[cfg(all(doctest, feature = "minatar"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
