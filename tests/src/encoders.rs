//! The reference's encoders, of the sizes that a fixture has. Their parameters tell them apart.

use crate::devices::EngineLayer;
use crate::fixtures::Fixture;
use crate::reference::{Names, dense};
use softmoe_nets::encoders::{Impala, MinAtar, Nature};
use softmoe_nets::{Builder, Layer};

/// An encoder whose sizes are known at run time.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a test has one at a time, and takes it apart at once")]
pub enum Encoder {
    /// The residual network, whose parameters the reference keeps in `_stacks_<0 to 2>`.
    Impala(Impala<usize, usize, usize, usize, usize, usize, usize>),
    /// The three convolutions `Conv_<0 to 2>`.
    Nature(Nature<usize, usize, usize, usize, usize>),
    /// The one convolution `Conv_0`.
    MinAtar(MinAtar<usize, usize>),
}

/// A layer from feature maps to feature maps, whose sizes are known at run time.
pub trait MapLayer: EngineLayer<Map> + Layer<Map, Out = Map> {}
impl<L: EngineLayer<Map> + Layer<Map, Out = Map>> MapLayer for L {}

/// (batch, height, width, channels).
pub type Map = (usize, usize, usize, usize);

impl Encoder {
    /// The encoder for observations of `shape` (height, width, channels), and the names of its parameters: the fixture's
    /// `param/<folder>..`, ours under `encoder`. `folder` is empty or ends with a slash.
    pub fn new(
        builder: &mut Builder,
        fixture: &Fixture,
        folder: &str,
        shape: [usize; 3],
    ) -> (Encoder, Names) {
        let kernel = |path: &str| format!("param/{folder}{path}/kernel");
        let width = |path: &str| *fixture.shape(&kernel(path)).last().expect("a kernel has axes");
        let pair =
            |ours: &str, theirs: &str| dense(&format!("encoder{ours}"), &format!("{folder}{theirs}/"), false);
        if fixture.has(&kernel("_stacks_0/Conv_0")) {
            let widths = [0, 1, 2].map(|stage| width(&format!("_stacks_{stage}/Conv_0")));
            let stage = |stage: usize| {
                let (ours, theirs) = (format!("/stage_{stage}"), format!("_stacks_{stage}"));
                let block = |i: usize| {
                    pair(
                        &format!("{ours}/block_{}/convolution_{}", i / 2, i % 2),
                        &format!("{theirs}/Conv_{}", i + 1),
                    )
                };
                let blocks = (0..4).flat_map(block);
                pair(&format!("{ours}/convolution"), &format!("{theirs}/Conv_0"))
                    .into_iter()
                    .chain(blocks)
                    .collect::<Names>()
            };
            let layer = Impala::new(builder, "encoder", shape, widths.into());
            (Encoder::Impala(layer), (0..3).flat_map(stage).collect())
        } else if fixture.has(&kernel("Conv_2")) {
            let widths = [0, 1, 2].map(|layer| width(&format!("Conv_{layer}")));
            let names = |layer| pair(&format!("/convolution_{layer}"), &format!("Conv_{layer}"));
            let layer = Nature::new(builder, "encoder", shape, widths.into());
            (Encoder::Nature(layer), (0..3).flat_map(names).collect())
        } else {
            let layer = MinAtar::new(builder, "encoder", shape, width("Conv_0"));
            (Encoder::MinAtar(layer), pair("", "Conv_0"))
        }
    }

    /// The divisor of pixels: Atari's are bytes, MinAtar's 0 or 1.
    pub fn pixel_scale(&self) -> u8 {
        if let Encoder::MinAtar(_) = self { 1 } else { u8::MAX }
    }
}
