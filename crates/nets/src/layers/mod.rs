//! The layers that networks are composed of.

mod big_soft_moe;
mod convolution;
mod dense;
mod expert_choice;
mod experts;
mod head;
mod hidden_layers;
mod load_balancing;
mod relu;
mod reshape;
mod soft_moe;
mod top_k;
mod unit_vectors;

pub use big_soft_moe::{BigSoftMoe, BigSoftMoeTape};
pub use convolution::{Conv2d, Conv2dTape};
pub use dense::{Dense, DenseTape, Linear, NoisyLinear};
pub use expert_choice::{ExpertChoice, ExpertChoiceTape};
pub use experts::{ExpertSettings, Experts, ExpertsTape};
pub use head::{CategoricalHead, CategoricalHeadTape};
pub use hidden_layers::{HiddenLayers, HiddenLayersTape};
pub use load_balancing::{BalancingLosses, LoadBalancing};
pub use relu::{Relu, ReluTape};
pub use reshape::{Flatten, PerConv};
pub use soft_moe::{SoftMoe, SoftMoeTape};
pub use top_k::{TopKChoice, TopKChoiceTape, TopKSettings};
