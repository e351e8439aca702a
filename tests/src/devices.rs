//! Results of the device engine, for the parity tests (feature `flex`).

#[cfg(feature = "burn")]
use softmoe_nets::device::{DeviceLayer, DeviceShape};
use softmoe_nets::shapes::Shape;
use softmoe_nets::{Layer, ParameterList, Weights};

/// A shape of every engine of this build.
#[cfg(not(feature = "burn"))]
pub trait EngineShape: Shape {}
#[cfg(not(feature = "burn"))]
impl<S: Shape> EngineShape for S {}

/// A layer of every engine of this build.
#[cfg(not(feature = "burn"))]
pub trait EngineLayer<In: EngineShape>: Layer<In> + 'static {}
#[cfg(not(feature = "burn"))]
impl<In: EngineShape, L: Layer<In> + 'static> EngineLayer<In> for L {}

/// A shape of every engine of this build.
#[cfg(feature = "burn")]
pub trait EngineShape: Shape + DeviceShape {}
#[cfg(feature = "burn")]
impl<S: Shape + DeviceShape> EngineShape for S {}

/// A layer of every engine of this build.
#[cfg(feature = "burn")]
pub trait EngineLayer<In: EngineShape>:
    Layer<In> + DeviceLayer<In, Out = <Self as Layer<In>>::Out> + 'static
{
}
#[cfg(feature = "burn")]
impl<In, L> EngineLayer<In> for L
where
    In: EngineShape,
    L: Layer<In> + DeviceLayer<In, Out = <L as Layer<In>>::Out> + 'static,
{
}

/// A layer's results for a batch: outputs, and gradients of the sum of outputs times a cotangent.
#[derive(Clone, Debug)]
pub struct Computed {
    /// Outputs.
    pub output: Vec<f32>,
    /// The sum of outputs times the cotangent, and the layer's own losses; zero without a cotangent.
    pub loss: f32,
    /// With respect to the parameters; empty without a cotangent.
    pub gradient: Vec<f32>,
    /// With respect to the input; empty without a cotangent.
    pub d_input: Vec<f32>,
}

/// Computes the layer on each device of this build, for the batch `x` of shape `input`, and calls `check` with the results. The
/// default build has no device.
///
/// # Panics
/// As `check`.
#[cfg_attr(not(feature = "flex"), allow(unused_variables, unused_mut, reason = "there is no device"))]
pub fn on_devices<In: EngineShape, L: EngineLayer<In>>(
    layer: &L,
    list: &ParameterList,
    input: In,
    weights: Weights<'_, f32>,
    x: &[f32],
    cotangent: Option<&[f32]>,
    mut check: impl FnMut(&Computed),
) {
    #[cfg(feature = "flex")]
    {
        use softmoe_nets::device::{Flex, FlexDevice};
        check(&burn::compute::<Flex, In, L>(layer, list, input, weights, (x, cotangent), &FlexDevice));
    }
}

#[cfg(feature = "burn")]
mod burn {
    use super::Computed;
    use burn_tensor::Tensor;
    use burn_tensor::backend::Backend;
    use softmoe_nets::device::{Autodiff, DeviceLayer, DeviceShape, DeviceWeights, from_values, to_values};
    use softmoe_nets::{ParameterList, Weights};

    pub(super) fn compute<B: Backend, In: DeviceShape, L: DeviceLayer<In>>(
        layer: &L,
        list: &ParameterList,
        input: In,
        weights: Weights<'_, f32>,
        (x, cotangent): (&[f32], Option<&[f32]>),
        device: &B::Device,
    ) -> Computed {
        let batch = input.concrete()[0];
        let flat = |values: &[f32]| from_values::<B, 1>(values, [values.len()], device);
        let rows = |values: &[f32]| from_values::<B, 2>(values, [batch, values.len() / batch], device);
        let noise = weights.noise.filter(|noise| !noise.is_empty());
        let tracked = DeviceWeights::<Autodiff<B>>::tracked(list, &flat(weights.parameters))
            .with_noise(noise.map(|noise| Tensor::from_inner(flat(noise))));
        let x = Tensor::from_inner(rows(x)).require_grad();
        let output = layer.forward_on(&tracked, input.of_rows::<Autodiff<B>>(x.clone()));
        let output = L::Out::into_rows(output);
        let mut computed = Computed {
            output: to_values(output.clone().inner()),
            gradient: vec![],
            loss: 0.0,
            d_input: vec![],
        };
        if let Some(cotangent) = cotangent {
            let loss = (output * Tensor::from_inner(rows(cotangent))).sum();
            let loss = tracked.with_added_losses(loss);
            computed.loss = to_values(loss.clone().inner())[0];
            let mut gradients = loss.backward();
            let d_input = x.grad(&gradients).expect("the input is tracked");
            computed.d_input = to_values(d_input);
            if !list.is_empty() {
                computed.gradient = to_values(tracked.gradient(&mut gradients));
            }
        }
        computed
    }
}
