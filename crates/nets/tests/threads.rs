//! Large networks use the threads that there are; what they compute does not depend on how many.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_nets::encoders::{Impala, Nature};
use softmoe_nets::layers::{CategoricalHead, Dense, Flatten, PerConv, Relu, SoftMoe};
use softmoe_nets::shapes::Const;
use softmoe_nets::{Adam, AdamSettings, BoxedNetwork, Builder, ExpertSettings, Network, Weights};

const BATCH: usize = 9;

/// Two training steps with as many threads: parameters after them, and the last outputs.
fn train(network: &dyn Network, threads: usize) -> (Vec<f32>, Vec<f32>) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let mut parameters = network.parameters().initial(&mut rng);
        let mut random = |len: usize| -> Vec<f32> { (0..len).map(|_| rng.random_range(-1.0..1.0)).collect() };
        let x = random(BATCH * network.input_len());
        let noise = random(network.noise().len());
        let mut adam = Adam::new(AdamSettings::new(1e-3, 1e-4), parameters.len());
        let mut pass = network.pass(BATCH);
        let mut gradient = vec![0.0; parameters.len()];
        let mut outputs = Vec::new();
        for _ in 0..2 {
            let weights = Weights { parameters: &parameters, noise: Some(&noise) };
            outputs = pass.forward(weights, &x).to_vec();
            pass.backward(weights, &x, &outputs, &mut gradient);
            adam.step(&mut parameters, &gradient);
        }
        (parameters, outputs)
    })
}

fn assert_independent_of_threads(network: &dyn Network) {
    let one = train(network, 1);
    assert!(one.0.iter().chain(&one.1).all(|value| value.is_finite()));
    for threads in [2, 3] {
        assert!(train(network, threads) == one, "{threads} threads compute something else than one");
    }
}

#[test]
fn a_dense_network_on_the_nature_encoder() {
    let mut builder = Builder::new();
    let encoder: Nature = Nature::new(&mut builder, "encoder", [84, 84, 4], (Const, Const, Const));
    let layers = (
        encoder,
        Flatten(Const::<7744>),
        Dense::new(&mut builder, "hidden", Const::<7744>, Const::<512>, true),
        Relu,
        CategoricalHead::dueling(&mut builder, "head", Const::<512>, 18, Const::<51>, true),
    );
    assert_independent_of_threads(&BoxedNetwork::new(builder, layers, |batch| {
        (batch, Const::<84>, Const::<84>, 4)
    }));
}

#[test]
fn experts_on_the_impala_encoder() {
    let mut builder = Builder::new();
    let experts = ExpertSettings { hidden: 512, extra_layers: 0, noisy: true };
    let sizes = (Const::<121>, Const::<32>, Const::<4>, Const::<31>);
    let encoder: Impala = Impala::new(&mut builder, "encoder", [84, 84, 4], (Const, Const, Const));
    let layers = (
        encoder,
        PerConv(Const::<121>),
        SoftMoe::new(&mut builder, "soft_moe", sizes, experts),
        Flatten(Const::<3872>),
        CategoricalHead::dueling(&mut builder, "head", Const::<3872>, 6, Const::<51>, true),
    );
    assert_independent_of_threads(&BoxedNetwork::new(builder, layers, |batch| {
        (batch, Const::<84>, Const::<84>, 4)
    }));
}
