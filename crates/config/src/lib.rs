//! Configuration of experiments and runs: types, presets, validation, and reading and writing as RON.
//!
//! `xtask` and the worker (`softmoe-run`) share this crate. It contains only data types and has no dependencies that are
//! slow to build.
//!
//! An [`Experiment`] describes one figure of the paper. It [resolves](Experiment::resolve) into one fully specified
//! [`RunConfig`] per run:
//!
//! ```
//! use softmoe_config::{Experiment, file};
//! use std::path::Path;
//!
//! let experiment: Experiment = file::parse(Path::new("fig.ron"), r#"(
//!     figure: "fig",
//!     title: "Tokens or no tokens",
//!     claim: "Tokens help.",
//!     reference: "flat",
//!     arms: [
//!         (name: "flat", label: "flat", body: flat()),
//!         (name: "softmoe-4", label: "SoftMoE-4", body: soft_moe(experts: 4)),
//!     ],
//!     profiles: {
//!         "quick": (
//!             purpose: "an example", leaves_out: [], games: minatar([breakout]), seeds: 2,
//!             encoder: minatar, hidden: 128, agent: rainbow_minatar, set: ["agent.min_replay=1000"],
//!             agent_steps: 40_000, evaluations: 8, evaluation_episodes: 5, final_evaluation_episodes: 30,
//!         ),
//!     },
//!     rules: [higher(says: "SoftMoE-4 is above flat", better: "softmoe-4", worse: "flat")],
//! )"#)?;
//! experiment.validate()?;
//! let runs = experiment.resolve("quick", experiment.profile("quick")?, &["flat", "softmoe-4"])?;
//! assert_eq!(runs.len(), 4);
//! assert_eq!(runs[0].name(), "quick/flat/breakout/seed-0");
//! # Ok::<(), softmoe_config::ConfigError>(())
//! ```
#![deny(missing_docs)]

pub mod agent;
pub mod body;
mod check;
mod cost;
pub mod device;
mod device_body;
pub mod directory;
pub mod environment;
pub mod error;
pub mod experiment;
mod experiment_check;
pub mod file;
pub mod games;
pub mod instruction_set;
pub mod intervention;
pub mod lease;
mod mend;
mod named_games;
pub mod names;
pub mod network;
pub mod profile;
pub mod protocol;
pub mod published;
mod resolve;
pub mod rule;
pub mod run;
pub mod session;
pub mod setting;
pub mod sweep;
pub mod units;
pub mod words;

pub use agent::{AgentConfig, AgentPreset, Algorithm, LearningConfig, LossSpec};
pub use body::{BodySpec, ExpertSpec, MixingSpec, PoolSpec, ReluSpec, SimplicialSpec, SlotsSpec, TokensSpec};
pub use device::Device;
pub use device_body::DeviceBodySpec;
pub use directory::{CurvePoint, DiagnosticRow, MetricsRow, RunDirectory};
pub use environment::EnvironmentConfig;
pub use error::ConfigError;
pub use experiment::{Arm, Drawing, Experiment, MOST_SEEDS, RANDOM_ARM, SEED_SPREAD};
pub use games::{Game, Games, GymGame, MinAtarGame, ScoreScale};
pub use instruction_set::InstructionSet;
pub use intervention::{InterventionSpec, PartSpec};
pub use lease::{FoundLease, Lease};
pub use mend::mended;
pub use network::{Architecture, EncoderSpec, HeadSpec, NetworkSpec};
pub use profile::{Profile, ProfilePart, SharedProfiles};
pub use protocol::{Phase, ProgressLine};
pub use published::{PublishedFigure, PublishedFigures};
pub use rule::Rule;
pub use run::{Done, RunConfig, RunVersion, TrainingConfig};
pub use session::Session;
pub use setting::Setting;
pub use softmoe_atari::{AtariGame, GameSet, Preprocessing};
pub use sweep::Sweep;
pub use units::AgentSteps;

/// The README's example, compiled and run with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
