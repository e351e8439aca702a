//! The interface between agents and environments. The games themselves are in other crates.
//!
//! - [`EnvironmentSpec`] describes an environment as plain data: frame shape, stack size, number of actions, type of a value.
//! - [`Environment`] is what an environment implements: `spec`, `reset`, `step`, `observe`, with frames of bytes or of
//!   floats. [`SaveState`] adds saving and restoring; [`Render`] adds rendering.
//! - [`DynEnvironment`] is the boxed form, with frames and saved states in bytes. Every environment that can be saved
//!   is one.
//! - [`TimeLimit`] truncates episodes.
//! - [`Player`] wraps an environment and keeps its frame stack, episode count and returns.
//! - `atari`, with the feature of that name: games of the Atari 2600, as Dopamine and gymnasium preprocess them.
#![deny(missing_docs)]

#[cfg(feature = "atari")]
pub mod atari;
mod dynamic;
mod element;
mod environment;
mod error;
mod player;
mod render;
mod spec;
mod stack;
mod time_limit;

pub use dynamic::{DynEnvironment, RenderedEnvironment};
pub use element::FrameElement;
pub use environment::{Environment, SaveState, Step};
pub use error::RestoreError;
pub use player::{Played, Player};
pub use render::{Render, RgbFrame};
pub use spec::{Element, EnvironmentSpec, MOST_ACTIONS};
pub use stack::FrameStack;
pub use time_limit::{TimeLimit, TimeLimitState};
