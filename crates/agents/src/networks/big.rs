//! Mixtures over the pixels of an observation, whose experts are whole networks.

use super::encoder::Encoder;
use softmoe_config::{Architecture, BodySpec};
use softmoe_nets::layers::{BigSoftMoe, Flatten, HiddenLayers, Linear, PerConv};
use softmoe_nets::{Builder, Layer};

/// An expert: encoder, hidden layers, and as many outputs as its image has values.
type Expert = (Encoder, Flatten<usize>, HiddenLayers<usize>, Linear<usize, usize>);

/// Pixels as tokens, the mixture, and what follows it.
pub(super) type BigMixture =
    (PerConv<usize>, BigSoftMoe<usize, usize, usize, usize, Expert>, Flatten<usize>, HiddenLayers<usize>);

/// The mixture of `architecture`, a soft one of big experts. An expert's image has as many pixels as the largest square
/// of at most its slots.
pub(super) fn mixture(builder: &mut Builder, architecture: &Architecture) -> BigMixture {
    let Architecture { network, head, observation: [height, width, channels], .. } = architecture;
    let BodySpec::SoftMoe { experts, slots, extra_layers, bottleneck, .. } = network.body else {
        unreachable!("`{}` has no big experts", network.body)
    };
    let (pixels, channels) = (height * width, *channels);
    let side = slots.count(pixels, experts).isqrt();
    let expert = |b: &mut Builder, name: &str| -> Expert {
        let encoder = Encoder::new(b, &format!("{name}/encoder"), network.encoder, [side, side, channels]);
        let (_, h, w, c) = encoder.output_shape((1, side, side, channels));
        let (features, hidden) = (h * w * c, network.scaled_hidden());
        let name = |part| format!("{name}/{part}");
        let layers = HiddenLayers::new(b, &name("hidden"), features, hidden, 1 + extra_layers, head.noisy());
        let output = Linear::new(b, &name("output"), hidden, side * side * channels);
        (encoder, Flatten(features), layers, output)
    };
    let mixture = BigSoftMoe::new(builder, "soft_moe", (pixels, channels, experts, side), expert);
    let (features, count) = (pixels * channels, usize::from(bottleneck));
    let layers = HiddenLayers::new(builder, "bottleneck", features, network.hidden, count, head.noisy());
    (PerConv(pixels), mixture, Flatten(features), layers)
}
