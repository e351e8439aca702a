//! Layers on a device against the CPU engine.

use super::uniform;
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;
use softmoe_nets::device::{
    Autodiff, DeviceLayer, DeviceShape, DeviceWeights, Missing, from_values, to_values,
};
use softmoe_nets::shapes::Shape;
use softmoe_nets::{Builder, Layer, Weights};

/// The device to test, or nothing where this machine has none of its kind.
///
/// # Panics
/// If there is none though the environment variable `SOFTMOE_REQUIRE_WGPU` is 1: only Vulkan's devices can be missing.
pub(crate) fn found<D>(device: Result<D, Missing>) -> Option<D> {
    let required = std::env::var("SOFTMOE_REQUIRE_WGPU").is_ok_and(|value| value == "1");
    match device {
        Ok(device) => Some(device),
        Err(missing) if required => panic!("SOFTMOE_REQUIRE_WGPU is 1, but {missing}"),
        Err(missing) => {
            eprintln!("passed over: {missing}");
            None
        }
    }
}

/// Error allowed, as a share of the largest value of a tensor. Both sides round: each product's sum of up to a few
/// thousand terms by some 1e-7, and layers on top of each other. Most of it is needed by the load-balancing loss on
/// graphics cards, where burn's error function is good to 1.5e-7 and its small variances are divided by each other.
const TOLERANCE: f64 = 1e-5;

/// Checks outputs and gradients of `layer`, made with `builder`, at random weights and an input of shape `input`,
/// with and without noise.
pub(crate) fn check<B, In, L>(what: &str, builder: Builder, layer: &L, input: In, device: &B::Device)
where
    B: Backend,
    In: DeviceShape,
    L: Layer<In> + DeviceLayer<In>,
{
    let (list, sources) = builder.finish();
    let single = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect::<Vec<f32>>();
    let noise = single(uniform(sources.len(), 1.5, 1));
    let parameters = single(uniform(list.len(), 0.5, 2));
    let x = single(uniform(input.num_elements(), 1.0, 3));
    let dy = single(uniform(Layer::output_shape(layer, input).num_elements(), 1.0, 4));
    let batch = input.concrete()[0];
    let mut workspace = layer.workspace::<f32>(input);

    for noise in [None, Some(noise.as_slice())] {
        let weights = Weights { parameters: &parameters, noise };
        let y = layer.forward(weights, &x, &mut workspace).to_vec();
        let mut gradient = vec![f32::NAN; list.len()];
        let dx = layer.backward(weights, &x, &dy, &mut workspace, &mut gradient, true).to_vec();

        let rows = |values: &[f32]| from_values::<B, 2>(values, [batch, values.len() / batch], device);
        let flat = from_values::<B, 1>(&parameters, [list.len()], device);
        let noise = noise.map(|noise| Tensor::from_inner(from_values::<B, 1>(noise, [noise.len()], device)));
        let weights = DeviceWeights::<Autodiff<B>>::tracked(&list, &flat).with_noise(noise);
        let x_on_device = Tensor::from_inner(rows(&x)).require_grad();
        let y_on_device = <L as DeviceLayer<In>>::Out::into_rows(
            layer.forward_on(&weights, input.of_rows::<Autodiff<B>>(x_on_device.clone())),
        );
        assert_close(&format!("{what}: output"), &to_values(y_on_device.clone().inner()), &y);
        let loss = (y_on_device * Tensor::from_inner(rows(&dy))).sum();
        let mut gradients = weights.with_added_losses(loss).backward();
        if !list.is_empty() {
            let got = to_values(weights.gradient(&mut gradients));
            for parameter in list.iter() {
                let range = parameter.range.clone();
                let (got, want) = (&got[range.clone()], &gradient[range.clone()]);
                // A single value's gradient is a sum over all others', and rounds as they do.
                let beside = if range.len() == 1 { largest(&gradient) } else { 0.0 };
                assert_near(&format!("{what}: gradient of {}", parameter.name), got, want, beside);
            }
        }
        let got = x_on_device.grad(&gradients).expect("the input is tracked");
        assert_close(&format!("{what}: gradient of the input"), &to_values(got), &dx);
    }
}

fn largest(values: &[f32]) -> f64 {
    values.iter().fold(0.0_f64, |largest, &value| largest.max(f64::from(value).abs()))
}

#[track_caller]
fn assert_close(what: &str, got: &[f32], want: &[f32]) {
    assert_near(what, got, want, 0.0);
}

/// Compares values that come out of sums of values as large as `beside`. Nothing here is a sum of terms much smaller
/// than one, which round by 6e-8: so small an error is allowed where they cancel too.
#[track_caller]
fn assert_near(what: &str, got: &[f32], want: &[f32], beside: f64) {
    assert_eq!(got.len(), want.len(), "{what}: number of values");
    let largest = largest(want).max(beside);
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let near = (f64::from(got) - f64::from(want)).abs() <= TOLERANCE * largest.max(5e-2);
        assert!(
            near,
            "{what}: value {i} is {got:e} on the device, {want:e} on the CPU engine (largest {largest:e})"
        );
    }
}
