//! Value-based agents over any learner, with training, evaluation, checkpoints and resume.
//!
//! The seam is [`Learner`]: it holds the weights, chooses greedy actions and learns from batches. An [`Agent`]
//! owns everything around it (replay, schedules, exploration) and does not know what the learner computes
//! with. [`dqn`] and [`rainbow`] have the agents' losses as pure functions, and their learners over the networks of
//! [`softmoe_nets`]; [`run`] trains one run of an experiment from its `run.ron` to its `done.ron`.
//!
//! Rainbow with a soft mixture of experts on MinAtar Breakout, for a few hundred steps:
//!
//! ```
//! use softmoe_agents::{Agent, seeds::Seeds};
//! use softmoe_minatar::{Game, Settings, make};
//! use softmoe_config::{Architecture, BodySpec, EncoderSpec, NetworkSpec, LearningConfig};
//!
//! let network = NetworkSpec { encoder: EncoderSpec::MinAtar, body: BodySpec::soft_moe(4), hidden: 32 };
//! let config = LearningConfig { min_replay: 100, replay_capacity: 1_000, ..LearningConfig::rainbow_minatar() };
//! let mut environment = make(Game::Breakout, &Settings::default(), 1);
//! let architecture = Architecture {
//!     network,
//!     head: config.head(),
//!     observation: environment.spec().state(),
//!     actions: environment.spec().actions,
//!     permutation_seed: 0,
//! };
//! let mut agent = Agent::new(&config.into(), &architecture, Seeds::new(1))?;
//!
//! let mut observation = vec![0; environment.spec().frame_bytes()];
//! for _ in 0..200 {
//!     environment.observe(&mut observation);
//!     let action = agent.act(&observation);
//!     let step = environment.step(action);
//!     agent.learn(&observation, action, step)?;
//!     if step.terminal || step.truncated {
//!         environment.reset();
//!     }
//! }
//! assert!(agent.updates() > 20);
//! # Ok::<(), softmoe_agents::AgentError>(())
//! ```
#![deny(missing_docs)]

mod agent;
mod appended;
#[cfg(feature = "burn")]
pub mod bodies;
pub mod checkpoint;
mod devices;
pub mod diagnostics;
pub mod dqn;
pub mod environments;
mod error;
mod evaluation;
mod instruction_set;
pub mod interventions;
mod learner;
mod metrics;
pub mod networks;
pub mod prioritized;
pub mod rainbow;
pub mod run;
pub mod seeds;
mod tensorboard;

pub use agent::{Agent, AgentState, Clock, Phases};
pub use appended::{Appended, Written};
#[cfg(feature = "burn")]
pub use devices::{FixedBatch, TrainingStep, training_step};
pub use devices::{check as check_device, learner as learner_on};
pub use error::{AgentError, RunError};
pub use evaluation::evaluate;
pub use instruction_set::instruction_set;
pub use learner::{
    CpuLearner, Learner, Mode, NamedWeights, Objective, ReadObservations, Update, UpdateSettings,
};
#[cfg(feature = "burn")]
pub use learner::{DeviceLearner, DeviceObjective};
pub use metrics::{DiagnosticRow, Metrics, Positions, Row};
