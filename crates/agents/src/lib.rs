//! DQN, Rainbow and DER agents, with training and evaluation.
//!
//! A [`Learner`] holds the weights, chooses greedy actions and learns from batches. An [`Agent`] owns everything else
//! (replay, schedules, exploration) and works with any learner. [`dqn`] and [`rainbow`] contain the losses as pure
//! functions, and learners for the networks of [`softmoe_nets`]. A [`Training`] is a complete run that the caller
//! advances step by step. An [`Inspector`](inspect::Inspector) plays with trained weights and shows what the network computes. Nothing in this crate reads a clock, opens a file or starts a thread.
//!
//! Rainbow with a soft mixture of experts on MinAtar Breakout, for a few hundred steps:
//!
//! ```
//! use softmoe_agents::{Agent, seeds::Seeds};
//! use softmoe_config::{Architecture, BodySpec, EncoderSpec, LearningConfig, NetworkSpec};
//! use softmoe_env::Player;
//! use softmoe_minatar::{Game, Settings, make};
//!
//! let network = NetworkSpec { encoder: EncoderSpec::MinAtar, body: BodySpec::soft_moe(4), hidden: 32 };
//! let config = LearningConfig { min_replay: 100, replay_capacity: 1_000, ..LearningConfig::rainbow_minatar() };
//! let mut player = Player::new(make(Game::Breakout, &Settings::default(), 1));
//! let spec = *player.spec();
//! let architecture = Architecture {
//!     network,
//!     head: config.head(),
//!     observation: spec.state(),
//!     actions: spec.actions,
//!     permutation_seed: 0,
//! };
//! let mut agent = Agent::new(&config.into(), &architecture, &spec, Seeds::new(1))?;
//!
//! for _ in 0..200 {
//!     let action = agent.act(player.state());
//!     let played = player.step(action);
//!     agent.learn(played.frame, action, played.step)?;
//! }
//! assert!(agent.updates() > 20);
//! # Ok::<(), softmoe_agents::AgentError>(())
//! ```
#![deny(missing_docs)]

mod agent;
#[cfg(feature = "burn")]
pub mod bodies;
mod devices;
pub mod diagnostics;
pub mod dqn;
mod error;
mod evaluation;
pub mod inspect;
mod instruction_set;
pub mod interventions;
mod learner;
pub mod networks;
pub mod prioritized;
pub mod rainbow;
mod replay_config;
pub mod seeds;
mod training;

pub use agent::{Agent, AgentState, Clock, Phases};
#[cfg(feature = "burn")]
pub use devices::{FixedBatch, TrainingStep, training_step};
pub use devices::{check as check_device, learner as learner_on, name as device_name};
pub use error::AgentError;
pub use evaluation::{Evaluation, Policy, evaluate};
pub use instruction_set::instruction_set;
pub use learner::{CpuLearner, Learner, Mode, NamedWeights, Objective, Update, UpdateSettings};
#[cfg(feature = "burn")]
pub use learner::{DeviceLearner, DeviceObjective};
pub use replay_config::ReplayConfig;
pub use training::{Evaluated, Poll, Training, TrainingState};

/// The README's example, compiled and run with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
