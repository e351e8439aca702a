//! The head of a distributional agent: logits of the return's atoms, for each action.

mod chosen;
#[cfg(feature = "burn")]
mod device;

use crate::inspection::{Features, doubles};
use crate::layers::dense::{Dense, DenseWorkspace};
use crate::{Backward, Builder, Inspection, Layer, LayerDescription, Scalar, Size, Weights};

/// Logits of a categorical return distribution (Bellemare et al. 2017, arXiv 1707.06887), dueling (Wang et al.
/// 2016, arXiv 1511.06581) or not.
///
/// Dueling: logits_az = value_z + advantage_az - mean over actions of advantage_z, atom by atom.
///
/// # Shapes
/// (batch, `F`) -> (batch, actions, `Z`)
#[derive(Clone, Debug)]
pub struct CategoricalHead<F, Z> {
    actions: usize,
    atoms: Z,
    advantage: Dense<F, usize>,
    value: Option<Dense<F, Z>>,
}

/// Buffers of a [`CategoricalHead`].
#[derive(Clone, Debug)]
pub struct CategoricalHeadWorkspace<E> {
    advantage: DenseWorkspace<E>,
    value: Option<DenseWorkspace<E>>,
    y: Vec<E>,
    dx: Vec<E>,
    d_advantage: Vec<E>,
    d_value: Vec<E>,
    chosen: chosen::Chosen<E>,
}

impl<F: Size, Z: Size> CategoricalHead<F, Z> {
    /// A dueling head, as `<name>/advantage/..` and `<name>/value/..`.
    pub fn dueling(
        builder: &mut Builder,
        name: &str,
        features: F,
        actions: usize,
        atoms: Z,
        noisy: bool,
    ) -> Self {
        let outputs = actions * atoms.size();
        CategoricalHead {
            actions,
            atoms,
            advantage: Dense::new(builder, &format!("{name}/advantage"), features, outputs, noisy),
            value: Some(Dense::new(builder, &format!("{name}/value"), features, atoms, noisy)),
        }
    }

    /// A head of one dense layer, as `<name>/..`.
    pub fn plain(
        builder: &mut Builder,
        name: &str,
        features: F,
        actions: usize,
        atoms: Z,
        noisy: bool,
    ) -> Self {
        let outputs = actions * atoms.size();
        let advantage = Dense::new(builder, name, features, outputs, noisy);
        CategoricalHead { actions, atoms, advantage, value: None }
    }
}

impl<F: Size, Z: Size> Layer<(usize, F)> for CategoricalHead<F, Z> {
    type Out = (usize, usize, Z);
    type Workspace<E: Scalar> = CategoricalHeadWorkspace<E>;

    fn output_shape(&self, input: (usize, F)) -> Self::Out {
        let (batch, _) = self.advantage.output_shape(input);
        (batch, self.actions, self.atoms)
    }

    fn describe(&self, input: (usize, F)) -> Vec<LayerDescription> {
        let [advantage] = &self.advantage.describe(input)[..] else { unreachable!("one dense layer") };
        let Some(value) = &self.value else {
            let row = LayerDescription::new("categorical head", self.output_shape(input));
            return vec![row.of(advantage.parameters, advantage.multiply_adds)];
        };
        let [value] = &value.describe(input)[..] else { unreachable!("one dense layer") };
        let row = LayerDescription::new("dueling categorical head", self.output_shape(input));
        vec![row.of(advantage.parameters + value.parameters, advantage.multiply_adds + value.multiply_adds)]
    }

    fn workspace<E: Scalar>(&self, input: (usize, F)) -> CategoricalHeadWorkspace<E> {
        let (batch, actions, atoms) = self.output_shape(input);
        let zeros = |len| vec![E::ZERO; len];
        CategoricalHeadWorkspace {
            advantage: self.advantage.workspace(input),
            value: self.value.as_ref().map(|value| value.workspace(input)),
            y: zeros(batch * actions * atoms.size()),
            dx: zeros(batch * input.1.size()),
            d_advantage: zeros(batch * actions * atoms.size()),
            d_value: zeros(batch * atoms.size()),
            chosen: chosen::Chosen::new(batch, input.1.size(), actions, atoms.size()),
        }
    }

    fn forward_into<E: Scalar>(&self, weights: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        let advantage = self.advantage.forward(weights, x, &mut workspace.advantage);
        let (Some(value), Some(value_workspace)) = (&self.value, &mut workspace.value) else {
            return;
        };
        let value = value.forward(weights, x, value_workspace);
        let atoms = self.atoms.size();
        let scale = E::ONE / E::from_f64(self.actions as f64);
        let samples = advantage.chunks_exact(self.actions * atoms).zip(value.chunks_exact(atoms));
        for ((advantage, value), y) in samples.zip(workspace.y.chunks_exact_mut(self.actions * atoms)) {
            // The shared part, value - mean advantage, is gathered in the first action's place.
            let (shared, rest) = y.split_at_mut(atoms);
            shared.fill(E::ZERO);
            for advantage in advantage.chunks_exact(atoms) {
                for (shared, &advantage) in shared.iter_mut().zip(advantage) {
                    *shared += advantage;
                }
            }
            for (shared, &value) in shared.iter_mut().zip(value) {
                *shared = value - *shared * scale;
            }
            for (y, advantage) in rest.chunks_exact_mut(atoms).zip(advantage[atoms..].chunks_exact(atoms)) {
                for ((y, &shared), &advantage) in y.iter_mut().zip(&*shared).zip(advantage) {
                    *y = shared + advantage;
                }
            }
            for (shared, &advantage) in shared.iter_mut().zip(advantage) {
                *shared += advantage;
            }
        }
    }

    fn output<'t, E: Scalar>(&self, x: &'t [E], workspace: &'t CategoricalHeadWorkspace<E>) -> &'t [E] {
        match self.value {
            Some(_) => &workspace.y,
            None => self.advantage.output(x, &workspace.advantage),
        }
    }

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { weights, x, dy, gradient, wants_dx } = pass;
        let (Some(value), Some(value_workspace)) = (&self.value, &mut workspace.value) else {
            let pass = Backward { weights, x, dy, gradient, wants_dx };
            return self.advantage.backward_into(pass, &mut workspace.advantage);
        };
        let atoms = self.atoms.size();
        let scale = E::ONE / E::from_f64(self.actions as f64);
        let samples = dy.chunks_exact(self.actions * atoms).zip(workspace.d_value.chunks_exact_mut(atoms));
        for ((dy, d_value), d_advantage) in
            samples.zip(workspace.d_advantage.chunks_exact_mut(self.actions * atoms))
        {
            d_value.fill(E::ZERO);
            for dy in dy.chunks_exact(atoms) {
                for (d_value, &dy) in d_value.iter_mut().zip(dy) {
                    *d_value += dy;
                }
            }
            for (d_advantage, dy) in d_advantage.chunks_exact_mut(atoms).zip(dy.chunks_exact(atoms)) {
                for ((d_advantage, &dy), &d_value) in d_advantage.iter_mut().zip(dy).zip(&*d_value) {
                    *d_advantage = dy - d_value * scale;
                }
            }
        }
        let d_value = value.backward(weights, x, &workspace.d_value, value_workspace, gradient, wants_dx);
        let d_advantage = self.advantage.backward(
            weights,
            x,
            &workspace.d_advantage,
            &mut workspace.advantage,
            gradient,
            wants_dx,
        );
        if wants_dx {
            for ((dx, &a), &b) in workspace.dx.iter_mut().zip(d_advantage).zip(d_value) {
                *dx = a + b;
            }
        }
    }

    fn d_input<'t, E: Scalar>(&self, dy: &'t [E], workspace: &'t Self::Workspace<E>) -> &'t [E] {
        match self.value {
            Some(_) => &workspace.dx,
            None => self.advantage.d_input(dy, &workspace.advantage),
        }
    }

    fn inspect<E: Scalar>(
        &self,
        x: &[E],
        workspace: &CategoricalHeadWorkspace<E>,
        inspection: &mut Inspection,
    ) {
        let width = self.advantage.ranges()[0].len() / (self.actions * self.atoms.size());
        inspection.features = Some(Features { width, values: doubles(x) });
        inspection.branch(|inspection| self.advantage.inspect(x, &workspace.advantage, inspection));
        if let Some((value, value_workspace)) = self.value.as_ref().zip(workspace.value.as_ref()) {
            inspection.branch(|inspection| value.inspect(x, value_workspace, inspection));
        }
        inspection.end();
    }
}
