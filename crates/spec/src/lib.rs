//! The files that describe an experiment and its runs: their types, their presets, and how they are read,
//! overridden and written.
//!
//! This crate is the language that the runner (`xtask`) and the worker (`softmoe-run`) share. It holds data
//! only, and depends on nothing that takes long to build.
#![deny(missing_docs)]

pub mod agent;
pub mod environment;
pub mod experiment;
pub mod network;
pub mod run;
pub mod units;

pub use agent::{AgentConfig, AgentPreset, RainbowConfig};
pub use environment::{EnvironmentConfig, Game};
pub use experiment::{Arm, Experiment, Profile, Rule};
pub use network::{BodySpec, EncoderSpec, NetworkSpec, SlotsSpec};
pub use run::{Done, RunConfig, RunDirectory, TrainingConfig};
pub use units::AgentSteps;
