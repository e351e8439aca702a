//! Game environments with u8 observations: MinAtar, equal to the Python package step for step.
//!
//! [`minatar`] has the five games of MinAtar (Young and Tian 2019, arXiv 1903.03176), rewritten in Rust and
//! compared with version 1.0.15 of the Python package draw for draw. [`Environment`] is what a game
//! implements, its observation's shape known at compile time; [`DynEnvironment`] is the same behind a box, for
//! code that is told at run time which game to play. Everything random comes from one seeded generator, which
//! [`save`](DynEnvironment::save) keeps with the rest of the state: a restored environment goes on as if it had
//! never been interrupted.
//!
//! An episode of Breakout with random moves:
//!
//! ```
//! use rand::{RngExt, SeedableRng};
//! use rand_xoshiro::Xoshiro256PlusPlus;
//! use softmoe_env::minatar::{Game, Settings, make};
//!
//! let mut environment = make(Game::Breakout, &Settings::default(), 7);
//! let mut policy = Xoshiro256PlusPlus::seed_from_u64(7);
//! let mut observation = vec![0; environment.shape().iter().product()];
//!
//! environment.reset();
//! let mut bricks_hit = 0.0;
//! loop {
//!     environment.observe(&mut observation);
//!     let step = environment.step(policy.random_range(0..environment.actions()));
//!     bricks_hit += step.reward;
//!     if step.terminal || step.truncated {
//!         break;
//!     }
//! }
//! assert!(bricks_hit >= 0.0);
//! ```

#![deny(missing_docs)]

mod draws;
mod dynamic;
mod environment;
mod frame;
pub mod minatar;
mod time_limit;

pub use draws::Draws;
pub use dynamic::DynEnvironment;
pub use environment::{Environment, RestoreError, Step};
pub use frame::RgbFrame;
pub use time_limit::{TimeLimit, TimeLimitState};
