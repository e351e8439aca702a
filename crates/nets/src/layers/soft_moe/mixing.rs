//! The weights of a soft mixture: dispatch and combine, two softmaxes of the same logits.

use crate::Scalar;
use crate::kernels::{self, Matrix, MatrixMut, product};

/// Which of the two weights the logits decide; the other is the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Learned {
    pub(super) dispatch: bool,
    pub(super) combine: bool,
}

/// Dispatch and combine of one sample.
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
    /// Whether one exponential serves both.
    shared: bool,
    /// e if shared, else combine, (m, p n).
    combine: Vec<E>,
    /// Dispatch if not shared, (m, p n).
    dispatch: Vec<E>,
    /// r, (m).
    combine_scales: Vec<E>,
    /// c, (p n).
    dispatch_scales: Vec<E>,
}

/// What one thread computes a sample's mixing with.
#[derive(Clone, Debug)]
pub(super) struct Scratch<E> {
    /// The gradient of the slots times the scales of dispatch, (p n, d).
    pub(super) d_slots: Vec<E>,
    /// The logits, (m, p n); the gradient of a softmax, (m, p n); a row or a column.
    logits: Vec<E>,
    d_softmax: Vec<E>,
    line: Vec<E>,
    /// Factors of the logits' gradient, (m, 2 d + 2) and (2 d + 2, p n).
    left: Vec<E>,
    right: Vec<E>,
}

impl<E: Scalar> Scratch<E> {
    /// For `tokens` of `width` and `slots` slots of all experts together.
    pub(super) fn new(tokens: usize, slots: usize, width: usize) -> Self {
        let zeros = |len| vec![E::ZERO; len];
        Scratch {
            d_slots: zeros(slots * width),
            logits: zeros(tokens * slots),
            d_softmax: zeros(tokens * slots),
            line: zeros(tokens.max(slots)),
            left: zeros(tokens * (2 * width + 2)),
            right: zeros((2 * width + 2) * slots),
        }
    }
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
    /// Tokens and slots: what dispatch lies between, with `Scratch::d_slots`. (m, d), (p n, d)
    pub(super) x: &'a [E],
    pub(super) slots: &'a [E],
    /// The experts' outputs, and the gradient of y: what combine lies between. (p n, d), (m, d)
    pub(super) outputs: &'a [E],
    pub(super) y: &'a [E],
    pub(super) dy: &'a [E],
}

impl<E: Scalar> Mixing<E> {
    /// Buffers for `tokens` and `slots` slots of all experts together.
    pub(super) fn new(tokens: usize, slots: usize) -> Self {
        let zeros = |len| vec![E::ZERO; len];
        Mixing {
            shape: [tokens, slots],
            shared: false,
            combine: zeros(tokens * slots),
            dispatch: zeros(tokens * slots),
            combine_scales: zeros(tokens),
            dispatch_scales: zeros(slots),
        }
    }

    /// Computes the weights from the tokens, (m, d), and phi, (d, p n).
    pub(super) fn forward(&mut self, tokens: &[E], phi: &[E], learned: Learned, scratch: &mut Scratch<E>) {
        let [m, slots] = self.shape;
        let d = phi.len() / slots;
        let logits = &mut scratch.logits;
        let (tokens, phi) = (Matrix::new(tokens, m, d), Matrix::new(phi, d, slots));
        product(MatrixMut::new(logits, m, slots), tokens, phi, false);
        let (combine_scales, dispatch_scales) = (&mut self.combine_scales, &mut self.dispatch_scales);
        self.shared = learned.dispatch
            && learned.combine
            && kernels::shared_exponentials(&mut self.combine, logits, combine_scales, dispatch_scales);
        if !self.shared {
            self.separate(learned, scratch);
        }
    }

    /// Computes dispatch and combine each for itself, from the logits.
    fn separate(&mut self, learned: Learned, scratch: &mut Scratch<E>) {
        let [m, slots] = self.shape;
        match learned.combine {
            true => kernels::softmax_rows(&mut self.combine, &scratch.logits, slots),
            false => self.combine.fill(E::ONE / E::from_f64(slots as f64)),
        }
        match learned.dispatch {
            true => {
                kernels::softmax_columns(&mut self.dispatch, &scratch.logits, &mut scratch.line[..slots]);
            }
            false => self.dispatch.fill(E::ONE / E::from_f64(m as f64)),
        }
        self.combine_scales.fill(E::ONE);
        self.dispatch_scales.fill(E::ONE);
        self.shared = false;
    }

    /// The weights that the last [`forward`](Self::forward) left.
    pub(super) fn weights(&self) -> SampleWeights<'_, E> {
        let [m, slots] = self.shape;
        SampleWeights {
            dispatch: Matrix::new(self.unscaled_dispatch(), m, slots),
            dispatch_scales: &self.dispatch_scales,
            combine: Matrix::new(&self.combine, m, slots),
            combine_scales: &self.combine_scales,
        }
    }

    /// Dispatch itself, (m, p n).
    pub(super) fn dispatch(&self) -> impl Iterator<Item = E> {
        let scales = self.dispatch_scales.iter().cycle();
        self.unscaled_dispatch().iter().zip(scales).map(|(&e, &scale)| e * scale)
    }

    /// What the scales of dispatch belong to, (m, p n).
    fn unscaled_dispatch(&self) -> &[E] {
        if self.shared { &self.combine } else { &self.dispatch }
    }

    /// Combine itself, (m, p n).
    pub(super) fn combine(&self) -> impl Iterator<Item = E> {
        let rows = self.combine.chunks_exact(self.shape[1]).zip(&self.combine_scales);
        rows.flat_map(|(row, &scale)| row.iter().map(move |&e| e * scale))
    }

    /// The gradient of the logits, (m, p n).
    ///
    /// That of a softmax w is w_ij (dw_ij - sum_k w_kj dw_kj), and the sums collapse: for dispatch, dw_ij = x_i ds_j
    /// and the sum is slots_j ds_j; for combine, dw_ij = dy_i o_j and the sum is dy_i y_i. With one exponential,
    /// d logits_ij = e_ij (dy_i o_j + x_i ds_j - dy_i y_i - slots_j ds_j), where the bracket is one product of
    /// (dy, x, -dy y, -1) with (o, ds, 1, slots ds).
    pub(super) fn backward(
        &self,
        d_logits: &mut [E],
        sides: &Sides<'_, E>,
        learned: Learned,
        scratch: &mut Scratch<E>,
    ) {
        let [m, slots] = self.shape;
        let d = sides.x.len() / m;
        let Scratch { d_slots: scaled_d_slots, d_softmax, line, left, right, .. } = scratch;
        if self.shared {
            let inner = 2 * d + 2;
            kernels::row_dots(&mut line[..m], sides.dy, sides.y);
            let rows = sides.dy.chunks_exact(d).zip(sides.x.chunks_exact(d)).zip(&*line);
            for (left, ((dy, x), &dot)) in left.chunks_exact_mut(inner).zip(rows) {
                left[..d].copy_from_slice(dy);
                left[d..2 * d].copy_from_slice(x);
                left[2 * d..].copy_from_slice(&[-dot, -E::ONE]);
            }
            let (outputs, rest) = right.split_at_mut(d * slots);
            let (d_slots, rest) = rest.split_at_mut(d * slots);
            let (ones, dots) = rest.split_at_mut(slots);
            kernels::transpose(outputs, sides.outputs, d);
            kernels::transpose(d_slots, scaled_d_slots, d);
            ones.fill(E::ONE);
            kernels::row_dots(dots, scaled_d_slots, sides.slots);
            let (left, right) = (Matrix::new(left, m, inner), Matrix::new(right, inner, slots));
            product(MatrixMut::new(d_logits, m, slots), left, right, false);
            kernels::multiply(d_logits, &self.combine);
            return;
        }
        d_logits.fill(E::ZERO);
        let tokens_by_slots =
            |x, slot_values| (Matrix::new(x, m, d), Matrix::new(slot_values, slots, d).transposed());
        if learned.combine {
            let (dy, outputs) = tokens_by_slots(sides.dy, sides.outputs);
            product(MatrixMut::new(d_softmax, m, slots), dy, outputs, false);
            kernels::softmax_backward_rows(d_logits, d_softmax, &self.combine, slots);
        }
        if learned.dispatch {
            let (x, d_slots) = tokens_by_slots(sides.x, scaled_d_slots);
            product(MatrixMut::new(d_softmax, m, slots), x, d_slots, false);
            kernels::softmax_backward_columns(d_logits, d_softmax, &self.dispatch, &mut line[..slots]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Learned, Mixing, Scratch, Sides};
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
            let mut scratch = Scratch::new(m, slots, d);
            let (mut shared, mut separate) = (Mixing::new(m, slots), Mixing::new(m, slots));
            shared.forward(&x, &phi, BOTH, &mut scratch);
            prop_assert!(shared.shared);
            separate.forward(&x, &phi, BOTH, &mut scratch);
            separate.separate(BOTH, &mut scratch);
            let weights = |mixing: &Mixing<f64>| -> [Vec<f64>; 2] {
                [mixing.dispatch().collect(), mixing.combine().collect()]
            };
            let ([dispatch, combine], want) = (weights(&shared), weights(&separate));
            for (got, want) in dispatch.iter().chain(&combine).zip(want.iter().flatten()) {
                prop_assert!((got - want).abs() < 1e-14);
            }

            let slot_values = mixed(slots, d, &x, |j, i| dispatch[i * slots + j]);
            let y = mixed(m, d, &outputs, |i, j| combine[i * slots + j]);
            let mut gradient = |mixing: &Mixing<f64>| {
                let (mut dy, mut d_logits) = (dy.clone(), vec![f64::NAN; m * slots]);
                crate::kernels::scale_rows(&mut dy, mixing.weights().combine_scales);
                scratch.d_slots.copy_from_slice(&d_slots);
                crate::kernels::scale_rows(&mut scratch.d_slots, mixing.weights().dispatch_scales);
                let sides = Sides { x: &x, slots: &slot_values, outputs: &outputs, y: &y, dy: &dy };
                mixing.backward(&mut d_logits, &sides, BOTH, &mut scratch);
                d_logits
            };
            for (got, want) in gradient(&shared).iter().zip(gradient(&separate)) {
                prop_assert!((got - want).abs() < 1e-12, "{got}, should be {want}");
            }
        }

        #[test]
        fn logits_of_any_spread_make_weights(
            m in 1usize..6, slots in 1usize..6, values in proptest::collection::vec(-900.0f32..900.0, 36),
        ) {
            let mut mixing = Mixing::new(m, slots);
            mixing.forward(&values[..m], &vec![1.0; slots], BOTH, &mut Scratch::new(m, slots, 1));
            let (dispatch, combine): (Vec<f32>, Vec<f32>) = (mixing.dispatch().collect(), mixing.combine().collect());
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
