//! The networks that a configuration can name.
//!
//! A network is a chain of layers: observation -> encoder -> feature map -> body -> row -> head -> outputs. All before
//! the head is a `Trunk`. Its parts are enums of layers whose sizes are known at run time, so that the compiler makes
//! every encoder, every kind of tokens and every mixture once, instead of once for each combination. `softmoe_nets`
//! checks the same chains at compile time where they are written as tuples with constant sizes.
//!
//! [`build`] makes a network for the CPU engine, `build_on` one for the device engine (feature `burn`).

mod big;
mod encoder;
mod tokens;
mod trunk;

use crate::AgentError;
use encoder::Map;
use softmoe_config::{Architecture, TokensSpec};
use softmoe_nets::layers::CategoricalHead;
use softmoe_nets::weights::Permutations;
use softmoe_nets::{ActionNetwork, BoxedNetwork, Builder, Layer};
use trunk::Trunk;
#[cfg(feature = "burn")]
use {
    crate::bodies::{self, BodySizes, DeviceBody},
    burn_tensor::backend::Backend,
    encoder::Encoder,
    softmoe_config::BodySpec,
    softmoe_nets::device::{Autodiff, BoxedDeviceNetwork, DeviceNetwork},
    tokens::Tokens,
};

/// A head of as many values an action as the architecture's: a Q head is a categorical head of a single atom.
type Head = CategoricalHead<usize, usize>;

/// The network of `architecture` on the CPU engine.
///
/// # Shapes
/// observations (batch, height, width, channels) -> (batch, actions, values); values are the atoms of a categorical
/// head, one of a Q head
///
/// # Errors
/// - [`AgentError::Architecture`] if the sizes do not fit together
/// - [`AgentError::DeviceOnly`] if the body has no gradients on the CPU engine
pub fn build(architecture: &Architecture) -> Result<Box<dyn ActionNetwork>, AgentError> {
    architecture.validate()?;
    let mut builder = Builder::new();
    let layers = layers(&mut builder, architecture)?;
    Ok(Box::new(BoxedNetwork::new(builder, layers, observations(architecture))))
}

/// The network of `architecture` on the device engine; shapes as in [`build`].
///
/// # Errors
/// [`AgentError::Architecture`] if the sizes do not fit together.
#[cfg(feature = "burn")]
pub fn build_on<B: Backend>(
    architecture: &Architecture,
) -> Result<Box<dyn DeviceNetwork<Autodiff<B>>>, AgentError> {
    architecture.validate()?;
    let (mut builder, input) = (Builder::new(), observations(architecture));
    Ok(if let BodySpec::DeviceOnly { body, tokens, .. } = architecture.network.body {
        let b = &mut builder;
        let encoder = Encoder::new(b, "encoder", architecture.network.encoder, architecture.observation);
        let (tokens, [m, d]) = Tokens::new(b, architecture, tokens);
        let (hidden, noisy) = (architecture.network.scaled_hidden(), architecture.head.noisy());
        let body = bodies::make(body, b, BodySizes { tokens: m, width: d, hidden, noisy });
        let head = head(b, architecture, body.outputs());
        Box::new(BoxedDeviceNetwork::new(builder, ((encoder, tokens, body), head), input))
    } else {
        let layers = layers(&mut builder, architecture)?;
        Box::new(BoxedDeviceNetwork::new(builder, layers, input))
    })
}

/// The layers of a network that both engines have.
fn layers(b: &mut Builder, architecture: &Architecture) -> Result<(Trunk, Head), AgentError> {
    let trunk = Trunk::new(b, architecture)?;
    let (_, features) = trunk.output_shape(observations(architecture)(1));
    Ok((trunk, head(b, architecture, features)))
}

fn head(builder: &mut Builder, architecture: &Architecture, features: usize) -> Head {
    let Architecture { head, actions, .. } = *architecture;
    let make = if head.dueling() { CategoricalHead::dueling } else { CategoricalHead::plain };
    make(builder, "head", features, actions, head.values(), head.noisy())
}

/// The shape of a batch of observations.
fn observations(architecture: &Architecture) -> impl Fn(usize) -> Map + Send + Sync + use<> {
    let [height, width, channels] = architecture.observation;
    move |batch| (batch, height, width, channels)
}

/// The orders of values that belong to the network of `architecture` though nothing trains them: the order of shuffled
/// tokens, as `tokens/permutation`.
pub fn permutations(architecture: &Architecture) -> Permutations {
    let shuffled = architecture.network.body.tokens() == Some(TokensSpec::Shuffled);
    let sources = || tokens::permutation(architecture).sources().to_vec();
    shuffled.then(|| ("tokens/permutation".into(), sources())).into_iter().collect()
}
