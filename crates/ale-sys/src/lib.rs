//! The emulator of the Arcade Learning Environment (ALE) 0.12.1 as a safe type, `Ale`, behind the feature `emulator`.
//!
//! Without the feature the crate is empty and needs no source of ALE. With it, the build compiles ALE's C++ core, which
//! `cargo xtask atari setup` fetches. ALE is under the GPL, version 2 only; the README says what linking it means.
//!
//! This is the only crate that calls C++. All exceptions end at the C interface in `glue`, and calls for which ALE would end
//! the process are refused before.
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

// The emulator's exporter of pictures calls zlib.
#[cfg(feature = "emulator")]
use libz_sys as _;
