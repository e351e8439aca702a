//! The rectifier.

#[cfg(feature = "burn")]
mod device;

use crate::kernels;
use crate::{Inspection, Layer, LayerDescription, Scalar, Weights};
use dfdx::shapes::Shape;

/// y = max(x, 0), element by element, on any shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relu;

/// Buffers of a [`Relu`].
#[derive(Clone, Debug)]
pub struct ReluTape<E> {
    y: Vec<E>,
    dx: Vec<E>,
}

impl<S: Shape> Layer<S> for Relu {
    type Out = S;
    type Tape<E: Scalar> = ReluTape<E>;

    fn output_shape(&self, input: S) -> S {
        input
    }

    fn describe(&self, input: S) -> Vec<LayerDescription> {
        vec![LayerDescription::new("ReLU", input)]
    }

    fn tape<E: Scalar>(&self, input: S) -> ReluTape<E> {
        let len = input.num_elements();
        ReluTape { y: vec![E::ZERO; len], dx: vec![E::ZERO; len] }
    }

    fn forward<'t, E: Scalar>(&self, _: Weights<'_, E>, x: &'t [E], tape: &'t mut ReluTape<E>) -> &'t [E] {
        kernels::relu(&mut tape.y, x);
        &tape.y
    }

    fn output<'t, E: Scalar>(&self, _: &'t [E], tape: &'t ReluTape<E>) -> &'t [E] {
        &tape.y
    }

    fn backward<'t, E: Scalar>(
        &self,
        _: Weights<'_, E>,
        _: &[E],
        dy: &'t [E],
        tape: &'t mut ReluTape<E>,
        _: &mut [E],
        _: bool,
    ) -> &'t [E] {
        kernels::relu_backward(&mut tape.dx, dy, &tape.y);
        &tape.dx
    }

    fn inspect<E: Scalar>(&self, _: &[E], tape: &ReluTape<E>, inspection: &mut Inspection) {
        inspection.rectified(&tape.y);
    }
}
