//! Networks with the type of their layers erased, so that a program can train any network that a configuration names.

use crate::shapes::Shape;
use crate::{ActionLayer, Backward, Inspection, Layer, LayerDescription, NoiseList, ParameterList, Weights};
use crate::{parameters::Builder, scalar::Scalar};
use std::sync::Arc;

/// A network that maps observations to outputs, with the types of its layers erased.
pub trait Network: Send + Sync {
    /// The parameters.
    fn parameters(&self) -> &ParameterList;
    /// The noise of the noisy layers.
    fn noise(&self) -> &NoiseList;
    /// Number of values of one sample's input.
    fn input_len(&self) -> usize;
    /// Shape of one sample's output.
    fn output_shape(&self) -> Vec<usize>;
    /// The layers, in order.
    fn describe(&self) -> Vec<LayerDescription>;
    /// Buffers for batches of `batch` samples.
    fn pass(&self, batch: usize) -> Box<dyn Pass>;
}

/// A network with the buffers for one batch size.
pub trait Pass: Send {
    /// The outputs of the batch `x`; nothing is allocated.
    fn forward(&mut self, weights: Weights<'_, f32>, x: &[f32]) -> &[f32];
    /// Writes the gradient of a loss with respect to the parameters, from its gradient `dy` with respect to the
    /// outputs. The pass follows a [`forward`](Pass::forward) of the same `weights` and `x`.
    fn backward(&mut self, weights: Weights<'_, f32>, x: &[f32], dy: &[f32], gradient: &mut [f32]);
    /// The state that the last [`forward`](Pass::forward), of `x`, left.
    fn inspect(&self, x: &[f32]) -> Inspection;
}

/// A network whose outputs belong to actions: it can compute the outputs of a single action per sample.
pub trait ActionNetwork: Network {
    /// Buffers for batches of `batch` samples.
    fn action_pass(&self, batch: usize) -> Box<dyn ActionPass>;
}

/// A pass of an [`ActionNetwork`].
pub trait ActionPass: Pass {
    /// The outputs of `actions`, one per sample, for the batch `x`; nothing is allocated.
    ///
    /// # Panics
    /// If the network does not have an action.
    fn forward_of(&mut self, weights: Weights<'_, f32>, x: &[f32], actions: &[usize]) -> &[f32];
    /// As [`backward`](Pass::backward), from the gradient with respect to the outputs of
    /// [`forward_of`](Self::forward_of), which must have been the last pass, with the same `actions`.
    fn backward_of(
        &mut self,
        weights: Weights<'_, f32>,
        x: &[f32],
        dy: &[f32],
        actions: &[usize],
        gradient: &mut [f32],
    );
}

/// A network that consists of a [`Layer`], for samples of a fixed shape.
pub struct BoxedNetwork<L, S> {
    layer: Arc<L>,
    shape: S,
    parameters: ParameterList,
    noise: NoiseList,
}

impl<L, S> BoxedNetwork<L, S> {
    /// Erases the type of `layer`, whose parts were made with `builder`; `shape(batch)` is its input's.
    ///
    /// # Panics
    /// If sizes that are only known at run time do not fit.
    pub fn new<In: Shape>(builder: Builder, layer: L, shape: S) -> Self
    where
        L: Layer<In> + 'static,
        S: Fn(usize) -> In + Send + Sync,
    {
        // Compares the layers' sizes.
        layer.output_shape(shape(1));
        let (parameters, noise) = builder.finish();
        BoxedNetwork { layer: Arc::new(layer), shape, parameters, noise }
    }
}

impl<L, S, In> Network for BoxedNetwork<L, S>
where
    In: Shape,
    L: Layer<In> + 'static,
    S: Fn(usize) -> In + Send + Sync,
{
    fn parameters(&self) -> &ParameterList {
        &self.parameters
    }

    fn noise(&self) -> &NoiseList {
        &self.noise
    }

    fn input_len(&self) -> usize {
        (self.shape)(1).num_elements()
    }

    fn output_shape(&self) -> Vec<usize> {
        let shape: Vec<usize> = self.layer.output_shape((self.shape)(1)).concrete().into();
        shape[1..].to_vec()
    }

    fn describe(&self) -> Vec<LayerDescription> {
        self.layer.describe((self.shape)(1))
    }

    fn pass(&self, batch: usize) -> Box<dyn Pass> {
        let layer = Arc::clone(&self.layer);
        let workspace = layer.workspace::<f32>((self.shape)(batch));
        Box::new(LayerPass::<L, In, f32> { layer, workspace })
    }
}

impl<L, S, In> ActionNetwork for BoxedNetwork<L, S>
where
    In: Shape,
    L: ActionLayer<In> + 'static,
    S: Fn(usize) -> In + Send + Sync,
{
    fn action_pass(&self, batch: usize) -> Box<dyn ActionPass> {
        let layer = Arc::clone(&self.layer);
        let workspace = layer.workspace::<f32>((self.shape)(batch));
        Box::new(LayerPass::<L, In, f32> { layer, workspace })
    }
}

/// A layer and its buffers.
struct LayerPass<L: Layer<In>, In: Shape, E: Scalar> {
    layer: Arc<L>,
    workspace: L::Workspace<E>,
}

impl<L: Layer<In>, In: Shape> Pass for LayerPass<L, In, f32> {
    fn forward(&mut self, weights: Weights<'_, f32>, x: &[f32]) -> &[f32] {
        self.layer.forward_into(weights, x, &mut self.workspace);
        // Not borrowed from `x`: a network of reshapes alone has no output of its own.
        self.layer.output(&[], &self.workspace)
    }

    fn backward(&mut self, weights: Weights<'_, f32>, x: &[f32], dy: &[f32], gradient: &mut [f32]) {
        self.layer.backward_into(Backward { weights, x, dy, gradient, wants_dx: false }, &mut self.workspace);
    }

    fn inspect(&self, x: &[f32]) -> Inspection {
        let mut inspection = Inspection::new();
        self.layer.inspect(x, &self.workspace, &mut inspection);
        inspection
    }
}

impl<L: ActionLayer<In>, In: Shape> ActionPass for LayerPass<L, In, f32> {
    fn forward_of(&mut self, weights: Weights<'_, f32>, x: &[f32], actions: &[usize]) -> &[f32] {
        self.layer.forward_of(weights, x, actions, &mut self.workspace)
    }

    fn backward_of(
        &mut self,
        weights: Weights<'_, f32>,
        x: &[f32],
        dy: &[f32],
        actions: &[usize],
        gradient: &mut [f32],
    ) {
        let pass = Backward { weights, x, dy, gradient, wants_dx: false };
        self.layer.backward_of(pass, actions, &mut self.workspace);
    }
}
