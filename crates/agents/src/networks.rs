//! The networks that a configuration can name: one table from their parts to concrete types.
//!
//! Types know what follows from encoder and tokens: the sizes of the feature map, the number of tokens and their
//! width. What a sweep varies (experts, slots, hidden widths, layers, actions) is known at run time, so that the table
//! has as many types as there are encoders times tokens times bodies, and no more.
//!
//! [`build`] makes a network for the CPU engine. Other engines take the types themselves: they implement
//! [`NetworkVisitor`] and call [`with_network`].

use crate::AgentError;
use dfdx::shapes::{Const, Shape};
use softmoe_nets::layers::{
    CategoricalHead, Conv2d, ExpertChoice, Flatten, HiddenLayers, PerConv, Relu, SoftMoe,
};
use softmoe_nets::weights::Permutations;
use softmoe_nets::{ActionLayer, ActionNetwork, BoxedNetwork, Builder, ExpertSettings, Layer, Size};
use softmoe_spec::{Architecture, BodySpec, EncoderSpec, TokensSpec};

/// A shape that the networks of the table take: what every engine needs to know of one.
pub trait RegisteredShape: Shape {}

impl<S: Shape> RegisteredShape for S {}

/// A layer that the table may use: what every engine needs to know of one.
pub trait RegisteredLayer<In: RegisteredShape>: Layer<In> + 'static {}

impl<In: RegisteredShape, L: Layer<In> + 'static> RegisteredLayer<In> for L {}

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
    let mut builder = Builder::new();
    let channels = architecture.observation[2];
    match architecture.network.encoder {
        EncoderSpec::MinAtar => {
            let encoder: MinAtarEncoder =
                (Conv2d::new(&mut builder, "encoder", channels, (Const, Const, Const)), Relu);
            let shape =
                move |batch| -> (usize, Const<10>, Const<10>, usize) { (batch, Const, Const, channels) };
            with_body::<MinAtarMap, _, _, _, _>(architecture, visitor, builder, encoder, shape)
        }
        EncoderSpec::Nature | EncoderSpec::Impala { .. } => Err(unknown(architecture)),
    }
}

/// The network of `architecture` on the CPU engine.
///
/// # Errors
/// As [`with_network`].
pub fn build(architecture: &Architecture) -> Result<Box<dyn ActionNetwork>, AgentError> {
    struct Boxed;
    impl NetworkVisitor for Boxed {
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
    with_network(architecture, Boxed)
}

/// The orders of values that belong to the network of `architecture` though nothing trains them.
pub fn permutations(_: &Architecture) -> Permutations {
    Permutations::new()
}

/// The error for a network that is not in the table.
fn unknown(architecture: &Architecture) -> AgentError {
    let network = &architecture.network;
    let tokens = network.body.tokens().map_or(String::new(), |tokens| format!(" over {tokens:?} tokens"));
    AgentError::UnknownNetwork {
        given: format!("{}, {}{tokens}", network.encoder, network.body.name()),
        known: KNOWN.into(),
    }
}

/// The table in words.
const KNOWN: &str = "encoder minatar; body flat, soft_moe, expert_choice; tokens per_conv";

/// MinAtar's encoder: one 3x3 convolution of 16 channels, no padding, and ReLU.
type MinAtarEncoder = (Conv2d<Const<8>, Const<8>, Const<16>, 3, 1>, Relu);

/// The sizes of an encoder's feature map, and those of the tokens that are made of it.
trait FeatureMap {
    /// Height, and width.
    type Side: Size + Default;
    /// Channels.
    type Channels: Size + Default;
    /// Side x Side.
    type Positions: Size + Default;
    /// Side x Side x Channels.
    type Features: Size + Default;
}

/// Names the sizes of a feature map.
macro_rules! feature_map {
    ($(#[$documentation:meta])* $map:ident, $side:literal, $channels:literal) => {
        $(#[$documentation])*
        struct $map;

        impl FeatureMap for $map {
            type Side = Const<$side>;
            type Channels = Const<$channels>;
            type Positions = Const<{ $side * $side }>;
            type Features = Const<{ $side * $side * $channels }>;
        }
    };
}

feature_map!(
    /// 8x8x16.
    MinAtarMap, 8, 16
);

/// A head of as many values an action as the architecture's: a Q head is a categorical one of a single atom.
type Head = CategoricalHead<usize, usize>;

/// The rows of the table for one encoder.
fn with_body<M, In, Encoder, S, V>(
    architecture: &Architecture,
    visitor: V,
    mut builder: Builder,
    encoder: Encoder,
    shape: S,
) -> Result<V::Output, AgentError>
where
    M: FeatureMap,
    In: RegisteredShape,
    Encoder: RegisteredLayer<In> + Layer<In, Out = (usize, M::Side, M::Side, M::Channels)>,
    S: Fn(usize) -> In + Send + Sync + 'static,
    V: NetworkVisitor,
{
    let network = &architecture.network;
    let noisy = architecture.head.noisy();
    let features = M::Features::default();
    match network.body {
        BodySpec::Flat { extra_layers, .. } => {
            let b = &mut builder;
            let hidden = network.scaled_hidden();
            let layers = HiddenLayers::new(b, "hidden", features, hidden, 1 + extra_layers, noisy);
            let head = head(b, architecture, hidden);
            Ok(visitor.visit(builder, ((encoder, Flatten(features), layers), head), shape))
        }
        _ => match network.body.tokens() {
            Some(TokensSpec::PerConv) => {
                let tokens = M::Positions::default();
                let front = (encoder, PerConv(tokens));
                let sizes = (tokens, M::Channels::default(), features);
                with_tokens(architecture, visitor, builder, front, sizes, shape)
            }
            _ => Err(unknown(architecture)),
        },
    }
}

/// The rows of the table for one encoder and one kind of tokens, of `sizes` (number, width, their product).
fn with_tokens<M, D, F, In, Front, S, V>(
    architecture: &Architecture,
    visitor: V,
    mut builder: Builder,
    front: Front,
    (tokens, width, features): (M, D, F),
    shape: S,
) -> Result<V::Output, AgentError>
where
    M: Size,
    D: Size,
    F: Size,
    In: RegisteredShape,
    Front: RegisteredLayer<In> + Layer<In, Out = (usize, M, D)>,
    S: Fn(usize) -> In + Send + Sync + 'static,
    V: NetworkVisitor,
{
    let network = &architecture.network;
    let noisy = architecture.head.noisy();
    let settings = |extra_layers| ExpertSettings { hidden: network.scaled_hidden(), extra_layers, noisy };
    let b = &mut builder;
    match network.body {
        BodySpec::SoftMoe { experts, slots, extra_layers, bottleneck, .. } => {
            let sizes = (tokens, width, experts, slots.count(tokens.size(), experts));
            let body = SoftMoe::new(b, "soft_moe", sizes, settings(extra_layers));
            let (flatten, layers, head) = behind_a_mixture(b, architecture, features, bottleneck);
            Ok(visitor.visit(builder, ((front, body, flatten, layers), head), shape))
        }
        BodySpec::ExpertChoice { experts, slots, extra_layers, bottleneck, .. } => {
            let sizes = (tokens, width, experts, slots.count(tokens.size(), experts));
            let body = ExpertChoice::new(b, "expert_choice", sizes, settings(extra_layers));
            let (flatten, layers, head) = behind_a_mixture(b, architecture, features, bottleneck);
            Ok(visitor.visit(builder, ((front, body, flatten, layers), head), shape))
        }
        _ => Err(unknown(architecture)),
    }
}

/// What follows a mixture: its outputs in one row, the bottleneck if there is one, the head.
fn behind_a_mixture<F: Size>(
    builder: &mut Builder,
    architecture: &Architecture,
    features: F,
    bottleneck: bool,
) -> (Flatten<F>, HiddenLayers<F>, Head) {
    let hidden = architecture.network.hidden;
    let noisy = architecture.head.noisy();
    let layers = HiddenLayers::new(builder, "bottleneck", features, hidden, usize::from(bottleneck), noisy);
    let head = head(builder, architecture, if bottleneck { hidden } else { features.size() });
    (Flatten(features), layers, head)
}

fn head(builder: &mut Builder, architecture: &Architecture, features: usize) -> Head {
    let Architecture { head, actions, .. } = *architecture;
    let make = if head.dueling() { CategoricalHead::dueling } else { CategoricalHead::plain };
    make(builder, "head", features, actions, head.values(), head.noisy())
}
