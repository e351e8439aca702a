//! Layers, and tuples of layers.

use crate::scalar::Scalar;
use crate::shapes::Shape;
use crate::{Inspection, LayerDescription};

/// The weights of a network: its parameters, and the noise of its noisy layers.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'w, E> {
    /// The flat buffer of a [`ParameterList`](crate::ParameterList).
    pub parameters: &'w [E],
    /// The flat buffer of a [`NoiseList`](crate::NoiseList), or `None` to switch the noise off.
    pub noise: Option<&'w [E]>,
}

/// The arguments of a layer's backward pass.
#[derive(Debug)]
pub struct Backward<'a, E> {
    /// The weights of the forward pass.
    pub weights: Weights<'a, E>,
    /// The input of the forward pass.
    pub x: &'a [E],
    /// The gradient of the loss with respect to the layer's output.
    pub dy: &'a [E],
    /// The gradient of the loss with respect to the parameters, laid out as `weights.parameters`.
    pub gradient: &'a mut [E],
    /// Whether the gradient with respect to `x` is wanted; a layer may save the work otherwise.
    pub wants_dx: bool,
}

/// A differentiable function of a batch, from a shape `In` to a shape [`Out`](Layer::Out).
///
/// A tuple of layers is a layer. The caller owns all buffers: [`workspace`](Layer::workspace) makes them once for a
/// batch size, and no pass allocates anything. A layer holds no values itself, so that one network serves online and
/// target weights, and any number of threads.
///
/// An implementation writes [`forward_into`](Layer::forward_into) and [`backward_into`](Layer::backward_into), which
/// leave their results in the workspace. A caller uses [`forward`](Layer::forward) and [`backward`](Layer::backward),
/// which return these results.
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

    /// Rows that describe the layer for an input of shape `input`: one for each part of it.
    ///
    /// # Panics
    /// As [`output_shape`](Layer::output_shape).
    fn describe(&self, input: In) -> Vec<LayerDescription>;

    /// Buffers for an input of shape `input`.
    ///
    /// # Panics
    /// As [`output_shape`](Layer::output_shape).
    fn workspace<E: Scalar>(&self, input: In) -> Self::Workspace<E>;

    /// Computes the output of `x` and leaves it in `workspace`. A layer that only names a new shape has nothing to do.
    ///
    /// # Shapes
    /// `x`: `In`, row-major
    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>);

    /// The output that the last forward pass, of `x`, left.
    ///
    /// # Shapes
    /// [`Out`](Layer::Out), row-major
    fn output<'t, E: Scalar>(&self, x: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E];

    /// Computes the gradients of a loss with respect to this layer's parameters, in `pass.gradient`, and with respect
    /// to its input, in `workspace`.
    ///
    /// The pass follows a forward pass of the same weights and input. It writes (does not add) the ranges of this
    /// layer's parameters in `pass.gradient`.
    ///
    /// # Shapes
    /// `pass.x`: `In`; `pass.dy`: [`Out`](Layer::Out)
    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>);

    /// The gradient with respect to the input that the last backward pass, from `dy`, left. Without
    /// [`wants_dx`](Backward::wants_dx) it means nothing.
    ///
    /// # Shapes
    /// `In`, row-major
    fn d_input<'t, E: Scalar>(&self, dy: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E];

    /// The output for `x`: [`forward_into`](Layer::forward_into), then [`output`](Layer::output).
    ///
    /// # Shapes
    /// `x`: `In` -> [`Out`](Layer::Out), both row-major
    fn forward<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &'t [E],
        workspace: &'t mut Self::Workspace<E>,
    ) -> &'t [E] {
        self.forward_into(weights, x, workspace);
        self.output(x, workspace)
    }

    /// The gradient with respect to `x`: [`backward_into`](Layer::backward_into), then [`d_input`](Layer::d_input).
    ///
    /// # Shapes
    /// `dy`: [`Out`](Layer::Out) -> `In`; `gradient`: as `weights.parameters`
    fn backward<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &[E],
        dy: &'t [E],
        workspace: &'t mut Self::Workspace<E>,
        gradient: &mut [E],
        wants_dx: bool,
    ) -> &'t [E] {
        self.backward_into(Backward { weights, x, dy, gradient, wants_dx }, workspace);
        self.d_input(dy, workspace)
    }

    /// Shows the state that the last forward pass, of `x`, left. A layer that shows nothing hides the layers before it.
    fn inspect<E: Scalar>(&self, x: &[E], workspace: &Self::Workspace<E>, inspection: &mut Inspection) {
        let _ = (x, workspace);
        inspection.lose();
    }
}

/// [`Layer::output`] and [`Layer::d_input`] of a layer whose workspace has them as its fields `y` and `dx`.
macro_rules! y_and_dx {
    () => {
        fn output<'t, E: Scalar>(&self, _: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E] {
            &workspace.y
        }

        fn d_input<'t, E: Scalar>(&self, _: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E] {
            &workspace.dx
        }
    };
}
pub(crate) use y_and_dx;

/// A layer whose outputs belong to actions: it can compute the outputs of a single action per sample.
///
/// A pair of a layer and such a head is one too.
pub trait ActionLayer<In: Shape>: Layer<In> {
    /// Computes the outputs of `actions`, one per sample.
    ///
    /// # Shapes
    /// `x`: `In` -> (batch, values of an action)
    ///
    /// # Panics
    /// If the layer does not have an action.
    fn forward_of<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &[E],
        actions: &[usize],
        workspace: &'t mut Self::Workspace<E>,
    ) -> &'t [E];

    /// As [`backward`](Layer::backward), from the gradient with respect to the outputs of
    /// [`forward_of`](Self::forward_of), which must have been the last pass, of the same `actions`.
    ///
    /// # Shapes
    /// `pass.dy`: (batch, values of an action) -> `In`
    fn backward_of<'t, E: Scalar>(
        &self,
        pass: Backward<E>,
        actions: &[usize],
        workspace: &'t mut Self::Workspace<E>,
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
        pass: Backward<E>,
        actions: &[usize],
        workspace: &'t mut Self::Workspace<E>,
    ) -> &'t [E] {
        let Backward { weights, x, dy, gradient, wants_dx } = pass;
        let features = self.0.output(x, &workspace.0);
        let of_head = Backward { weights, x: features, dy, gradient: &mut *gradient, wants_dx: true };
        let d_features = self.1.backward_of(of_head, actions, &mut workspace.1);
        self.0.backward(weights, x, d_features, &mut workspace.0, gradient, wants_dx)
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

            fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
                $(let x = self.$index.forward(weights, x, &mut workspace.$index);)*
                let _ = x;
            }

            fn output<'t, E: Scalar>(&self, x: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E] {
                $(let x = self.$index.output(x, &workspace.$index);)*
                x
            }

            fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
                let Backward { weights, x, dy, gradient, wants_dx } = pass;
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
                let _ = dy;
            }

            fn d_input<'t, E: Scalar>(&self, dy: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E] {
                $(let dy = self.$reversed.d_input(dy, &workspace.$reversed);)*
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
