//! Time of the encoders' passes over a batch of 32 observations, the forward pass alone and with the backward pass
//! behind it, and of their forward pass over a single one.

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use rand::SeedableRng;
use softmoe_nets::encoders::{Impala, MinAtar, Nature};
use softmoe_nets::shapes::Const;
use softmoe_nets::{BoxedNetwork, Builder, Layer, Network, Size, Weights};
use support::uniform;

const BATCH: usize = 32;
const CHANNELS: usize = 4;

fn measure<L, Side>(criterion: &mut Criterion, name: &str, builder: Builder, layer: L, side: Side)
where
    L: Layer<(usize, Side, Side, usize)> + 'static,
    Side: Size,
{
    let network = BoxedNetwork::new(builder, layer, move |batch| (batch, side, side, CHANNELS));
    let to_f32 = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect::<Vec<_>>();
    let outputs: usize = network.output_shape().iter().product();
    let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1);
    let parameters = network.parameters().initial(&mut rng);
    let x = to_f32(uniform(BATCH * network.input_len(), 1.0, 2));
    let dy = to_f32(uniform(BATCH * outputs, 1.0, 3));
    let mut gradient = vec![0.0; parameters.len()];
    let (mut pass, mut alone) = (network.pass(BATCH), network.pass(1));
    let weights = Weights { parameters: &parameters, noise: None };

    let mut group = criterion.benchmark_group(name);
    group.sample_size(20);
    group.bench_function("forward", |bencher| bencher.iter(|| pass.forward(weights, &x).len()));
    group.bench_function("forward and backward", |bencher| {
        bencher.iter(|| {
            pass.forward(weights, &x);
            pass.backward(weights, &x, &dy, &mut gradient);
        });
    });
    group.bench_function("one observation", |bencher| {
        bencher.iter(|| alone.forward(weights, &x[..network.input_len()]).len());
    });
    group.finish();
}

fn encoders(criterion: &mut Criterion) {
    let mut builder = Builder::new();
    let impala: Impala = Impala::new(&mut builder, "encoder", [84, 84, CHANNELS], (Const, Const, Const));
    measure(criterion, "impala", builder, impala, Const::<84>);
    let mut builder = Builder::new();
    let nature: Nature = Nature::new(&mut builder, "encoder", [84, 84, CHANNELS], (Const, Const, Const));
    measure(criterion, "nature", builder, nature, Const::<84>);
    let mut builder = Builder::new();
    let min_atar: MinAtar = MinAtar::new(&mut builder, "encoder", [10, 10, CHANNELS], Const);
    measure(criterion, "minatar", builder, min_atar, Const::<10>);
}

criterion_group!(benches, encoders);
criterion_main!(benches);
