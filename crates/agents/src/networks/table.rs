//! The table: for every encoder, kind of tokens and body the types of the layers.

use super::sizes::{FeatureMap, ImpalaMap, MinAtarMap, NatureMap, WideImpalaMap};
use super::{NetworkVisitor, RegisteredLayer, RegisteredShape, permutation};
use crate::AgentError;
#[cfg(feature = "burn")]
use crate::bodies::{self, BodySizes};
use softmoe_config::{
    Architecture, BodySpec, EncoderSpec, ExpertSpec, MixingSpec, PoolSpec, ReluSpec, SimplicialSpec,
    TokensSpec,
};
use softmoe_nets::encoders::{Impala, MinAtar, Nature};
use softmoe_nets::layers::{
    AveragePool, CategoricalHead, Dense, ExpertChoice, Flatten, GlobalAveragePool, HiddenLayers,
    LoadBalancing, PerConv, PerFeature, PerPatch, PerSample, Pooling, Relu, ReluPlace, Shuffled,
    SimplicialGroups, SimplicialMap, SoftMoe, Tokenized, TokenizedSettings, TopKChoice, TopKSettings,
};
use softmoe_nets::shapes::{Const, Dim};
use softmoe_nets::{Builder, ExpertSettings, Layer, Size};

/// A head of as many values an action as the architecture's: a Q head is a categorical one of a single atom.
pub(super) type Head = CategoricalHead<usize, usize>;

/// What the rows of the table have in common.
pub(super) struct Row<'a, S, V> {
    pub(super) architecture: &'a Architecture,
    pub(super) builder: Builder,
    /// The input of a batch.
    pub(super) shape: S,
    pub(super) visitor: V,
}

/// Makes the network of `architecture`, whose sizes fit together, and hands it to `visitor`.
pub(super) fn with_encoder<V: NetworkVisitor>(
    architecture: &Architecture,
    visitor: V,
) -> Result<V::Output, AgentError> {
    let observation = architecture.observation;
    let channels = observation[2];
    let mut builder = Builder::new();
    let b = &mut builder;
    if let BodySpec::SoftMoe { expert_type: ExpertSpec::Big, .. } = architecture.network.body {
        return super::big::with_pixels(architecture, visitor);
    }
    let small = move |batch| -> (usize, Const<10>, Const<10>, usize) { (batch, Const, Const, channels) };
    let large = move |batch| -> (usize, Const<84>, Const<84>, usize) { (batch, Const, Const, channels) };
    match architecture.network.encoder {
        EncoderSpec::MinAtar => {
            let encoder: MinAtar = MinAtar::new(b, "encoder", observation, Const);
            Row { architecture, builder, shape: small, visitor }.with_body(encoder, MinAtarMap)
        }
        EncoderSpec::Nature => {
            let encoder: Nature = Nature::new(b, "encoder", observation, (Const, Const, Const));
            Row { architecture, builder, shape: large, visitor }.with_body(encoder, NatureMap)
        }
        EncoderSpec::Impala { width: 1 } => {
            let encoder: Impala = Impala::new(b, "encoder", observation, (Const, Const, Const));
            Row { architecture, builder, shape: large, visitor }.with_body(encoder, ImpalaMap)
        }
        EncoderSpec::Impala { width } => {
            type Wide = Impala<Const<84>, Const<42>, Const<21>, Const<11>, usize, usize, usize>;
            let widths = (16 * width, 32 * width, 32 * width);
            let encoder: Wide = Impala::new(b, "encoder", observation, widths);
            Row { architecture, builder, shape: large, visitor }.with_body(encoder, WideImpalaMap { width })
        }
    }
}

impl<S, V: NetworkVisitor> Row<'_, S, V> {
    /// The networks behind one encoder, whose feature map has the sizes of `map`.
    fn with_body<M, In, Encoder>(mut self, encoder: Encoder, map: M) -> Result<V::Output, AgentError>
    where
        M: FeatureMap,
        In: RegisteredShape,
        Encoder: RegisteredLayer<In> + Layer<In, Out = (usize, M::Side, M::Side, M::Channels)>,
        S: Fn(usize) -> In + Send + Sync + 'static,
    {
        let network = &self.architecture.network;
        let noisy = self.architecture.head.noisy();
        let (hidden, features, channels) = (network.scaled_hidden(), map.features(), map.channels());
        let (positions, patches) = (M::Positions::default(), M::Patches::default());
        let b = &mut self.builder;
        let body = &network.body;
        let Some(tokens) = body.tokens() else {
            return match *body {
                BodySpec::GlobalAveragePooling { .. } => {
                    let layers = HiddenLayers::new(b, "hidden", channels, hidden, 1, noisy);
                    let head = head(b, self.architecture, hidden);
                    Ok(self.visitor.visit(
                        self.builder,
                        ((encoder, GlobalAveragePool, layers), head),
                        self.shape,
                    ))
                }
                BodySpec::Simplicial { version: SimplicialSpec::V1, temperature, .. } => {
                    let front = (encoder, SimplicialMap { temperature }, Flatten(features));
                    let layers = HiddenLayers::new(b, "hidden", features, hidden, 1, noisy);
                    let head = head(b, self.architecture, hidden);
                    Ok(self.visitor.visit(self.builder, ((front, layers), head), self.shape))
                }
                BodySpec::Simplicial { version: SimplicialSpec::V2, groups, temperature, .. } => {
                    let dense = Dense::new(b, "hidden", features, groups * hidden, noisy);
                    let head = head(b, self.architecture, groups * hidden);
                    let embedding = SimplicialGroups { groups, temperature };
                    let layer = ((encoder, Flatten(features), dense, embedding, Relu), head);
                    Ok(self.visitor.visit(self.builder, layer, self.shape))
                }
                BodySpec::Flat { extra_layers, .. } => {
                    let layers = HiddenLayers::new(b, "hidden", features, hidden, 1 + extra_layers, noisy);
                    let head = head(b, self.architecture, hidden);
                    Ok(self.visitor.visit(
                        self.builder,
                        ((encoder, Flatten(features), layers), head),
                        self.shape,
                    ))
                }
                _ => Err(super::unknown(self.architecture)),
            };
        };
        match tokens {
            TokensSpec::PerConv => {
                self.with_tokens((encoder, PerConv(positions)), (positions, channels, features))
            }
            TokensSpec::Shuffled => {
                let permutation = permutation(self.architecture, features.size());
                let front = (encoder, Shuffled::new(positions, permutation));
                self.with_tokens(front, (positions, channels, features))
            }
            TokensSpec::PerPatch => {
                let sides = [M::Side::default().size(); 2];
                let front = (encoder, PerPatch::new(b, "tokens", sides, patches, channels));
                self.with_tokens(front, (patches, channels, map.patch_features()))
            }
            TokensSpec::PerPatchAverage => {
                let side = M::PatchSide::default();
                let front = (encoder, AveragePool::<_, _, 3, 3>(side, side), PerConv(patches));
                self.with_tokens(front, (patches, channels, map.patch_features()))
            }
            TokensSpec::PerFeature => {
                self.with_tokens((encoder, PerFeature(positions)), (channels, positions, features))
            }
            TokensSpec::PerSample => {
                self.with_tokens((encoder, PerSample(features)), (Const::<1>, features, features))
            }
        }
    }

    /// The networks behind one encoder and one kind of tokens, of `sizes` (number, width, their product).
    fn with_tokens<M, D, F, In, Front>(
        mut self,
        front: Front,
        (tokens, width, features): (M, D, F),
    ) -> Result<V::Output, AgentError>
    where
        M: Size,
        D: Size,
        F: Size,
        In: RegisteredShape,
        Front: RegisteredLayer<In> + Layer<In, Out = (usize, M, D)>,
        S: Fn(usize) -> In + Send + Sync + 'static,
    {
        let network = &self.architecture.network;
        let noisy = self.architecture.head.noisy();
        let hidden = network.scaled_hidden();
        let settings = |extra_layers| ExpertSettings { hidden, extra_layers, noisy };
        let b = &mut self.builder;
        match network.body {
            BodySpec::SoftMoe {
                experts,
                slots,
                extra_layers,
                normalised,
                random_phi,
                dispatch,
                combine,
                bottleneck,
                ..
            } => {
                let sizes = (tokens, width, experts, slots.count(tokens.size(), experts));
                let make = if normalised { SoftMoe::normalised } else { SoftMoe::new };
                let mut body = make(b, "soft_moe", sizes, settings(extra_layers));
                if random_phi {
                    body = body.with_fixed_phi(b);
                }
                if dispatch == MixingSpec::Uniform {
                    body = body.with_uniform_dispatch();
                }
                if combine == MixingSpec::Uniform {
                    body = body.with_uniform_combine();
                }
                let (flatten, layers, head) = behind_a_mixture(b, self.architecture, features, bottleneck);
                Ok(self.visitor.visit(self.builder, ((front, body, flatten, layers), head), self.shape))
            }
            BodySpec::ExpertChoice { experts, slots, extra_layers, bottleneck, .. } => {
                let sizes = (tokens, width, experts, slots.count(tokens.size(), experts));
                let body = ExpertChoice::new(b, "expert_choice", sizes, settings(extra_layers));
                let (flatten, layers, head) = behind_a_mixture(b, self.architecture, features, bottleneck);
                Ok(self.visitor.visit(self.builder, ((front, body, flatten, layers), head), self.shape))
            }
            BodySpec::TopK {
                experts,
                k,
                capacity_factor,
                importance_loss,
                load_loss,
                extra_layers,
                bottleneck,
                ..
            } => {
                let balancing = LoadBalancing {
                    importance: importance_loss,
                    load: load_loss,
                    ..LoadBalancing::default()
                };
                let routing = TopKSettings { choices: k, capacity_factor, balancing };
                let sizes = (tokens, width, experts);
                let body = TopKChoice::new(b, "top_k", sizes, settings(extra_layers), routing);
                let (flatten, layers, head) = behind_a_mixture(b, self.architecture, features, bottleneck);
                Ok(self.visitor.visit(self.builder, ((front, body, flatten, layers), head), self.shape))
            }
            BodySpec::Tokenized { pool, relu, .. } => {
                let settings = TokenizedSettings {
                    pooling: match pool {
                        PoolSpec::Sum => Pooling::Sum,
                        PoolSpec::Mean => Pooling::Mean,
                    },
                    relu: match relu {
                        ReluSpec::Before => ReluPlace::BeforePooling,
                        ReluSpec::After => ReluPlace::AfterPooling,
                    },
                    noisy,
                };
                let body = Tokenized::new(b, "hidden", width, hidden, settings);
                let head = head(b, self.architecture, hidden);
                Ok(self.visitor.visit(self.builder, ((front, body), head), self.shape))
            }
            #[cfg(feature = "burn")]
            BodySpec::DeviceOnly { body, .. } => {
                let sizes = BodySizes { tokens: tokens.size(), width: width.size(), hidden, noisy };
                let body = bodies::make(body, b, sizes);
                let head = head(b, self.architecture, bodies::DeviceBody::outputs(&body));
                let layer = ((front, body), head);
                self.visitor.visit_on_device(self.architecture, self.builder, layer, self.shape)
            }
            #[cfg(not(feature = "burn"))]
            BodySpec::DeviceOnly { .. } => Err(super::device_only(self.architecture)),
            _ => Err(super::unknown(self.architecture)),
        }
    }
}

/// What follows a mixture: its outputs in one row, the bottleneck if there is one, the head.
pub(super) fn behind_a_mixture<F: Size>(
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
