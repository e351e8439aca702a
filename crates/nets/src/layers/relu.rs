//! The rectifier.

#[cfg(feature = "burn")]
mod device;

use crate::kernels;
use crate::layer::y_and_dx;
use crate::shapes::Shape;
use crate::{Backward, Inspection, Layer, LayerDescription, Scalar, Weights};

/// Rectified linear unit: y = max(x, 0), elementwise, on any shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relu;

/// Buffers of a [`Relu`].
#[derive(Clone, Debug)]
pub struct ReluWorkspace<E> {
    y: Vec<E>,
    dx: Vec<E>,
}

impl<S: Shape> Layer<S> for Relu {
    type Out = S;
    type Workspace<E: Scalar> = ReluWorkspace<E>;

    fn output_shape(&self, input: S) -> S {
        input
    }

    fn describe(&self, input: S) -> Vec<LayerDescription> {
        vec![LayerDescription::new("ReLU", input)]
    }

    fn workspace<E: Scalar>(&self, input: S) -> ReluWorkspace<E> {
        let len = input.num_elements();
        ReluWorkspace { y: vec![E::ZERO; len], dx: vec![E::ZERO; len] }
    }

    fn forward_into<E: Scalar>(&self, _: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        kernels::relu(&mut workspace.y, x);
    }

    y_and_dx!();

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { dy, .. } = pass;
        kernels::relu_backward(&mut workspace.dx, dy, &workspace.y);
    }

    fn inspect<E: Scalar>(&self, _: &[E], workspace: &ReluWorkspace<E>, inspection: &mut Inspection) {
        inspection.rectified(&workspace.y);
    }
}
