//! The gradient of a normalised mixture's scale.
//!
//! It is a single number: the sum, over all tokens and slots, of the logits' gradient times the logits. The terms nearly
//! cancel, up to some thousand to one. The rounding of each term then counts as often, so no order of the sum can save a
//! gradient whose terms are in single precision. The layer therefore makes a second pass in double precision, the experts
//! included, for this number alone.

use super::{SoftMoe, SoftMoeWorkspace};
use crate::{Backward, Layer, Scalar, Size, Weights};
use std::ops::Range;

/// Buffers for a pass of the layer in double precision.
#[derive(Clone, Debug)]
pub(super) struct DoublePrecision {
    /// Flat buffers as those of the network. Only this layer's ranges are used.
    parameters: Vec<f64>,
    gradient: Vec<f64>,
    noise: Vec<f64>,
    x: Vec<f64>,
    dy: Vec<f64>,
    workspace: SoftMoeWorkspace<f64>,
}

impl DoublePrecision {
    /// Buffers for inputs of shape `input`, where `layer` does not compute in double precision anyway.
    pub(super) fn beside<E: Scalar, M: Size, D: Size, N: Size, P: Size>(
        layer: &SoftMoe<M, D, N, P>,
        input: (usize, M, D),
    ) -> Option<Box<Self>> {
        if size_of::<E>() == size_of::<f64>() {
            return None;
        }
        let zeros = |len| vec![0.0; len];
        let (batch, m, d) = (input.0, input.1.size(), input.2.size());
        Some(Box::new(DoublePrecision {
            parameters: zeros(layer.own_parameters().end),
            gradient: zeros(layer.own_parameters().end),
            noise: zeros(layer.experts.own_noise().end),
            x: zeros(batch * m * d),
            dy: zeros(batch * m * d),
            workspace: layer.workspace(input),
        }))
    }

    /// The gradient of the scale, from the input and the gradient with respect to the output.
    pub(super) fn scale_gradient<E: Scalar, M: Size, D: Size, N: Size, P: Size>(
        &mut self,
        layer: &SoftMoe<M, D, N, P>,
        weights: Weights<E>,
        x: &[E],
        dy: &[E],
    ) -> f64 {
        let (own, own_noise) = (layer.own_parameters(), layer.experts.own_noise());
        widen(&mut self.parameters[own.clone()], &weights.parameters[own.clone()]);
        if let Some(noise) = weights.noise {
            widen(&mut self.noise[own_noise.clone()], &noise[own_noise]);
        }
        widen(&mut self.x, x);
        widen(&mut self.dy, dy);
        let noise = weights.noise.map(|_| &self.noise[..]);
        let weights = Weights { parameters: &self.parameters, noise };
        let (x, dy, gradient) = (&self.x, &self.dy, &mut self.gradient[..]);
        layer.forward_into(weights, x, &mut self.workspace);
        layer.backward_into(Backward { weights, x, dy, gradient, wants_dx: false }, &mut self.workspace);
        // The scale is the last of the layer's parameters.
        self.gradient[own.end - 1]
    }
}

impl<M: Size, D: Size, N: Size, P: Size> SoftMoe<M, D, N, P> {
    /// The ranges of all parameters: they were made one after another.
    fn own_parameters(&self) -> Range<usize> {
        self.phi.start..self.scale.as_ref().map_or(self.phi.end, |scale| scale.end)
    }
}

/// The values in double precision.
fn widen<E: Scalar>(wide: &mut [f64], values: &[E]) {
    wide.iter_mut().zip(values).for_each(|(wide, value)| *wide = value.to_f64());
}
