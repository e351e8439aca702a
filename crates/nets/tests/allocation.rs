//! A training step allocates nothing once its buffers are there.

mod support;

use softmoe_nets::layers::{Dense, Flatten, Relu};
use softmoe_nets::shapes::Const;
use softmoe_nets::{Adam, AdamSettings, BoxedNetwork, Builder, Layer, Network, Weights};
use support::{Observations, experts, observations, uniform};

/// Counts the allocations of three steps, each with an action, behind a first one, on a thread of a pool, as the
/// worker's are: what comes from outside waits in a queue, which grows.
fn allocations<L: Layer<Observations> + 'static>(builder: Builder, layer: L, batch: usize) -> u64 {
    let network = BoxedNetwork::new(builder, layer, observations);
    let to_f32 = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect::<Vec<_>>();
    let outputs: usize = network.output_shape().iter().product();
    let mut parameters = to_f32(uniform(network.parameters().len(), 0.1, 1));
    let mut noise = vec![0.0; network.noise().len()];
    let x = to_f32(uniform(batch * network.input_len(), 1.0, 2));
    let dy = to_f32(uniform(batch * outputs, 1.0, 3));
    let mut gradient = vec![0.0; parameters.len()];
    let mut adam = Adam::new(AdamSettings::new(1e-4, 1.5e-4), parameters.len());
    let mut rng = <rand_xoshiro::Xoshiro256PlusPlus as rand::SeedableRng>::seed_from_u64(4);
    let (mut pass, mut alone) = (network.pass(batch), network.pass(1));

    let mut step = || {
        network.noise().draw(&mut rng, &mut noise);
        let weights = Weights { parameters: &parameters, noise: Some(&noise) };
        alone.forward(weights, &x[..network.input_len()]);
        pass.forward(weights, &x);
        pass.backward(weights, &x, &dy, &mut gradient);
        adam.step(&mut parameters, &gradient);
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    pool.install(|| {
        step();
        allocation_counter::measure(|| (0..3).for_each(|_| step())).count_total
    })
}

#[test]
fn a_training_step_allocates_nothing() {
    for batch in [32, 1] {
        for noisy in [true, false] {
            let mut builder = Builder::new();
            let layer = support::flat(&mut builder, noisy);
            assert_eq!(allocations(builder, layer, batch), 0, "flat, batch {batch}, noisy: {noisy}");
            let mut builder = Builder::new();
            let layer = support::soft_moe_4(&mut builder, experts(noisy));
            assert_eq!(allocations(builder, layer, batch), 0, "SoftMoE, batch {batch}, noisy: {noisy}");
            let mut builder = Builder::new();
            let layer = support::expert_choice_4(&mut builder, experts(noisy));
            assert_eq!(allocations(builder, layer, batch), 0, "ExpertChoice, batch {batch}, noisy: {noisy}");
        }
    }
}

/// With weights that are read from memory.
#[test]
fn a_step_of_a_large_layer_allocates_nothing() {
    let mut builder = Builder::new();
    let layers = (
        Flatten(Const::<400>),
        Dense::new(&mut builder, "first", Const::<400>, Const::<1100>, true),
        Relu,
        Dense::new(&mut builder, "second", Const::<1100>, Const::<1000>, true),
    );
    assert_eq!(allocations(builder, layers, 32), 0);
}

#[test]
fn the_counter_counts() {
    let allocate = || drop(std::hint::black_box(vec![0; 3]));
    assert_eq!(allocation_counter::measure(allocate).count_total, 1);
}
