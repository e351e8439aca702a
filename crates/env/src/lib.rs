//! The seam between an agent and its environment. It holds no game.
//!
//! - [`EnvironmentSpec`] is the shape of an environment as data: frame, stack, actions, kind of value.
//! - [`Environment`] is what an environment implements: `spec`, `reset`, `step`, `observe`, with frames of bytes or of
//!   floats. [`SaveState`] adds saving and restoring, [`Render`] a picture for people.
//! - [`DynEnvironment`] is the boxed form, with frames and saved states in bytes. Every environment that can be saved
//!   is one.
//! - [`TimeLimit`] truncates episodes.
//! - [`Player`] is an environment being played: the frame stack, the episodes and their returns.
#![deny(missing_docs)]

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
