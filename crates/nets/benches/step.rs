//! Time of one training step at batch 32 (forward, backward, Adam; no noise) and of acting at batch 1, for the
//! networks of figure 3 at MinAtar size. The loss is the cross-entropy of all logits against a fixed random
//! target, so that no second network is part of the step.

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use softmoe_nets::{Adam, AdamSettings, BoxedNetwork, Builder, Layer, Network, Weights, kernels};
use std::hint::black_box;
use support::{Observations, experts, observations, uniform};

const BATCH: usize = 32;
const ATOMS: usize = 51;

fn measure<L: Layer<Observations> + 'static>(
    criterion: &mut Criterion,
    name: &str,
    builder: Builder,
    layer: L,
) {
    let network = BoxedNetwork::new(builder, layer, observations);
    let to_f32 = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect::<Vec<_>>();
    let outputs: usize = network.output_shape().iter().product();
    let mut parameters = to_f32(uniform(network.parameters().len(), 0.05, 1));
    let x = to_f32(uniform(BATCH * network.input_len(), 1.0, 2));
    let mut target = vec![0.0; BATCH * outputs];
    kernels::softmax_rows(&mut target, &to_f32(uniform(BATCH * outputs, 1.0, 3)), ATOMS);
    let mut dy = vec![0.0; BATCH * outputs];
    let mut gradient = vec![0.0; parameters.len()];
    let mut adam = Adam::new(AdamSettings::new(1e-4, 1.5e-4), parameters.len());
    let (mut pass, mut alone) = (network.pass(BATCH), network.pass(1));

    criterion.bench_function(&format!("{name}/train"), |bencher| {
        bencher.iter(|| {
            let weights = Weights { parameters: &parameters, noise: None };
            kernels::softmax_rows(&mut dy, pass.forward(weights, &x), ATOMS);
            for (dy, target) in dy.iter_mut().zip(&target) {
                *dy = (*dy - target) / BATCH as f32;
            }
            pass.backward(weights, &x, &dy, &mut gradient);
            adam.step(&mut parameters, &gradient);
        });
    });
    let weights = Weights { parameters: &parameters, noise: None };
    criterion.bench_function(&format!("{name}/act"), |bencher| {
        bencher.iter(|| alone.forward(weights, black_box(&x[..network.input_len()])).len());
    });
}

fn networks(criterion: &mut Criterion) {
    let mut builder = Builder::new();
    let flat = support::flat(&mut builder, false);
    measure(criterion, "flat", builder, flat);
    let mut builder = Builder::new();
    let soft_moe = support::soft_moe_4(&mut builder, experts(false));
    measure(criterion, "softmoe-4", builder, soft_moe);
    let mut builder = Builder::new();
    let expert_choice = support::expert_choice_4(&mut builder, experts(false));
    measure(criterion, "expert-choice-4", builder, expert_choice);
}

criterion_group!(benches, networks);
criterion_main!(benches);
