//! The head of an agent that learns mean returns: one value for each action.

#[cfg(feature = "burn")]
mod device;

use crate::layers::head::{CategoricalHead, CategoricalHeadWorkspace};
use crate::shapes::Const;
use crate::{ActionLayer, Backward, Builder, Inspection, Layer, LayerDescription, Scalar, Size, Weights};

/// Action values Q (Mnih et al. 2015), dueling (Wang et al. 2016, arXiv 1511.06581, equation 9) or not: what a
/// [`CategoricalHead`] of one atom computes.
///
/// Dueling: Q_a = value + advantage_a - mean over actions of the advantages.
///
/// # Shapes
/// (batch, `F`) -> (batch, actions)
#[derive(Clone, Debug)]
pub struct QHead<F> {
    head: CategoricalHead<F, Const<1>>,
    dueling: bool,
}

impl<F: Size> QHead<F> {
    /// A dueling head, as `<name>/advantage/..` and `<name>/value/..`.
    pub fn dueling(builder: &mut Builder, name: &str, features: F, actions: usize, noisy: bool) -> Self {
        let head = CategoricalHead::dueling(builder, name, features, actions, Const, noisy);
        QHead { head, dueling: true }
    }

    /// A head of one dense layer, as `<name>/..`.
    pub fn plain(builder: &mut Builder, name: &str, features: F, actions: usize, noisy: bool) -> Self {
        let head = CategoricalHead::plain(builder, name, features, actions, Const, noisy);
        QHead { head, dueling: false }
    }
}

impl<F: Size> Layer<(usize, F)> for QHead<F> {
    type Out = (usize, usize);
    type Workspace<E: Scalar> = CategoricalHeadWorkspace<E>;

    fn output_shape(&self, input: (usize, F)) -> Self::Out {
        let (batch, actions, Const) = self.head.output_shape(input);
        (batch, actions)
    }

    fn describe(&self, input: (usize, F)) -> Vec<LayerDescription> {
        let name = if self.dueling { "dueling Q head" } else { "Q head" };
        let [head] = &self.head.describe(input)[..] else { unreachable!("one head") };
        let row = LayerDescription::new(name, self.output_shape(input));
        vec![row.of(head.parameters, head.multiply_adds)]
    }

    fn workspace<E: Scalar>(&self, input: (usize, F)) -> CategoricalHeadWorkspace<E> {
        self.head.workspace(input)
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        self.head.forward_into(weights, x, workspace);
    }

    fn output<'t, E: Scalar>(&self, x: &'t [E], workspace: &'t CategoricalHeadWorkspace<E>) -> &'t [E] {
        self.head.output(x, workspace)
    }

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        self.head.backward_into(pass, workspace);
    }

    fn d_input<'t, E: Scalar>(&self, dy: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E] {
        self.head.d_input(dy, workspace)
    }

    fn inspect<E: Scalar>(
        &self,
        x: &[E],
        workspace: &CategoricalHeadWorkspace<E>,
        inspection: &mut Inspection,
    ) {
        self.head.inspect(x, workspace, inspection);
    }
}

impl<F: Size> ActionLayer<(usize, F)> for QHead<F> {
    fn forward_of<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &[E],
        actions: &[usize],
        workspace: &'t mut CategoricalHeadWorkspace<E>,
    ) -> &'t [E] {
        self.head.forward_of(weights, x, actions, workspace)
    }

    fn backward_of<'t, E: Scalar>(
        &self,
        pass: Backward<E>,
        actions: &[usize],
        workspace: &'t mut CategoricalHeadWorkspace<E>,
    ) -> &'t [E] {
        self.head.backward_of(pass, actions, workspace)
    }
}
