//! Uniform and prioritized experience replay of single u8 frames, with n-step returns assembled on read.
//!
//! A [`Replay`] keeps one raw frame per row, never a stack. Sampling assembles the stacks of the state and of the next
//! state and the n-step reward, and writes them into a [`Batch`] that the caller owns. An Atari frame of 84x84 bytes
//! therefore takes 7,056 bytes and about 33 more, not eight times as much; a million frames take 7.1 GB.
//! [`Storage::Compressed`] keeps frames as LZ4 blocks, which take a fraction of that for Atari's sparse frames.
//!
//! Transitions follow the standard n-step definition. The newest frame of the state is in row `t`, the reward is
//! `r_t + gamma r_{t+1} + .. + gamma^(n-1) r_{t+n-1}`, the newest frame of the next state is in row `t + n`, and the
//! next state's value is discounted by gamma^n. At the episode's terminal row the sum stops and the discount is 0. States
//! do not reach across the start of an episode. After a truncation, rows without a frame to bootstrap from are left out.
//!
//! Prioritized sampling draws a transition with a probability proportional to its priority, through a [`SumTree`]: the
//! proportional variant of Schaul et al., "Prioritized Experience Replay", arXiv 1511.05952. The caller applies the
//! exponent.
//!
//! # Example
//!
//! Prioritized replay around a stream of two-byte frames:
//!
//! ```
//! use rand::SeedableRng;
//! use rand_xoshiro::Xoshiro256PlusPlus;
//! use softmoe_replay::{Batch, EpisodeEnd, Layout, Replay, Sampling};
//!
//! let layout = Layout { capacity: 1_000, frame_len: 2, channels: 1, stack: 4, n_step: 3, discount: 0.99 };
//! let mut replay = Replay::new(layout, Sampling::Prioritized)?;
//! let mut batch = Batch::new(32, replay.layout());
//! let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
//!
//! for step in 0..2_000_u64 {
//!     // What the agent saw, what it did, what it got for that, and whether the episode ended with it.
//!     let frame = [(step % 100) as u8, 1];
//!     let action = (step % 3) as u8;
//!     let end = if step % 100 == 99 { EpisodeEnd::Terminal } else { EpisodeEnd::Continues };
//!     replay.push(&frame, action, 1.0, end);
//!
//!     if replay.available() >= 200 && step % 4 == 0 {
//!         replay.sample(&mut rng, &mut batch)?;
//!         // An agent's loss goes here. The priority of this toy is the first pixel of the state's newest frame: a state
//!         // has two pixels of four frames each, oldest first.
//!         let priorities: Vec<f32> = batch.states.chunks(2 * 4).map(|state| f32::from(state[3])).collect();
//!         replay.update_priorities(&batch.ids, &priorities)?;
//!     }
//! }
//!
//! assert_eq!(replay.pushed(), 2_000);
//! // Three undiscounted steps are worth 3, discounted ones a little less; a terminal cuts the sum short.
//! assert!(batch.rewards.iter().all(|reward| [1.0, 1.99, 2.9701].contains(reward)));
//! # Ok::<(), softmoe_replay::ReplayError>(())
//! ```
#![deny(missing_docs)]

mod batch;
mod compressed;
mod error;
mod layout;
mod priorities;
mod replay;
mod rows;
mod state;
mod sum_tree;

pub use batch::{Batch, TransitionId};
pub use error::ReplayError;
pub use layout::{Layout, Sampling, Storage};
pub use replay::Replay;
pub use rows::EpisodeEnd;
pub use state::Restoring;
pub use sum_tree::SumTree;

/// The README's example, compiled and run with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
