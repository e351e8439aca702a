//! The networks that a configuration can name: one table from their parts to concrete types.
//!
//! Types know what follows from encoder and tokens: the sizes of the feature map, the number of tokens and their
//! width. What a sweep varies (experts, slots, hidden widths, layers, actions) is known at run time, so that the table
//! has as many types as there are encoders times tokens times bodies, and no more.
//!
//! [`build`] makes a network for the CPU engine. Other engines take the types themselves: they implement
//! [`NetworkVisitor`] and call [`with_network`].

mod big;
mod registered;
mod sizes;
mod table;

#[cfg(feature = "burn")]
pub use registered::{OnDevice, build_on};
pub use registered::{RegisteredLayer, RegisteredShape};

use crate::AgentError;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_config::{Architecture, BodySpec, Device, EncoderSpec, NetworkSpec, TokensSpec};
#[cfg(feature = "burn")]
use softmoe_nets::device::DeviceLayer;
use softmoe_nets::weights::Permutations;
use softmoe_nets::{ActionLayer, ActionNetwork, BoxedNetwork, Builder, Permutation};

/// A whole network of the table: its last layer knows which outputs belong to which action.
pub trait RegisteredNetwork<In: RegisteredShape>: RegisteredLayer<In> + ActionLayer<In> {}

impl<In: RegisteredShape, L: RegisteredLayer<In> + ActionLayer<In>> RegisteredNetwork<In> for L {}

/// What is to be done with a network, whatever its type.
pub trait NetworkVisitor {
    /// What comes of it.
    type Output;

    /// Takes the network `layer`, whose parts were made with `builder`; `shape(batch)` is its input's.
    ///
    /// # Shapes
    /// observations (batch, height, width, channels) -> (batch, actions, values), where values are the atoms of a
    /// categorical head, one of a Q head
    fn visit<In, L, S>(self, builder: Builder, layer: L, shape: S) -> Self::Output
    where
        In: RegisteredShape,
        L: RegisteredNetwork<In>,
        S: Fn(usize) -> In + Send + Sync + 'static;

    /// Takes a network whose body has a forward pass for devices alone: an engine that needs more refuses it.
    ///
    /// # Shapes
    /// As [`visit`](Self::visit)
    ///
    /// # Errors
    /// [`AgentError::DeviceOnly`] if the engine needs more.
    #[cfg(feature = "burn")]
    fn visit_on_device<In, L, S>(
        self,
        architecture: &Architecture,
        _builder: Builder,
        _layer: L,
        _shape: S,
    ) -> Result<Self::Output, AgentError>
    where
        Self: Sized,
        In: RegisteredShape,
        L: DeviceLayer<In> + 'static,
        S: Fn(usize) -> In + Send + Sync + 'static,
    {
        Err(device_only(architecture))
    }
}

/// Makes the network of `architecture` and hands it to `visitor`.
///
/// # Errors
/// [`AgentError::UnknownNetwork`] with those that there are, if this is none of them; [`AgentError::Architecture`] if
/// its sizes do not fit together.
pub fn with_network<V: NetworkVisitor>(
    architecture: &Architecture,
    visitor: V,
) -> Result<V::Output, AgentError> {
    architecture.validate()?;
    table::with_encoder(architecture, visitor)
}

/// Makes a network for the CPU engine.
#[derive(Clone, Copy, Debug)]
pub struct OnCpu;

impl NetworkVisitor for OnCpu {
    type Output = Box<dyn ActionNetwork>;

    fn visit<In, L, S>(self, builder: Builder, layer: L, shape: S) -> Box<dyn ActionNetwork>
    where
        In: RegisteredShape,
        L: RegisteredNetwork<In>,
        S: Fn(usize) -> In + Send + Sync + 'static,
    {
        Box::new(BoxedNetwork::new(builder, layer, shape))
    }
}

/// The network of `architecture` on the CPU engine.
///
/// # Errors
/// As [`with_network`].
pub fn build(architecture: &Architecture) -> Result<Box<dyn ActionNetwork>, AgentError> {
    with_network(architecture, OnCpu)
}

/// The orders of values that belong to the network of `architecture` though nothing trains them: that of shuffled
/// tokens, as `tokens/permutation`.
pub fn permutations(architecture: &Architecture) -> Permutations {
    let NetworkSpec { encoder, body, .. } = &architecture.network;
    let mut permutations = Permutations::new();
    if body.tokens() == Some(TokensSpec::Shuffled) {
        let features = encoder.feature_map().iter().product();
        let sources = permutation(architecture, features).sources().to_vec();
        permutations.insert("tokens/permutation".into(), sources);
    }
    permutations
}

/// The permutation of the `features` values of a feature map that shuffled tokens are made with.
fn permutation(architecture: &Architecture, features: usize) -> Permutation {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(architecture.permutation_seed);
    Permutation::random(features, &mut rng)
}

/// The error for a body that has a forward pass for devices alone, where it is to be trained on the CPU engine.
fn device_only(architecture: &Architecture) -> AgentError {
    let body = architecture.network.body.device_only();
    let reason = body.and_then(|body| body.why_not_on(Device::Cpu));
    reason.map_or_else(|| unknown(architecture), AgentError::DeviceOnly)
}

/// The error for a network that is not in the table.
fn unknown(architecture: &Architecture) -> AgentError {
    let NetworkSpec { encoder, body, .. } = &architecture.network;
    let known = format!(
        "encoders {}; bodies {}; tokens {}",
        EncoderSpec::NAMES.join(", "),
        BodySpec::NAMES.join(", "),
        TokensSpec::NAMES.join(", ")
    );
    AgentError::UnknownNetwork { given: format!("{encoder}, {body}"), known }
}
