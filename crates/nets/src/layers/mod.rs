//! The layers that networks are composed of.

mod average_pool;
mod convolution;
mod dense;
mod expert_choice;
mod experts;
mod global_average_pool;
mod head;
mod hidden_layers;
mod per_feature;
mod per_patch;
mod q_head;
mod relu;
mod reshape;
mod shuffled;
mod simplicial;
mod soft_moe;
mod tokenized;
mod unit_vectors;

pub use average_pool::{AveragePool, AveragePoolTape};
pub use convolution::{Conv2d, Conv2dTape};
pub use dense::{Dense, DenseTape, Linear, NoisyLinear};
pub use expert_choice::{ExpertChoice, ExpertChoiceTape};
pub use experts::{ExpertSettings, Experts, ExpertsTape};
pub use global_average_pool::{GlobalAveragePool, GlobalAveragePoolTape};
pub use head::{CategoricalHead, CategoricalHeadTape};
pub use hidden_layers::{HiddenLayers, HiddenLayersTape};
pub use per_feature::{PerFeature, PerFeatureTape};
pub use per_patch::PerPatch;
pub use q_head::QHead;
pub use relu::{Relu, ReluTape};
pub use reshape::{Flatten, PerConv, PerSample};
pub use shuffled::{Shuffled, ShuffledTape};
pub use simplicial::{SIMPLICIAL_TEMPERATURE, SimplicialGroups, SimplicialMap, SimplicialTape};
pub use soft_moe::{SoftMoe, SoftMoeTape};
pub use tokenized::{Pooling, ReluPlace, Tokenized, TokenizedSettings, TokenizedTape};
