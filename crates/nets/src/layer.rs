//! What a layer is, and how layers compose.

use crate::scalar::Scalar;
use crate::{Inspection, LayerDescription};
use dfdx::shapes::Shape;

/// What a network computes with: its parameters, and the noise of its noisy layers.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'w, E> {
    /// The flat buffer of a [`ParameterList`](crate::ParameterList).
    pub parameters: &'w [E],
    /// The flat buffer of a [`NoiseList`](crate::NoiseList), or `None` to switch the noise off.
    pub noise: Option<&'w [E]>,
}

/// A differentiable function of a batch, from a shape `In` to a shape [`Out`](Layer::Out).
///
/// Tuples of layers are layers. Buffers are the caller's: [`workspace`](Layer::workspace) makes them once for a batch
/// size, and nothing is allocated afterwards. A network holds no values itself, so that one network serves
/// online and target weights, and any number of threads.
#[diagnostic::on_unimplemented(
    message = "the layer `{Self}` does not take the shape `{In}`",
    label = "this layer's input and the output of the layer before it differ",
    note = "shapes are (batch, then the sizes of one sample); see the implementations of `Layer` listed here for \
            the sizes that the layer takes",
    note = "a size that the compiler knows, `Const<64>`, is not the same as one that is decided at run time, `usize`: \
            make both layers with the same of the two"
)]
pub trait Layer<In: Shape>: Send + Sync {
    /// Shape of the output.
    type Out: Shape;
    /// Output, intermediate values and input gradient of a batch.
    type Workspace<E: Scalar>: Send;

    /// Shape of the output for an input of shape `input`.
    ///
    /// # Panics
    /// If sizes that are only known at run time do not fit.
    fn output_shape(&self, input: In) -> Self::Out;

    /// What the layer computes for an input of shape `input`: one row, or one a part.
    ///
    /// # Panics
    /// As [`output_shape`](Layer::output_shape).
    fn describe(&self, input: In) -> Vec<LayerDescription>;

    /// Buffers for an input of shape `input`.
    ///
    /// # Panics
    /// As [`output_shape`](Layer::output_shape).
    fn workspace<E: Scalar>(&self, input: In) -> Self::Workspace<E>;

    /// Computes the output of `x`, which lies in `workspace` (or in `x`, if the layer only names a new shape).
    ///
    /// # Shapes
    /// `x`: `In` -> [`Out`](Layer::Out), both row-major.
    fn forward<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &'t [E],
        workspace: &'t mut Self::Workspace<E>,
    ) -> &'t [E];

    /// The output that the last [`forward`](Layer::forward) left.
    fn output<'t, E: Scalar>(&self, x: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E];

    /// Computes the gradient of a loss from its gradient `dy` with respect to the output.
    ///
    /// Must follow a [`forward`](Layer::forward) of the same `weights` and `x`. Writes (does not add) the
    /// ranges of this layer's parameters in `gradient`, and returns the gradient with respect to `x`; if
    /// `wants_dx` is false that may be left out, and what is returned means nothing.
    ///
    /// # Shapes
    /// `dy`: [`Out`](Layer::Out) -> `In`; `gradient`: as `weights.parameters`.
    fn backward<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &[E],
        dy: &'t [E],
        workspace: &'t mut Self::Workspace<E>,
        gradient: &mut [E],
        wants_dx: bool,
    ) -> &'t [E];

    /// Shows what the last [`forward`](Layer::forward) of `x` left. A layer that does not say how hides what came
    /// before it.
    fn inspect<E: Scalar>(&self, x: &[E], workspace: &Self::Workspace<E>, inspection: &mut Inspection) {
        let _ = (x, workspace);
        inspection.lose();
    }
}

/// A layer whose outputs belong to actions, and that can compute those of one action a sample without the others'.
///
/// A pair of a layer and such a head is one too.
pub trait ActionLayer<In: Shape>: Layer<In> {
    /// Computes the outputs of `actions`, one a sample.
    ///
    /// # Shapes
    /// `x`: `In` -> (batch, values of an action)
    ///
    /// # Panics
    /// If an action is not one of the layer's.
    fn forward_of<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &[E],
        actions: &[usize],
        workspace: &'t mut Self::Workspace<E>,
    ) -> &'t [E];

    /// As [`backward`](Layer::backward), from the gradient with respect to the outputs of
    /// [`forward_of`](Self::forward_of), which must have been the last with the same `actions`.
    ///
    /// # Shapes
    /// `dy`: (batch, values of an action) -> `In`
    fn backward_of<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &[E],
        dy: &[E],
        actions: &[usize],
        workspace: &'t mut Self::Workspace<E>,
        gradient: &mut [E],
    ) -> &'t [E];
}

impl<In: Shape, L: Layer<In>, H: ActionLayer<L::Out>> ActionLayer<In> for (L, H) {
    fn forward_of<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &[E],
        actions: &[usize],
        workspace: &'t mut Self::Workspace<E>,
    ) -> &'t [E] {
        let features = self.0.forward(weights, x, &mut workspace.0);
        self.1.forward_of(weights, features, actions, &mut workspace.1)
    }

    fn backward_of<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &[E],
        dy: &[E],
        actions: &[usize],
        workspace: &'t mut Self::Workspace<E>,
        gradient: &mut [E],
    ) -> &'t [E] {
        let features = self.0.output(x, &workspace.0);
        let d_features = self.1.backward_of(weights, features, dy, actions, &mut workspace.1, gradient);
        self.0.backward(weights, x, d_features, &mut workspace.0, gradient, false)
    }
}

/// Implements [`Layer`] for a tuple of layers, each taking the output of the one before it.
///
/// The first rules collect, layer by layer, the bound `B: Layer<A::Out>`, the type of its workspace, and the layers
/// in reverse order (for the backward pass); the last writes the implementation.
macro_rules! tuple_of_layers {
    ($($layer:ident $x:ident $index:tt),+) => {
        tuple_of_layers!(@next [In] [] [] [] [$($layer $x $index),+] $($layer $x $index),+);
    };
    (@next [$in:ty] [$($bounds:tt)*] [$($workspaces:tt)*] [$($reversed:tt)*] [$($all:tt)*]
        $layer:ident $x:ident $index:tt $(, $($rest:tt)+)?) => {
        tuple_of_layers!(@next [<$layer as Layer<$in>>::Out] [$($bounds)* $layer: Layer<$in>,]
            [$($workspaces)* <$layer as Layer<$in>>::Workspace<E>,] [$x $index, $($reversed)*] [$($all)*] $($($rest)+)?);
    };
    (@next [$out:ty] [$($bounds:tt)*] [$($workspaces:tt)*] [$($reversed_x:ident $reversed:tt,)*]
        [$($layer:ident $x:ident $index:tt),*]) => {
        impl<In: Shape, $($layer),*> Layer<In> for ($($layer,)*)
        where
            $($bounds)*
        {
            type Out = $out;
            type Workspace<E: Scalar> = ($($workspaces)*);

            fn output_shape(&self, input: In) -> Self::Out {
                $(let input = self.$index.output_shape(input);)*
                input
            }

            fn describe(&self, input: In) -> Vec<LayerDescription> {
                let mut rows = Vec::new();
                $(
                    rows.extend(self.$index.describe(input));
                    let input = self.$index.output_shape(input);
                )*
                let _ = input;
                rows
            }

            fn workspace<E: Scalar>(&self, input: In) -> Self::Workspace<E> {
                $(
                    let $x = self.$index.workspace(input);
                    let input = self.$index.output_shape(input);
                )*
                let _ = input;
                ($($x,)*)
            }

            fn forward<'t, E: Scalar>(
                &self,
                weights: Weights<'_, E>,
                x: &'t [E],
                workspace: &'t mut Self::Workspace<E>,
            ) -> &'t [E] {
                $(let x = self.$index.forward(weights, x, &mut workspace.$index);)*
                x
            }

            fn output<'t, E: Scalar>(&self, x: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E] {
                $(let x = self.$index.output(x, &workspace.$index);)*
                x
            }

            fn backward<'t, E: Scalar>(
                &self,
                weights: Weights<'_, E>,
                x: &[E],
                dy: &'t [E],
                workspace: &'t mut Self::Workspace<E>,
                gradient: &mut [E],
                wants_dx: bool,
            ) -> &'t [E] {
                $(
                    let $x = x;
                    let x = self.$index.output(x, &workspace.$index);
                )*
                let _ = x;
                $(
                    let wants = wants_dx || $reversed != 0;
                    let dy = self.$reversed
                        .backward(weights, $reversed_x, dy, &mut workspace.$reversed, gradient, wants);
                )*
                dy
            }

            fn inspect<E: Scalar>(&self, x: &[E], workspace: &Self::Workspace<E>, inspection: &mut Inspection) {
                $(
                    self.$index.inspect(x, &workspace.$index, inspection);
                    let x = self.$index.output(x, &workspace.$index);
                )*
                let _ = x;
            }
        }
    };
}

tuple_of_layers!(A a 0, B b 1);
tuple_of_layers!(A a 0, B b 1, C c 2);
tuple_of_layers!(A a 0, B b 1, C c 2, D d 3);
tuple_of_layers!(A a 0, B b 1, C c 2, D d 3, F f 4);
tuple_of_layers!(A a 0, B b 1, C c 2, D d 3, F f 4, G g 5);
tuple_of_layers!(A a 0, B b 1, C c 2, D d 3, F f 4, G g 5, H h 6);
tuple_of_layers!(A a 0, B b 1, C c 2, D d 3, F f 4, G g 5, H h 6, I i 7);
