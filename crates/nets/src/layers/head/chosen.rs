//! A categorical head's logits of one action a sample, at a fraction of the work for all actions.
//!
//! In a dueling head, logits_a = x (V - mean over actions of A) + x A_a, where V is the value's kernel and A_a is the
//! kernel of action a's advantage. All samples share the first factor; the samples of one action share the second. Let
//! g be the gradient of the chosen action's logits. Then the gradient of V is the sum of x^T g over all samples, and
//! the gradient of A_a is the sum over the samples that chose a, minus the gradient of V over the number of actions.

use super::{CategoricalHead, CategoricalHeadWorkspace};
use crate::kernels::{self, Matrix, MatrixMut, product};
use crate::layers::dense::disjoint;
use crate::{ActionLayer, Backward, Scalar, Size, Weights};
use std::ops::Range;

/// Buffers, with the samples in the order of their actions.
#[derive(Clone, Debug)]
pub(super) struct Chosen<E> {
    /// The samples by action, and the end of each action's samples.
    order: Vec<usize>,
    ends: Vec<usize>,
    /// (batch, features)
    x: Vec<E>,
    dx: Vec<E>,
    /// (batch, atoms): the share of an action's own kernel, and the sum.
    of_action: Vec<E>,
    logits: Vec<E>,
    /// (batch, atoms), in the caller's order.
    y: Vec<E>,
    /// Value's kernel and bias minus the mean of the actions', (features, atoms), (atoms).
    kernel: Vec<E>,
    bias: Vec<E>,
}

impl<E: Scalar> Chosen<E> {
    pub(super) fn new(batch: usize, features: usize, actions: usize, atoms: usize) -> Self {
        let zeros = |len| vec![E::ZERO; len];
        Chosen {
            order: vec![0; batch],
            ends: vec![0; actions],
            x: zeros(batch * features),
            dx: zeros(batch * features),
            of_action: zeros(batch * atoms),
            logits: zeros(batch * atoms),
            y: zeros(batch * atoms),
            kernel: zeros(features * atoms),
            bias: zeros(atoms),
        }
    }

    /// Orders the samples by their actions.
    fn sort(&mut self, actions: &[usize]) {
        assert_eq!(actions.len(), self.order.len(), "one action a sample");
        self.ends.fill(0);
        for &action in actions {
            assert!(action < self.ends.len(), "action {action} of {}", self.ends.len());
            self.ends[action] += 1;
        }
        // At first the start of each action's samples; each sample then moves it on, at last to their end.
        let mut start = 0;
        for end in &mut self.ends {
            start += std::mem::replace(end, start);
        }
        for (sample, &action) in actions.iter().enumerate() {
            self.order[self.ends[action]] = sample;
            self.ends[action] += 1;
        }
    }
}

/// Each action that was chosen, and the places of its samples in the order.
fn groups(ends: &[usize]) -> impl Iterator<Item = (usize, Range<usize>)> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).map(|(start, &end)| start..end).enumerate().filter(|(_, samples)| !samples.is_empty())
}

/// Copies row `order[i]` of `x` to row i of `y`.
fn gather<E: Copy>(y: &mut [E], x: &[E], order: &[usize]) {
    let columns = y.len() / order.len();
    for (y, &row) in y.chunks_exact_mut(columns).zip(order) {
        y.copy_from_slice(&x[row * columns..][..columns]);
    }
}

/// Copies row i of `x` to row `order[i]` of `y`.
fn scatter<E: Copy>(y: &mut [E], x: &[E], order: &[usize]) {
    let columns = y.len() / order.len();
    for (x, &row) in x.chunks_exact(columns).zip(order) {
        y[row * columns..][..columns].copy_from_slice(x);
    }
}

impl<F: Size, Z: Size> ActionLayer<(usize, F)> for CategoricalHead<F, Z> {
    fn forward_of<'t, E: Scalar>(
        &self,
        weights: Weights<'_, E>,
        x: &[E],
        actions: &[usize],
        workspace: &'t mut CategoricalHeadWorkspace<E>,
    ) -> &'t [E] {
        let atoms = self.atoms.size();
        let Chosen { order, ends, x: features, of_action, logits, y, kernel, bias, .. } = {
            workspace.chosen.sort(actions);
            &mut workspace.chosen
        };
        gather(features, x, order);
        let (batch, inputs) = (order.len(), features.len() / order.len());
        let (advantage, b_advantage) = self.advantage.weights(weights, &mut workspace.advantage, true);
        match self.value.as_ref().zip(workspace.value.as_mut()) {
            Some((value, value_tape)) => {
                let (value, b_value) = value.weights(weights, value_tape, true);
                kernels::minus_mean_of_blocks(kernel, value, advantage, atoms);
                kernels::minus_mean_of_blocks(bias, b_value, b_advantage, atoms);
                let (x, kernel) = (Matrix::new(features, batch, inputs), Matrix::new(kernel, inputs, atoms));
                product(MatrixMut::new(logits, batch, atoms), x, kernel, false);
                logits.chunks_exact_mut(atoms).for_each(|logits| kernels::add(logits, bias));
            }
            None => logits.fill(E::ZERO),
        }
        for (action, samples) in groups(ends) {
            let rows = samples.len();
            let values = samples.start * atoms..samples.end * atoms;
            let of_action = &mut of_action[values.clone()];
            let x = Matrix::new(&features[samples.start * inputs..], rows, inputs);
            let kernel =
                Matrix::strided(&advantage[action * atoms..], [inputs, atoms], [self.actions * atoms, 1]);
            product(MatrixMut::new(of_action, rows, atoms), x, kernel, false);
            for (logits, of_action) in
                logits[values].chunks_exact_mut(atoms).zip(of_action.chunks_exact(atoms))
            {
                kernels::add(logits, of_action);
                kernels::add(logits, &b_advantage[action * atoms..][..atoms]);
            }
        }
        scatter(y, logits, order);
        y
    }

    fn backward_of<'t, E: Scalar>(
        &self,
        pass: Backward<E>,
        _: &[usize],
        workspace: &'t mut CategoricalHeadWorkspace<E>,
    ) -> &'t [E] {
        let Backward { weights, dy, gradient, .. } = pass;
        let (atoms, outputs) = (self.atoms.size(), self.actions * self.atoms.size());
        let Chosen { order, ends, x, dx, of_action: d_logits, kernel: shared, .. } = &mut workspace.chosen;
        gather(d_logits, dy, order);
        let (batch, inputs) = (order.len(), x.len() / order.len());
        let d_logits_of = |samples: &Range<usize>| &d_logits[samples.start * atoms..samples.end * atoms];

        let [d_advantage, db_advantage] = self.advantage.ranges();
        if let Some(value) = &self.value {
            let [d_value, db_value] = value.ranges();
            let [d_advantage, db_advantage, d_value, db_value] =
                disjoint(gradient, [d_advantage, db_advantage, d_value, db_value]);
            db_value.fill(E::ZERO);
            kernels::add_row_sums(db_value, d_logits);
            let (x, d_logits) =
                (Matrix::new(x, batch, inputs).transposed(), Matrix::new(d_logits, batch, atoms));
            product(MatrixMut::new(d_value, inputs, atoms), x, d_logits, false);
            let scale = -E::ONE / E::from_f64(self.actions as f64);
            kernels::repeat_scaled(d_advantage, d_value, atoms, scale);
            kernels::repeat_scaled(db_advantage, db_value, atoms, scale);
        } else {
            gradient[d_advantage.clone()].fill(E::ZERO);
            gradient[db_advantage.clone()].fill(E::ZERO);
        }
        let [d_advantage, db_advantage] = disjoint(gradient, [d_advantage, db_advantage]);
        for (action, samples) in groups(ends) {
            let d_bias = &mut db_advantage[action * atoms..][..atoms];
            kernels::add_row_sums(d_bias, d_logits_of(&samples));
            let x = Matrix::new(&x[samples.start * inputs..], samples.len(), inputs).transposed();
            let d_logits = Matrix::new(d_logits_of(&samples), samples.len(), atoms);
            let place = action * atoms;
            let d_kernel = MatrixMut::strided(&mut d_advantage[place..], [inputs, atoms], [outputs, 1]);
            product(d_kernel, x, d_logits, true);
        }

        // The gradient of the features.
        let (advantage, _) = self.advantage.weights(weights, &mut workspace.advantage, false);
        match self.value {
            Some(_) => {
                let shared = Matrix::new(shared, inputs, atoms).transposed();
                let d_logits = Matrix::new(d_logits, batch, atoms);
                product(MatrixMut::new(dx, batch, inputs), d_logits, shared, false);
            }
            None => dx.fill(E::ZERO),
        }
        for (action, samples) in groups(ends) {
            let kernel =
                Matrix::strided(&advantage[action * atoms..], [inputs, atoms], [outputs, 1]).transposed();
            let d_logits = Matrix::new(d_logits_of(&samples), samples.len(), atoms);
            let dx = MatrixMut::new(&mut dx[samples.start * inputs..], samples.len(), inputs);
            product(dx, d_logits, kernel, true);
        }
        scatter(&mut workspace.dx, dx, order);

        self.advantage.noise_backward(weights, gradient);
        if let Some(value) = &self.value {
            value.noise_backward(weights, gradient);
        }
        &workspace.dx
    }
}

#[cfg(test)]
mod tests {
    use crate::layers::CategoricalHead;
    use crate::{ActionLayer, Backward, Builder, Layer, Weights};
    use proptest::prelude::*;

    fn near(got: &[f64], want: &[f64]) -> Result<(), TestCaseError> {
        prop_assert_eq!(got.len(), want.len());
        for (i, (got, want)) in got.iter().zip(want).enumerate() {
            prop_assert!((got - want).abs() < 1e-12, "value {} is {}, should be {}", i, got, want);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn one_action_a_sample_equals_all_of_them(
            actions in 1usize..5, atoms in 1usize..6, features in 1usize..7, dueling: bool, noisy: bool,
            chosen in proptest::collection::vec(0usize..100, 1..12),
            values in proptest::collection::vec(-1.0f64..1.0, 300),
        ) {
            let of = |from: usize, len: usize| -> Vec<f64> {
                values.iter().cycle().skip(from).take(len).copied().collect()
            };
            let chosen: Vec<usize> = chosen.iter().map(|action| action % actions).collect();
            let batch = chosen.len();
            let mut builder = Builder::new();
            let make = if dueling { CategoricalHead::dueling } else { CategoricalHead::plain };
            let head = make(&mut builder, "head", features, actions, atoms, noisy);
            let (parameters, noise) = (of(3, builder.parameters().len()), of(17, builder.noise().len()));
            let x = of(29, batch * features);
            let (mut of_all, mut of_chosen) = (head.workspace::<f64>((batch, features)), head.workspace((batch, features)));
            for noise in [Some(&noise[..]), None] {
                let weights = Weights { parameters: &parameters, noise };
                let all = head.forward(weights, &x, &mut of_all).to_vec();
                let rows = chosen.iter().enumerate().map(|(sample, action)| sample * actions + action);
                let want: Vec<f64> = rows.clone().flat_map(|row| all[row * atoms..][..atoms].to_vec()).collect();
                near(head.forward_of(weights, &x, &chosen, &mut of_chosen), &want)?;

                let dy = of(41, batch * atoms);
                let mut dy_of_all = vec![0.0; batch * actions * atoms];
                for (row, dy) in rows.zip(dy.chunks(atoms)) {
                    dy_of_all[row * atoms..][..atoms].copy_from_slice(dy);
                }
                // Whatever was in the gradient is overwritten.
                let mut got = vec![f64::NAN; parameters.len()];
                let mut want = got.clone();
                let want_dx = head.backward(weights, &x, &dy_of_all, &mut of_all, &mut want, true);
                let pass = Backward { weights, x: &x, dy: &dy, gradient: &mut got, wants_dx: true };
                near(head.backward_of(pass, &chosen, &mut of_chosen), want_dx)?;
                near(&got, &want)?;
            }
        }
    }
}
