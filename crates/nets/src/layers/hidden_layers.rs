//! Hidden layers, whose number is a setting.

#[cfg(feature = "burn")]
mod device;

use crate::layers::dense::{Dense, DenseWorkspace};
use crate::layers::relu::{Relu, ReluWorkspace};
use crate::size::expect;
use crate::{Backward, Builder, Inspection, Layer, LayerDescription, Scalar, Size, Weights};

/// Hidden layers of one width: (dense, ReLU,)*. Without a layer, the output is the input.
///
/// Number and width are decided at run time, so networks that differ in them have the same type.
///
/// # Shapes
/// (batch, `I`) -> (batch, hidden width), or (batch, `I`) where there is no layer
#[derive(Clone, Debug, PartialEq)]
pub struct HiddenLayers<I> {
    inputs: I,
    layers: Vec<Dense<usize, usize>>,
}

/// Buffers of [`HiddenLayers`].
#[derive(Clone, Debug)]
pub struct HiddenLayersWorkspace<E>(Vec<(DenseWorkspace<E>, ReluWorkspace<E>)>);

impl<I: Size> HiddenLayers<I> {
    /// `count` layers of width `hidden`, with the parameters `<name>/..` (see [`Dense::new`]), `<name>_1/..`,
    /// `<name>_2/..` and so on.
    pub fn new(
        builder: &mut Builder,
        name: &str,
        inputs: I,
        hidden: usize,
        count: usize,
        noisy: bool,
    ) -> Self {
        let mut width = inputs.size();
        let layers = (0..count).map(|layer| {
            let name = if layer == 0 { name.to_owned() } else { format!("{name}_{layer}") };
            Dense::new(builder, &name, std::mem::replace(&mut width, hidden), hidden, noisy)
        });
        HiddenLayers { inputs, layers: layers.collect() }
    }

    /// The layers.
    pub fn layers(&self) -> &[Dense<usize, usize>] {
        &self.layers
    }
}

/// The output of the last of `workspaces`, or `x` where there is none.
fn last<'t, E: Scalar>(x: &'t [E], workspaces: &'t [(DenseWorkspace<E>, ReluWorkspace<E>)]) -> &'t [E] {
    workspaces.last().map_or(x, |(_, relu)| Layer::<(usize, usize)>::output(&Relu, x, relu))
}

impl<I: Size> Layer<(usize, I)> for HiddenLayers<I> {
    type Out = (usize, usize);
    type Workspace<E: Scalar> = HiddenLayersWorkspace<E>;

    fn output_shape(&self, (batch, inputs): (usize, I)) -> (usize, usize) {
        expect("hidden layers' number of inputs", Some(self.inputs.size()), Some(inputs.size()));
        self.layers.iter().fold((batch, inputs.size()), |shape, layer| layer.output_shape(shape))
    }

    fn describe(&self, (batch, inputs): (usize, I)) -> Vec<LayerDescription> {
        let mut shape = (batch, inputs.size());
        let mut rows = Vec::new();
        for layer in &self.layers {
            rows.extend(layer.describe(shape));
            shape = layer.output_shape(shape);
            rows.extend(Relu.describe(shape));
        }
        rows
    }

    fn workspace<E: Scalar>(&self, input: (usize, I)) -> HiddenLayersWorkspace<E> {
        self.output_shape(input);
        let mut shape = (input.0, input.1.size());
        let workspaces = self.layers.iter().map(|layer| {
            let dense = layer.workspace(shape);
            shape = layer.output_shape(shape);
            (dense, Relu.workspace(shape))
        });
        HiddenLayersWorkspace(workspaces.collect())
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        for (index, layer) in self.layers.iter().enumerate() {
            let (before, rest) = workspace.0.split_at_mut(index);
            let (dense, relu) = &mut rest[0];
            let hidden = layer.forward(weights, last(x, before), dense);
            Layer::<(usize, usize)>::forward_into(&Relu, weights, hidden, relu);
        }
    }

    fn output<'t, E: Scalar>(&self, x: &'t [E], workspace: &'t HiddenLayersWorkspace<E>) -> &'t [E] {
        last(x, &workspace.0)
    }

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { weights, x, dy, gradient, wants_dx } = pass;
        let (mut dy, mut workspaces) = (dy, workspace.0.as_mut_slice());
        for layer in self.layers.iter().rev() {
            let Some(((dense, relu), before)) = workspaces.split_last_mut() else { break };
            let wants = wants_dx || !before.is_empty();
            let d_hidden = Layer::<(usize, usize)>::backward(&Relu, weights, &[], dy, relu, gradient, true);
            dy = layer.backward(weights, last(x, before), d_hidden, dense, gradient, wants);
            workspaces = before;
        }
    }

    fn d_input<'t, E: Scalar>(&self, dy: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E] {
        let first = self.layers.first().zip(workspace.0.first());
        first.map_or(dy, |(layer, (dense, _))| layer.d_input(dy, dense))
    }

    fn inspect<E: Scalar>(&self, x: &[E], workspace: &HiddenLayersWorkspace<E>, inspection: &mut Inspection) {
        for (index, (layer, (dense, relu))) in self.layers.iter().zip(&workspace.0).enumerate() {
            layer.inspect(last(x, &workspace.0[..index]), dense, inspection);
            Layer::<(usize, usize)>::inspect(&Relu, &[], relu, inspection);
        }
    }
}
