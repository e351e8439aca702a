//! Mixtures whose experts are whole networks, encoder included, over the pixels of an observation.

use super::table::{Row, behind_a_mixture};
use super::{NetworkVisitor, RegisteredLayer, RegisteredShape, unknown};
use crate::AgentError;
use softmoe_config::{Architecture, BodySpec, EncoderSpec};
use softmoe_nets::encoders::{Impala, MinAtar, Nature};
use softmoe_nets::layers::{BigSoftMoe, Flatten, HiddenLayers, Linear, PerConv};
use softmoe_nets::shapes::Const;
use softmoe_nets::{Builder, Layer, Size};

/// An expert: encoder, hidden layers, and as many outputs as there are values in its image.
type Expert<Encoder> = (Encoder, Flatten<usize>, HiddenLayers<usize>, Linear<usize, usize>);

/// Encoders of images whose sides follow from the number of slots, at run time.
type SmallImage = MinAtar<usize, usize>;
type NatureImage = Nature<usize, usize, usize, usize, usize>;
type ImpalaImage = Impala<usize, usize, usize, usize, usize, usize, usize>;

/// The networks over the pixels of an observation.
pub(super) fn with_pixels<V: NetworkVisitor>(
    architecture: &Architecture,
    visitor: V,
) -> Result<V::Output, AgentError> {
    let channels = architecture.observation[2];
    let small = move |batch| -> (usize, Const<10>, Const<10>, usize) { (batch, Const, Const, channels) };
    let large = move |batch| -> (usize, Const<84>, Const<84>, usize) { (batch, Const, Const, channels) };
    let builder = Builder::new();
    match architecture.network.encoder {
        EncoderSpec::MinAtar => Row { architecture, builder, shape: small, visitor }
            .with_experts(Const::<100>, |b, name, image| SmallImage::new(b, name, image, 16)),
        EncoderSpec::Nature => Row { architecture, builder, shape: large, visitor }
            .with_experts(Const::<7056>, |b, name, image| NatureImage::new(b, name, image, (32, 64, 64))),
        EncoderSpec::Impala { width } => {
            let widths = (16 * width, 32 * width, 32 * width);
            Row { architecture, builder, shape: large, visitor }
                .with_experts(Const::<7056>, |b, name, image| ImpalaImage::new(b, name, image, widths))
        }
    }
}

impl<S, V: NetworkVisitor> Row<'_, S, V> {
    /// The mixture of experts that begin with an `encoder` of images (height, width, channels).
    fn with_experts<In, M, Encoder>(
        mut self,
        pixels: M,
        mut encoder: impl FnMut(&mut Builder, &str, [usize; 3]) -> Encoder,
    ) -> Result<V::Output, AgentError>
    where
        In: RegisteredShape,
        M: Size,
        PerConv<M>: RegisteredLayer<In> + Layer<In, Out = (usize, M, usize)>,
        Encoder: RegisteredLayer<(usize, usize, usize, usize)>
            + Layer<(usize, usize, usize, usize), Out = (usize, usize, usize, usize)>,
        S: Fn(usize) -> In + Send + Sync + 'static,
    {
        let Architecture { network, head, observation: [.., channels], .. } = self.architecture;
        let BodySpec::SoftMoe { experts, slots, extra_layers, bottleneck, .. } = network.body else {
            return Err(unknown(self.architecture));
        };
        let (channels, hidden, noisy) = (*channels, network.scaled_hidden(), head.noisy());
        let side = slots.count(pixels.size(), experts).isqrt();
        let expert = |b: &mut Builder, name: &str| -> Expert<Encoder> {
            let encoder = encoder(b, &format!("{name}/encoder"), [side, side, channels]);
            let (_, height, width, depth) = encoder.output_shape((1, side, side, channels));
            let features = height * width * depth;
            let hidden_name = format!("{name}/hidden");
            let layers = HiddenLayers::new(b, &hidden_name, features, hidden, 1 + extra_layers, noisy);
            let output = Linear::new(b, &format!("{name}/output"), hidden, side * side * channels);
            (encoder, Flatten(features), layers, output)
        };
        let b = &mut self.builder;
        let body = BigSoftMoe::new(b, "soft_moe", (pixels, channels, experts, side), expert);
        let features = pixels.size() * channels;
        let (flatten, layers, head) = behind_a_mixture(b, self.architecture, features, bottleneck);
        let layer = ((PerConv(pixels), body, flatten, layers), head);
        Ok(self.visitor.visit(self.builder, layer, self.shape))
    }
}
