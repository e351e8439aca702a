//! A network from types: a small classifier with a soft mixture of experts learns which quarter of an image is bright.
//!
//! ```sh
//! cargo run --release -p softmoe-nets --example network_from_types
//! ```
//!
//! Each layer names the sizes that it takes and gives. If you change one of them, the compiler points at the layers that no longer match. The
//! example prints the layers with their shapes and parameters, then the loss and the accuracy on new images while it trains.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_nets::kernels::softmax_rows;
use softmoe_nets::layers::{Conv2d, Flatten, Linear, PerConv, Relu, SoftMoe};
use softmoe_nets::shapes::Const;
use softmoe_nets::{Adam, AdamSettings, BoxedNetwork, Builder, ExpertSettings, Network, Weights};

const SIDE: usize = 8;
const BATCH: usize = 32;
const CLASSES: usize = 4;

type Classifier = (
    Conv2d<Const<6>, Const<6>, Const<8>, 3, 1>,       // 8x8x1 -> 6x6x8
    Relu,                                             //
    PerConv<Const<36>>,                               // 36 tokens of width 8
    SoftMoe<Const<36>, Const<8>, Const<2>, Const<4>>, // 2 experts of 4 slots each
    Flatten<Const<288>>,                              //
    Linear<Const<288>, Const<CLASSES>>,               // a logit for each quarter
);

/// Noise with one quarter brighter than the others, and the number of that quarter.
fn images(rng: &mut Xoshiro256PlusPlus) -> (Vec<f32>, Vec<usize>) {
    let labels: Vec<usize> = (0..BATCH).map(|_| rng.random_range(0..CLASSES)).collect();
    let mut pixel = |label: usize, row: usize, column: usize| {
        let quarter = 2 * (row / (SIDE / 2)) + column / (SIDE / 2);
        rng.random::<f32>() + if quarter == label { 0.2 } else { 0.0 }
    };
    let pixels = labels.iter().flat_map(|&label| (0..SIDE * SIDE).map(move |i| (label, i / SIDE, i % SIDE)));
    (pixels.map(|(label, row, column)| pixel(label, row, column)).collect(), labels)
}

fn main() {
    let mut builder = Builder::new();
    let experts = ExpertSettings { hidden: 16, extra_layers: 0, noisy: false };
    let layers: Classifier = (
        Conv2d::new(&mut builder, "convolution", 1, (Const, Const, Const)),
        Relu,
        PerConv(Const),
        SoftMoe::new(&mut builder, "soft_moe", (Const, Const, Const, Const), experts),
        Flatten(Const),
        Linear::new(&mut builder, "head", Const, Const),
    );
    let network = BoxedNetwork::new(builder, layers, |batch| (batch, Const::<SIDE>, Const::<SIDE>, 1));
    for layer in network.describe() {
        println!(
            "{:<46} {:<10} {:>6} parameters",
            layer.name,
            format!("{:?}", layer.output),
            layer.parameters
        );
    }

    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
    let mut parameters = network.parameters().initial(&mut rng);
    let mut gradient = vec![0.0; parameters.len()];
    let mut adam = Adam::new(AdamSettings::new(3e-3, 1e-8), parameters.len());
    // The pass owns all buffers for one batch size.
    let mut pass = network.pass(BATCH);
    for update in 0..=500 {
        let (x, labels) = images(&mut rng);
        let weights = Weights { parameters: &parameters, noise: None };
        let mut d_logits = vec![0.0; BATCH * CLASSES];
        softmax_rows(&mut d_logits, pass.forward(weights, &x), CLASSES);

        // Cross-entropy, whose gradient is the probabilities minus one at the label.
        let (mut loss, mut correct) = (0.0, 0);
        for (row, &label) in d_logits.chunks_exact_mut(CLASSES).zip(&labels) {
            loss -= row[label].ln();
            correct += usize::from(row.iter().all(|&p| p <= row[label]));
            row[label] -= 1.0;
            row.iter_mut().for_each(|p| *p /= BATCH as f32);
        }
        if update % 100 == 0 {
            println!("update {update}: loss {:.3}, {correct} of {BATCH} correct", loss / BATCH as f32);
        }

        pass.backward(weights, &x, &d_logits, &mut gradient);
        assert!(adam.step(&mut parameters, &gradient), "a step of finite numbers");
    }
}
