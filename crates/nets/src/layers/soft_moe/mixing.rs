//! The weights of a soft mixture: dispatch and combine, two softmaxes of the same logits.

use crate::Scalar;
use crate::kernels::{self, Matrix, MatrixMut, product};

/// Which of the two weights the logits decide; the other is the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Learned {
    pub(super) dispatch: bool,
    pub(super) combine: bool,
}

/// Dispatch and combine of a batch.
///
/// Both are softmaxes of the logits, one over columns (the tokens of a slot), one over rows (the slots of a token),
/// and mostly one exponential serves both: dispatch_ij = e_ij c_j and combine_ij = e_ij r_i. The scales c and r go
/// to whatever is multiplied by the weights, which is smaller than these. Where the logits of a sample spread so
/// wide that the exponentials would not hold, or where one of the two is not learned, they are matrices of their
/// own, and all scales one.
#[derive(Clone, Debug)]
pub(super) struct Mixing<E> {
    /// (m, p n)
    shape: [usize; 2],
    /// Whether one exponential serves both, for each sample.
    shared: Vec<bool>,
    /// e if shared, else combine, (batch, m, p n).
    combine: Vec<E>,
    /// Dispatch if not shared, (batch, m, p n).
    dispatch: Vec<E>,
    /// r, (batch, m).
    combine_scales: Vec<E>,
    /// c, (batch, p n).
    dispatch_scales: Vec<E>,
    /// Of one sample: logits and then their gradient, (m, p n); the gradient of a softmax, (m, p n); a column.
    logits: Vec<E>,
    d_softmax: Vec<E>,
    scratch: Vec<E>,
    /// Factors of the logits' gradient, (m, 2 d + 2) and (2 d + 2, p n).
    left: Vec<E>,
    right: Vec<E>,
}

/// The weights of one sample, as matrices (m, p n) and the scales of their rows (combine) or columns (dispatch).
pub(super) struct SampleWeights<'a, E> {
    pub(super) dispatch: Matrix<'a, E>,
    pub(super) dispatch_scales: &'a [E],
    pub(super) combine: Matrix<'a, E>,
    pub(super) combine_scales: &'a [E],
}

/// What the gradient of one sample's logits is made of: the values and gradients on both sides of the mixture, each
/// gradient already times the scales of its weights.
pub(super) struct Sides<'a, E> {
    /// Tokens, and the gradient of the slots: what dispatch lies between. (m, d), (p n, d)
    pub(super) x: &'a [E],
    pub(super) slots: &'a [E],
    pub(super) d_slots: &'a [E],
    /// The experts' outputs, and the gradient of y: what combine lies between. (p n, d), (m, d)
    pub(super) outputs: &'a [E],
    pub(super) y: &'a [E],
    pub(super) dy: &'a [E],
}

impl<E: Scalar> Mixing<E> {
    /// Buffers for `batch` samples of `tokens` of `width` and `slots` slots of all experts together.
    pub(super) fn new(batch: usize, tokens: usize, slots: usize, width: usize) -> Self {
        let zeros = |len| vec![E::ZERO; len];
        Mixing {
            shape: [tokens, slots],
            shared: vec![false; batch],
            combine: zeros(batch * tokens * slots),
            dispatch: zeros(batch * tokens * slots),
            combine_scales: zeros(batch * tokens),
            dispatch_scales: zeros(batch * slots),
            logits: zeros(tokens * slots),
            d_softmax: zeros(tokens * slots),
            scratch: zeros(tokens.max(slots)),
            left: zeros(tokens * (2 * width + 2)),
            right: zeros((2 * width + 2) * slots),
        }
    }

    /// Computes the weights of a sample from its tokens, (m, d), and phi, (d, p n).
    pub(super) fn forward(&mut self, sample: usize, tokens: &[E], phi: &[E], learned: Learned) {
        let [m, slots] = self.shape;
        let d = phi.len() / slots;
        let logits = &mut self.logits;
        product(
            MatrixMut::new(logits, m, slots),
            Matrix::new(tokens, m, d),
            Matrix::new(phi, d, slots),
            false,
        );
        let combine = &mut self.combine[sample * m * slots..][..m * slots];
        let combine_scales = &mut self.combine_scales[sample * m..][..m];
        let dispatch_scales = &mut self.dispatch_scales[sample * slots..][..slots];
        self.shared[sample] = learned.dispatch
            && learned.combine
            && kernels::shared_exponentials(combine, logits, combine_scales, dispatch_scales);
        if !self.shared[sample] {
            self.separate(sample, learned);
        }
    }

    /// Computes dispatch and combine of a sample each for itself, from its logits.
    fn separate(&mut self, sample: usize, learned: Learned) {
        let [m, slots] = self.shape;
        let logits = &self.logits;
        let combine = &mut self.combine[sample * m * slots..][..m * slots];
        match learned.combine {
            true => kernels::softmax_rows(combine, logits, slots),
            false => combine.fill(E::ONE / E::from_f64(slots as f64)),
        }
        let dispatch = &mut self.dispatch[sample * m * slots..][..m * slots];
        match learned.dispatch {
            true => kernels::softmax_columns(dispatch, logits, &mut self.scratch[..slots]),
            false => dispatch.fill(E::ONE / E::from_f64(m as f64)),
        }
        self.combine_scales[sample * m..][..m].fill(E::ONE);
        self.dispatch_scales[sample * slots..][..slots].fill(E::ONE);
        self.shared[sample] = false;
    }

    /// The weights that the last [`forward`](Self::forward) left.
    pub(super) fn of(&self, sample: usize) -> SampleWeights<'_, E> {
        let [m, slots] = self.shape;
        let dispatch = if self.shared[sample] { &self.combine } else { &self.dispatch };
        SampleWeights {
            dispatch: Matrix::new(&dispatch[sample * m * slots..], m, slots),
            dispatch_scales: &self.dispatch_scales[sample * slots..][..slots],
            combine: Matrix::new(&self.combine[sample * m * slots..], m, slots),
            combine_scales: &self.combine_scales[sample * m..][..m],
        }
    }

    /// Dispatch or combine itself, (batch, m, p n).
    pub(super) fn scaled(&self, is_dispatch: bool) -> Vec<E> {
        let [m, slots] = self.shape;
        let value = |sample: usize, i: usize, j: usize| {
            let place = (sample * m + i) * slots + j;
            match is_dispatch {
                true if self.shared[sample] => self.combine[place] * self.dispatch_scales[sample * slots + j],
                true => self.dispatch[place],
                false => self.combine[place] * self.combine_scales[sample * m + i],
            }
        };
        (0..self.combine.len()).map(|at| value(at / (m * slots), at / slots % m, at % slots)).collect()
    }

    /// The gradient of a sample's logits, (m, p n).
    ///
    /// That of a softmax w is w_ij (dw_ij - sum_k w_kj dw_kj), and the sums collapse: for dispatch, dw_ij = x_i ds_j
    /// and the sum is slots_j ds_j; for combine, dw_ij = dy_i o_j and the sum is dy_i y_i. With one exponential,
    /// d logits_ij = e_ij (dy_i o_j + x_i ds_j - dy_i y_i - slots_j ds_j), where the bracket is one product of
    /// (dy, x, -dy y, -1) with (o, ds, 1, slots ds).
    pub(super) fn backward(&mut self, sample: usize, sides: &Sides<'_, E>, learned: Learned) -> &[E] {
        let [m, slots] = self.shape;
        let d = sides.x.len() / m;
        let d_logits = &mut self.logits;
        let combine = &self.combine[sample * m * slots..][..m * slots];
        if self.shared[sample] {
            let inner = 2 * d + 2;
            kernels::row_dots(&mut self.scratch[..m], sides.dy, sides.y);
            let rows = sides.dy.chunks_exact(d).zip(sides.x.chunks_exact(d)).zip(&self.scratch);
            for (left, ((dy, x), &dot)) in self.left.chunks_exact_mut(inner).zip(rows) {
                left[..d].copy_from_slice(dy);
                left[d..2 * d].copy_from_slice(x);
                left[2 * d..].copy_from_slice(&[-dot, -E::ONE]);
            }
            let (outputs, rest) = self.right.split_at_mut(d * slots);
            let (d_slots, rest) = rest.split_at_mut(d * slots);
            let (ones, dots) = rest.split_at_mut(slots);
            kernels::transpose(outputs, sides.outputs, d);
            kernels::transpose(d_slots, sides.d_slots, d);
            ones.fill(E::ONE);
            kernels::row_dots(dots, sides.d_slots, sides.slots);
            let (left, right) = (Matrix::new(&self.left, m, inner), Matrix::new(&self.right, inner, slots));
            product(MatrixMut::new(d_logits, m, slots), left, right, false);
            kernels::multiply(d_logits, combine);
            return d_logits;
        }
        d_logits.fill(E::ZERO);
        let d_softmax = &mut self.d_softmax;
        let tokens_by_slots =
            |x, slot_values| (Matrix::new(x, m, d), Matrix::new(slot_values, slots, d).transposed());
        if learned.combine {
            let (dy, outputs) = tokens_by_slots(sides.dy, sides.outputs);
            product(MatrixMut::new(d_softmax, m, slots), dy, outputs, false);
            kernels::softmax_backward_rows(d_logits, d_softmax, combine, slots);
        }
        if learned.dispatch {
            let dispatch = &self.dispatch[sample * m * slots..][..m * slots];
            let (x, d_slots) = tokens_by_slots(sides.x, sides.d_slots);
            product(MatrixMut::new(d_softmax, m, slots), x, d_slots, false);
            kernels::softmax_backward_columns(d_logits, d_softmax, dispatch, &mut self.scratch[..slots]);
        }
        d_logits
    }
}

#[cfg(test)]
mod tests {
    use super::{Learned, Mixing, Sides};
    use proptest::prelude::*;

    const BOTH: Learned = Learned { dispatch: true, combine: true };

    /// The products of rows of `a` and `b`, each `d` long, weighted: y_i = sum over j of w(i, j) b_j.
    fn mixed(rows: usize, d: usize, b: &[f64], weight: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let value = |i: usize, k: usize| b.chunks(d).enumerate().map(|(j, b)| weight(i, j) * b[k]).sum();
        (0..rows * d).map(|at| value(at / d, at % d)).collect()
    }

    proptest! {
        #[test]
        fn one_exponential_equals_two_softmaxes(
            m in 1usize..9, slots in 1usize..19, d in 1usize..4, scale in 0.1f64..5.0,
            values in proptest::collection::vec(-1.0f64..1.0, 200),
        ) {
            let of = |from: usize, len: usize| -> Vec<f64> {
                values.iter().cycle().skip(from).take(len).copied().collect()
            };
            let (x, outputs, dy, d_slots) = (of(0, m * d), of(31, slots * d), of(57, m * d), of(83, slots * d));
            let phi: Vec<f64> = of(7, d * slots).iter().map(|phi| phi * scale).collect();
            let (mut shared, mut separate) = (Mixing::new(1, m, slots, d), Mixing::new(1, m, slots, d));
            shared.forward(0, &x, &phi, BOTH);
            prop_assert!(shared.shared[0]);
            separate.forward(0, &x, &phi, BOTH);
            separate.separate(0, BOTH);
            let weights = |is_dispatch| (shared.scaled(is_dispatch), separate.scaled(is_dispatch));
            let ((dispatch, want_dispatch), (combine, want_combine)) = (weights(true), weights(false));
            for (got, want) in dispatch.iter().chain(&combine).zip(want_dispatch.iter().chain(&want_combine)) {
                prop_assert!((got - want).abs() < 1e-14);
            }

            let slot_values = mixed(slots, d, &x, |j, i| dispatch[i * slots + j]);
            let y = mixed(m, d, &outputs, |i, j| combine[i * slots + j]);
            let gradient = |mixing: &mut Mixing<f64>| {
                let mut scaled = (dy.clone(), d_slots.clone());
                crate::kernels::scale_rows(&mut scaled.0, mixing.of(0).combine_scales);
                crate::kernels::scale_rows(&mut scaled.1, mixing.of(0).dispatch_scales);
                let (dy, d_slots) = (&scaled.0, &scaled.1);
                let sides = Sides { x: &x, slots: &slot_values, d_slots, outputs: &outputs, y: &y, dy };
                mixing.backward(0, &sides, BOTH).to_vec()
            };
            for (got, want) in gradient(&mut shared).iter().zip(gradient(&mut separate)) {
                prop_assert!((got - want).abs() < 1e-12, "{got}, should be {want}");
            }
        }

        #[test]
        fn logits_of_any_spread_make_weights(
            m in 1usize..6, slots in 1usize..6, values in proptest::collection::vec(-900.0f32..900.0, 36),
        ) {
            let mut mixing = Mixing::new(1, m, slots, 1);
            mixing.forward(0, &values[..m], &vec![1.0; slots], BOTH);
            let (dispatch, combine) = (mixing.scaled(true), mixing.scaled(false));
            for j in 0..slots {
                let sum: f32 = dispatch.iter().skip(j).step_by(slots).sum();
                prop_assert!((sum - 1.0).abs() < 1e-5, "a column of dispatch sums to {sum}");
            }
            for row in combine.chunks(slots) {
                let sum: f32 = row.iter().sum();
                prop_assert!((sum - 1.0).abs() < 1e-5, "a row of combine sums to {sum}");
            }
        }
    }
}
