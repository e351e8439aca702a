//! Residual blocks.

#[cfg(feature = "burn")]
mod device;

use crate::kernels;
use crate::layer::y_and_dx;
use crate::shapes::Shape;
use crate::{Backward, Inspection, Layer, LayerDescription, Scalar, Weights};

/// A residual block, y = x + f(x), for a layer f whose output has the shape of its input (He et al. 2016, arXiv
/// 1512.03385).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Residual<L>(
    /// f.
    pub L,
);

/// Buffers of a [`Residual`]: the buffers of its layer, the sum, and the gradient with respect to the input.
#[derive(Clone, Debug)]
pub struct ResidualWorkspace<T, E> {
    layer: T,
    y: Vec<E>,
    dx: Vec<E>,
}

impl<S: Shape, L: Layer<S, Out = S>> Layer<S> for Residual<L> {
    type Out = S;
    type Workspace<E: Scalar> = ResidualWorkspace<L::Workspace<E>, E>;

    fn output_shape(&self, input: S) -> S {
        let output = self.0.output_shape(input);
        assert_eq!(output, input, "a residual block's layer should keep the shape of its input");
        output
    }

    fn describe(&self, input: S) -> Vec<LayerDescription> {
        let mut rows = self.0.describe(input);
        rows.push(LayerDescription::new("plus the block's input", self.output_shape(input)));
        rows
    }

    fn workspace<E: Scalar>(&self, input: S) -> Self::Workspace<E> {
        let len = self.output_shape(input).num_elements();
        ResidualWorkspace { layer: self.0.workspace(input), y: vec![E::ZERO; len], dx: vec![E::ZERO; len] }
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        kernels::sum(&mut workspace.y, x, self.0.forward(weights, x, &mut workspace.layer));
    }

    y_and_dx!();

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { weights, x, dy, gradient, wants_dx } = pass;
        let dx = self.0.backward(weights, x, dy, &mut workspace.layer, gradient, wants_dx);
        if wants_dx {
            kernels::sum(&mut workspace.dx, dy, dx);
        }
    }

    fn inspect<E: Scalar>(&self, x: &[E], workspace: &Self::Workspace<E>, inspection: &mut Inspection) {
        inspection.lose();
        self.0.inspect(x, &workspace.layer, inspection);
        inspection.lose();
    }
}
