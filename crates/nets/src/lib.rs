//! Compile-time-shaped neural network layers with hand-written gradients: soft mixtures of experts over
//! tokens, and their rivals.
//!
//! A network is a type. Each layer names its input and output in [dfdx](https://docs.rs/dfdx)'s shape types,
//! tuples of layers are networks, and layers that do not fit do not compile. A size is either a
//! [`Const`](dfdx::shapes::Const), checked by the compiler, or a `usize`, checked when the network is built.
//!
//! ```
//! use dfdx::shapes::Const;
//! use rand::SeedableRng;
//! use softmoe_nets::{
//!     Builder, ExpertSettings, Layer, Weights,
//!     layers::{Conv2d, Flatten, PerConv, Relu, SoftMoe},
//! };
//!
//! // 10x10 pixels of 4 channels -> 8x8x16 feature map -> 64 tokens of width 16 -> SoftMoE-4 of 16 slots each.
//! type Network = (
//!     Conv2d<Const<8>, Const<8>, Const<16>, 3, 1>,
//!     Relu,
//!     PerConv<Const<64>>,
//!     SoftMoe<Const<64>, Const<16>, Const<4>, Const<16>>,
//!     Flatten<Const<1024>>,
//! );
//!
//! let mut builder = Builder::new();
//! let experts = ExpertSettings { hidden: 128, extra_layers: 0, noisy: false };
//! let network: Network = (
//!     Conv2d::new(&mut builder, "encoder", 4, (Const, Const, Const)),
//!     Relu,
//!     PerConv(Const),
//!     SoftMoe::new(&mut builder, "soft_moe", (Const, Const, Const, Const), experts),
//!     Flatten(Const),
//! );
//!
//! let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(0);
//! let parameters = builder.parameters().initial(&mut rng);
//! let batch = 2;
//! let shape = (batch, Const::<10>, Const::<10>, 4);
//! let mut tape = network.tape::<f32>(shape);
//!
//! let weights = Weights { parameters: &parameters, noise: None };
//! let observations = vec![0.0; batch * 10 * 10 * 4];
//! let features = network.forward(weights, &observations, &mut tape);
//! assert_eq!(features.len(), batch * 1024);
//! ```
#![deny(missing_docs)]

pub mod adam;
pub mod kernels;
mod layer;
pub mod layers;
mod network;
mod noise;
mod parameters;
mod scalar;
mod size;

pub use adam::{Adam, AdamSettings};
pub use layer::{Layer, Weights};
pub use layers::ExpertSettings;
pub use network::{BoxedNetwork, Network, Pass};
pub use noise::{NoiseList, NoiseSource};
pub use parameters::{Builder, Law, Parameter, ParameterList};
pub use scalar::Scalar;
pub use size::Size;
