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

    fn forward<'t, E: Scalar>(
        &self,
        _: Weights<'_, E>,
        x: &'t [E],
        workspace: &'t mut ReluWorkspace<E>,
    ) -> &'t [E] {
        kernels::relu(&mut workspace.y, x);
        &workspace.y
    }

    fn output<'t, E: Scalar>(&self, _: &'t [E], workspace: &'t ReluWorkspace<E>) -> &'t [E] {
        &workspace.y
    }

    fn backward<'t, E: Scalar>(
        &self,
        _: Weights<'_, E>,
        _: &[E],
        dy: &'t [E],
        workspace: &'t mut ReluWorkspace<E>,
        _: &mut [E],
        _: bool,
    ) -> &'t [E] {
        kernels::relu_backward(&mut workspace.dx, dy, &workspace.y);
        &workspace.dx
    }

    fn inspect<E: Scalar>(&self, _: &[E], workspace: &ReluWorkspace<E>, inspection: &mut Inspection) {
        inspection.rectified(&workspace.y);
    }
}
