//! The gradient of a normalised mixture's scale.
//!
//! It is a single number: the sum, over all tokens and slots, of the logits' gradient times the logits. The terms nearly
//! cancel, up to some thousand to one. The rounding of each term then counts as often, so no order of the sum can save a
//! gradient whose terms are in single precision. The layer therefore makes a second pass in double precision, the experts
//! included, for this number alone.

use super::{SoftMoe, SoftMoeWorkspace};
use crate::{Backward, Layer, Scalar, Size, Weights};
use std::ops::Range;

/// The layer in double precision, with buffers for a pass.
///
/// Its sizes are decided at run time, so that the compiler makes the double-precision pass once, and not again for each
/// mixture of other sizes.
#[derive(Clone, Debug)]
pub(super) struct DoublePrecision {
    layer: SoftMoe<usize, usize, usize, usize>,
    /// Flat buffers, laid out as the network's. Only this layer's ranges are used.
    parameters: Vec<f64>,
    gradient: Vec<f64>,
    noise: Vec<f64>,
    x: Vec<f64>,
    dy: Vec<f64>,
    workspace: SoftMoeWorkspace<f64>,
}

impl DoublePrecision {
    /// Buffers for batches of `batch` samples, where `layer` does not compute in double precision anyway.
    pub(super) fn beside<E: Scalar, M: Size, D: Size, N: Size, P: Size>(
        layer: &SoftMoe<M, D, N, P>,
        batch: usize,
    ) -> Option<Box<Self>> {
        let is_double = size_of::<E>() == size_of::<f64>();
        (!is_double).then(|| Box::new(Self::new(layer.with_run_time_sizes(), batch)))
    }

    fn new(layer: SoftMoe<usize, usize, usize, usize>, batch: usize) -> Self {
        let (m, d, ..) = layer.sizes;
        let zeros = |len| vec![0.0; len];
        DoublePrecision {
            parameters: zeros(layer.own_parameters().end),
            gradient: zeros(layer.own_parameters().end),
            noise: zeros(layer.experts.own_noise().end),
            x: zeros(batch * m * d),
            dy: zeros(batch * m * d),
            workspace: layer.workspace((batch, m, d)),
            layer,
        }
    }

    /// The gradient of the scale, from the input and the gradient with respect to the output.
    pub(super) fn scale_gradient<E: Scalar>(&mut self, weights: Weights<E>, x: &[E], dy: &[E]) -> f64 {
        let (own, own_noise) = (self.layer.own_parameters(), self.layer.experts.own_noise());
        widen(&mut self.parameters[own.clone()], &weights.parameters[own]);
        if let Some(noise) = weights.noise {
            widen(&mut self.noise[own_noise.clone()], &noise[own_noise]);
        }
        widen(&mut self.x, x);
        widen(&mut self.dy, dy);
        self.pass(weights.noise.is_some())
    }

    fn pass(&mut self, with_noise: bool) -> f64 {
        let weights = Weights { parameters: &self.parameters, noise: with_noise.then_some(&self.noise[..]) };
        let (x, dy, gradient) = (&self.x, &self.dy, &mut self.gradient[..]);
        self.layer.forward_into(weights, x, &mut self.workspace);
        self.layer.backward_into(Backward { weights, x, dy, gradient, wants_dx: false }, &mut self.workspace);
        // The scale is the last of the layer's parameters.
        self.gradient[self.layer.own_parameters().end - 1]
    }
}

impl<M: Size, D: Size, N: Size, P: Size> SoftMoe<M, D, N, P> {
    /// The ranges of all parameters: they were made one after another.
    fn own_parameters(&self) -> Range<usize> {
        self.phi.start..self.scale.as_ref().map_or(self.phi.end, |scale| scale.end)
    }

    fn with_run_time_sizes(&self) -> SoftMoe<usize, usize, usize, usize> {
        SoftMoe {
            sizes: self.sizes(),
            phi: self.phi.clone(),
            scale: self.scale.clone(),
            phi_is_fixed: self.phi_is_fixed,
            uniform: self.uniform,
            experts: self.experts.with_run_time_sizes(),
        }
    }
}

/// The values in double precision.
fn widen<E: Scalar>(wide: &mut [f64], values: &[E]) {
    wide.iter_mut().zip(values).for_each(|(wide, value)| *wide = value.to_f64());
}
