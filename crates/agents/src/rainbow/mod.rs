//! Rainbow (Hessel et al. 2018, arXiv 1710.02298): a categorical return distribution, double targets, n-step
//! returns, prioritized replay with importance weights, noisy layers and dueling streams.
//!
//! [`loss`] is the algorithm as pure functions; [`RainbowLearner`] applies it with a network of
//! [`softmoe_nets`]. N-step returns and prioritized sampling are the replay's ([`softmoe_replay`]), noise and
//! dueling the network's.
//!
//! Differences from the paper, all as in the reference implementation (Dopamine's full Rainbow):
//! 1. Importance weights have a fixed exponent of 0.5 instead of one that grows to 1.
//! 2. A priority is the square root of the loss: exponent 0.5 on the loss, none in the replay.
//! 3. Noisy layers start at sigma = 0.1 / sqrt(inputs) instead of 0.5 / sqrt(inputs).
//!
//! And from Dopamine: each noisy layer has noise of its own (there, all share one key), and in evaluation the
//! experts' noise is off as well.

mod learner;
pub mod loss;

pub use learner::{RainbowLearner, RainbowSettings};
