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
//!
//! A game of two actions, and a player that stacks its frames:
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use softmoe_env::{Element, Environment, EnvironmentSpec, Player, RestoreError, SaveState, Step, TimeLimit};
//!
//! /// A coin that is turned over (1) or left alone (0). Heads pays.
//! #[derive(Clone, Serialize, Deserialize)]
//! struct Coin(bool);
//!
//! impl Environment for Coin {
//!     type Element = u8;
//!
//!     fn spec(&self) -> EnvironmentSpec {
//!         EnvironmentSpec { frame: [1, 1, 1], stack: 2, actions: 2, element: Element::Byte { scale: 1 } }
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
//!     fn observe(&self, frame: &mut [u8]) {
//!         frame[0] = u8::from(self.0);
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
//! let mut player = Player::new(Box::new(TimeLimit::new(Coin(false), 3)));
//! assert_eq!(player.step(1).step.reward, 1.0);
//! // The frame before, and the newest.
//! assert_eq!(player.state(), [0, 1]);
//! player.step(0);
//! assert_eq!(player.step(1).finished, Some(2.0));
//! ```
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

/// The README's example, compiled and run with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
