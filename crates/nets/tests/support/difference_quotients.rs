//! Hand-written gradients against central differences, in double precision.

use super::uniform;
use softmoe_nets::shapes::Shape;
use softmoe_nets::{Builder, Layer, Weights};

/// A step of 1e-6 leaves rounding errors of 1e-10 and truncation errors of 1e-12 where values are of order one.
pub(crate) const STEP: f64 = 1e-6;
/// Error allowed, as a share of the largest value of a tensor's gradient.
const TOLERANCE: f64 = 1e-7;

/// Checks the gradients of `layer`, made with `builder`, at random weights and an input of shape `input`;
/// returns the buffers after its forward pass there.
pub(crate) fn check<In: Shape, L: Layer<In>>(builder: Builder, layer: &L, input: In) -> L::Workspace<f64> {
    check_with(builder, layer, input, |_| 0.0)
}

/// The same for a layer whose backward pass adds the gradient of a loss of its own, which `own_loss` reads from the
/// buffers.
pub(crate) fn check_with<In: Shape, L: Layer<In>>(
    builder: Builder,
    layer: &L,
    input: In,
    own_loss: impl Fn(&L::Workspace<f64>) -> f64,
) -> L::Workspace<f64> {
    let (list, sources) = builder.finish();
    let described = layer.describe(input);
    let parameters = described.iter().map(|row| row.parameters).sum::<usize>();
    assert_eq!(parameters, list.len(), "parameters as described: {described:?}");
    let noise = uniform(sources.len(), 1.5, 1);
    let mut parameters = uniform(list.len(), 0.5, 2);
    let mut x = uniform(input.num_elements(), 1.0, 3);
    let dy = uniform(layer.output_shape(input).num_elements(), 1.0, 4);
    let mut workspace = layer.workspace::<f64>(input);

    for noise in [None, Some(noise.as_slice())] {
        let weights = Weights { parameters: &parameters, noise };
        let y = layer.forward(weights, &x, &mut workspace).to_vec();
        assert_eq!(layer.output(&x, &workspace), y, "the output that the workspace keeps");
        // Whatever was in the gradient is overwritten.
        let mut gradient = vec![f64::NAN; list.len()];
        let dx = layer.backward(weights, &x, &dy, &mut workspace, &mut gradient, true).to_vec();

        // A second time, with buffers that have been used, and without the input's gradient.
        let mut again = vec![f64::NAN; list.len()];
        assert_eq!(layer.forward(weights, &x, &mut workspace), y, "the output a second time");
        layer.backward(weights, &x, &dy, &mut workspace, &mut again, false);
        assert_eq!(gradient, again, "the gradient a second time");

        let mut loss = |parameters: &[f64], x: &[f64]| {
            let y = layer.forward(Weights { parameters, noise }, x, &mut workspace);
            let loss = y.iter().zip(&dy).map(|(y, dy)| y * dy).sum::<f64>();
            loss + own_loss(&workspace)
        };
        let numeric: Vec<f64> = (0..list.len()).map(|i| slope(&mut parameters, i, |p| loss(p, &x))).collect();
        for parameter in list.iter() {
            let range = parameter.range.clone();
            assert_close(&parameter.name, &gradient[range.clone()], &numeric[range]);
        }
        let numeric: Vec<f64> = (0..x.len()).map(|i| slope(&mut x, i, |x| loss(&parameters, x))).collect();
        assert_close("input", &dx, &numeric);
    }
    layer.forward(Weights { parameters: &parameters, noise: Some(&noise) }, &x, &mut workspace);
    workspace
}

/// The central difference of `loss` along `values[i]`.
fn slope(values: &mut [f64], i: usize, mut loss: impl FnMut(&[f64]) -> f64) -> f64 {
    let value = values[i];
    values[i] = value + STEP;
    let above = loss(values);
    values[i] = value - STEP;
    let below = loss(values);
    values[i] = value;
    (above - below) / (2.0 * STEP)
}

#[track_caller]
fn assert_close(what: &str, got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{what}: number of values");
    let largest = want.iter().fold(0.0_f64, |largest, want| largest.max(want.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let near = (got - want).abs() <= TOLERANCE * largest.max(1e-2);
        assert!(near, "gradient of {what}: value {i} is {got:e}, the difference quotient {want:e}");
    }
}
