//! The CPU engine of the categorical head.

use super::CategoricalHead;
use super::chosen::Chosen;
use crate::inspection::{Features, doubles};
use crate::layers::dense::DenseWorkspace;
use crate::{Backward, Inspection, Layer, LayerDescription, Scalar, Size, Weights};

/// Buffers of a [`CategoricalHead`].
#[derive(Clone, Debug)]
pub struct CategoricalHeadWorkspace<E> {
    pub(super) advantage: DenseWorkspace<E>,
    pub(super) value: Option<DenseWorkspace<E>>,
    y: Vec<E>,
    pub(super) dx: Vec<E>,
    d_advantage: Vec<E>,
    d_value: Vec<E>,
    pub(super) chosen: Chosen<E>,
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
            chosen: Chosen::new(batch, input.1.size(), actions, atoms.size()),
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
            // The first action's logits hold value - mean advantage, which all actions share, until the end.
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
