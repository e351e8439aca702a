//! The emulator of the Arcade Learning Environment (ALE) 0.12.1 as a safe type, `Ale`, behind the feature `emulator`.
//!
//! Without the feature, the crate is empty and needs no ALE sources. With the feature, the build compiles ALE's C++ core, which
//! `cargo xtask atari setup` downloads. ALE is under the GPL, version 2 only; the README explains the consequences of linking it.
//!
//! No other crate calls C++. The C interface in `glue` catches all exceptions. Calls that would make ALE exit the process are
//! rejected before they reach ALE.
//!
//! Some frames of Pong:
//!
#![cfg_attr(feature = "emulator", doc = "```no_run")]
#![cfg_attr(not(feature = "emulator"), doc = "```ignore")]
//! use ale_sys::{Ale, AleOptions};
//! use softmoe_atari::{AtariGame, Files};
//!
//! let options = AleOptions { seed: 0, repeat_action_probability: 0.25, max_frames: 0 };
//! let mut ale = Ale::open(&Files::find()?.rom(AtariGame::Pong), "pong", options)?;
//! let actions = ale.minimal_actions();
//! let mut score = 0;
//! for step in 0..1_000 {
//!     score += ale.act(actions[step % actions.len()])?;
//! }
//! assert_eq!(ale.screen().len(), ale.height() * ale.width());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(missing_docs)]
#![cfg_attr(feature = "emulator", allow(unsafe_code, reason = "calls the C interface of the emulator"))]

#[cfg(feature = "emulator")]
mod emulator;
#[cfg(feature = "emulator")]
mod error;
#[cfg(feature = "emulator")]
mod interface;

#[cfg(feature = "emulator")]
pub use emulator::{Action, Ale, AleOptions, AleState};
#[cfg(feature = "emulator")]
pub use error::AleError;

// The emulator's image exporter calls zlib.
#[cfg(feature = "emulator")]
use libz_sys as _;
