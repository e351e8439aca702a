//! Every tokenization behind the map that it is for, and the bodies and heads that take its tokens.

use softmoe_nets::shapes::Const;
use softmoe_nets::layers::{CategoricalHead, 
    AveragePool, Dense, Flatten, GlobalAveragePool, PerConv, PerFeature, PerPatch, PerSample, Pooling,
    Relu, ReluPlace, Shuffled, SimplicialGroups, SimplicialMap, Tokenized, TokenizedSettings,
};
use softmoe_nets::{BoxedNetwork, Builder, Layer, Network, Permutation};

type Map = (usize, Const<11>, Const<11>, Const<32>);

/// Builds `layer` behind a map of 11x11 positions and 32 channels, and compares the sizes of its output.
fn build<L: Layer<Map> + 'static>(builder: Builder, layer: L, output: &[usize]) {
    let network = BoxedNetwork::new(builder, layer, |batch| -> Map { (batch, Const, Const, Const) });
    assert_eq!(network.output_shape(), output);
}

fn main() {
    build(Builder::new(), PerFeature(Const::<121>), &[32, 121]);
    build(Builder::new(), PerSample(Const::<3872>), &[1, 3872]);
    let permutation = Permutation::new((0..3872).rev().collect()).unwrap();
    build(Builder::new(), Shuffled::new(Const::<121>, permutation), &[121, 32]);
    let mut builder = Builder::new();
    let patches = PerPatch::new(&mut builder, "embedding", [11, 11], Const::<9>, Const::<32>);
    build(builder, patches, &[9, 32]);
    let pooled = (AveragePool::<_, _, 3, 3>(Const::<3>, Const::<3>), PerConv(Const::<9>));
    build(Builder::new(), pooled, &[9, 32]);

    let mut builder = Builder::new();
    let settings = TokenizedSettings { pooling: Pooling::Sum, relu: ReluPlace::BeforePooling, noisy: true };
    let tokenized = Tokenized::new(&mut builder, "body", Const::<121>, 512, settings);
    let head = CategoricalHead::dueling(&mut builder, "head", 512, 6, Const::<1>, true);
    build(builder, (PerFeature(Const::<121>), tokenized, head), &[6, 1]);

    let mut builder = Builder::new();
    let dense = Dense::new(&mut builder, "hidden", Const::<32>, Const::<64>, false);
    let head = CategoricalHead::plain(&mut builder, "head", Const::<64>, 6, Const::<1>, false);
    build(builder, (GlobalAveragePool, dense, SimplicialGroups::new(Const::<8>), head), &[6, 1]);

    let mut builder = Builder::new();
    let dense = Dense::new(&mut builder, "hidden", Const::<3872>, 64, true);
    let head = CategoricalHead::plain(&mut builder, "head", 64, 6, Const::<1>, true);
    build(builder, (SimplicialMap::default(), Flatten(Const::<3872>), dense, Relu, head), &[6, 1]);
}
