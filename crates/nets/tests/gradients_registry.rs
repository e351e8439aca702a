//! The hand-written gradients of the layers that the registry adds, against central differences.

mod support;

use softmoe_nets::layers::{Dense, HiddenLayers, Relu};
use softmoe_nets::{Builder, Layer, Weights};
use support::difference_quotients::check;
use support::uniform;

#[test]
fn hidden_layers() {
    for (count, noisy) in [(0, false), (1, false), (1, true), (2, true), (3, false)] {
        for batch in [1, 3] {
            let mut builder = Builder::new();
            // Another layer of parameters, so that these do not start at zero.
            let first = Dense::new(&mut builder, "first", 4, 5, noisy);
            let layers = HiddenLayers::new(&mut builder, "hidden", 5, 6, count, noisy);
            check(builder, &(first, layers), (batch, 4));
        }
    }
}

/// Two hidden layers are the tuple that one would write, to the last digit.
#[test]
fn hidden_layers_are_dense_layers_with_relus() {
    let mut ours = Builder::new();
    let layers = HiddenLayers::new(&mut ours, "hidden", 5, 7, 2, true);
    let mut builder = Builder::new();
    let b = &mut builder;
    let tuple = (Dense::new(b, "hidden", 5, 7, true), Relu, Dense::new(b, "hidden_1", 7, 7, true), Relu);
    assert_eq!(ours.parameters(), builder.parameters());
    assert_eq!(layers.describe((1, 5)), tuple.describe((1, 5)));
    let (list, noise) = builder.finish();
    let [parameters, noise] = [(list.len(), 1), (noise.len(), 2)].map(|(len, seed)| uniform(len, 0.5, seed));
    let weights = Weights { parameters: &parameters, noise: Some(&noise) };
    let (x, dy) = (uniform(3 * 5, 1.0, 3), uniform(3 * 7, 1.0, 4));
    let (mut workspace, mut other) = (layers.workspace::<f64>((3, 5)), tuple.workspace::<f64>((3, 5)));
    assert_eq!(layers.forward(weights, &x, &mut workspace), tuple.forward(weights, &x, &mut other));
    let [mut gradient, mut expected] = [vec![0.0; list.len()], vec![0.0; list.len()]];
    let dx = layers.backward(weights, &x, &dy, &mut workspace, &mut gradient, true);
    assert_eq!(dx, tuple.backward(weights, &x, &dy, &mut other, &mut expected, true));
    assert_eq!(gradient, expected);
}
