//! Dispatch and combine: two softmaxes of the same logits, and the gradient of these.

use crate::Scalar;
use crate::kernels::{self, Matrix, MatrixMut, product};
use std::ops::Range;

/// The uniform weights of a mixture, as a control; the others are softmaxes of the logits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uniform {
    /// Whether the dispatch is 1 / m everywhere: every slot is the mean of the tokens.
    pub dispatch: bool,
    /// Whether the combine is 1 / (n p) everywhere: every token becomes the mean of the outputs.
    pub combine: bool,
}

/// How the exponentials of the two softmaxes are computed. The two ways differ in the last digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exponentials {
    /// One exponential serves both softmaxes, where the logits allow it.
    Shared,
    /// Each softmax has its own, so that all scales are one.
    Separate,
}

/// Dispatch and combine of one sample, (m, slots).
///
/// Dispatch is a softmax over columns (the tokens of a slot), combine is one over rows (the slots of a token). One
/// exponential e can serve both: dispatch_ij = e_ij c_j and combine_ij = e_ij r_i. The scales c and r multiply the
/// other factor of a product with the weights, which is smaller than the weights. Dispatch and combine are matrices of
/// their own, with scales of one, where the logits of a sample spread too wide for a shared exponential, or where one
/// of the two is uniform.
#[derive(Clone, Debug)]
pub(super) struct Mixing<E> {
    /// (m, slots)
    shape: [usize; 2],
    exponentials: Exponentials,
    /// Whether one exponential served both in the last forward pass.
    shared: bool,
    /// e if shared, else combine, (m, slots).
    combine: Vec<E>,
    /// Dispatch if not shared, (m, slots).
    dispatch: Vec<E>,
    /// r, (m).
    combine_scales: Vec<E>,
    /// c, (slots).
    dispatch_scales: Vec<E>,
}

/// Buffers of one thread for the mixing of one sample.
#[derive(Clone, Debug)]
pub(super) struct Scratch<E> {
    /// The gradient of the slots times the scales of dispatch, (slots, d).
    pub(super) d_slots: Vec<E>,
    /// The logits, (m, slots); the gradient of a softmax, (m, slots); a row or a column.
    logits: Vec<E>,
    d_softmax: Vec<E>,
    line: Vec<E>,
    /// Factors of the logits' gradient, (m, 2 d + 2) and (2 d + 2, slots).
    left: Vec<E>,
    right: Vec<E>,
}

impl<E: Scalar> Scratch<E> {
    /// Buffers for `tokens` of `width` and `slots` slots of all experts together.
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

/// The values and gradients on both sides of a sample's mixing. The gradients are already times the scales of their
/// weights; the gradient of the slots is in [`Scratch::d_slots`].
pub(super) struct Sides<'a, E> {
    /// Tokens, (m, d), and slots, (slots, d): dispatch lies between them.
    pub(super) x: &'a [E],
    pub(super) slots: &'a [E],
    /// The experts' outputs, (slots, d), y, (m, d), and its gradient: combine lies between them.
    pub(super) outputs: &'a [E],
    pub(super) y: &'a [E],
    pub(super) dy: &'a [E],
}

impl<E: Scalar> Mixing<E> {
    /// Buffers for `tokens` and `slots` slots of all experts together.
    pub(super) fn new(tokens: usize, slots: usize, exponentials: Exponentials) -> Self {
        let zeros = |len| vec![E::ZERO; len];
        Mixing {
            shape: [tokens, slots],
            exponentials,
            shared: false,
            combine: zeros(tokens * slots),
            dispatch: zeros(tokens * slots),
            combine_scales: zeros(tokens),
            dispatch_scales: zeros(slots),
        }
    }

    /// Computes the weights from the logits, tokens phi.
    ///
    /// # Shapes
    /// tokens: (m, d); phi: (d, slots)
    pub(super) fn forward(&mut self, tokens: &[E], phi: &[E], uniform: Uniform, scratch: &mut Scratch<E>) {
        let [m, slots] = self.shape;
        let d = phi.len() / slots;
        let logits = &mut scratch.logits;
        let (tokens, phi) = (Matrix::new(tokens, m, d), Matrix::new(phi, d, slots));
        product(MatrixMut::new(logits, m, slots), tokens, phi, false);
        let (combine_scales, dispatch_scales) = (&mut self.combine_scales, &mut self.dispatch_scales);
        self.shared = self.exponentials == Exponentials::Shared
            && uniform == Uniform::default()
            && kernels::shared_exponentials(&mut self.combine, logits, combine_scales, dispatch_scales);
        if !self.shared {
            self.separate(uniform, scratch);
        }
    }

    /// Computes dispatch and combine each for itself, from the logits.
    fn separate(&mut self, uniform: Uniform, scratch: &mut Scratch<E>) {
        let [m, slots] = self.shape;
        match uniform.combine {
            false => kernels::softmax_rows(&mut self.combine, &scratch.logits, slots),
            true => self.combine.fill(E::ONE / E::from_f64(slots as f64)),
        }
        match uniform.dispatch {
            false => {
                kernels::softmax_columns(&mut self.dispatch, &scratch.logits, &mut scratch.line[..slots]);
            }
            true => self.dispatch.fill(E::ONE / E::from_f64(m as f64)),
        }
        self.combine_scales.fill(E::ONE);
        self.dispatch_scales.fill(E::ONE);
        self.shared = false;
    }

    /// slots = dispatch^T x.
    ///
    /// # Shapes
    /// x: (m, d); slots: (slots, d)
    pub(super) fn slots(&self, slots: &mut [E], x: &[E]) {
        let [m, count] = self.shape;
        let d = x.len() / m;
        product(
            MatrixMut::new(slots, count, d),
            self.dispatch_to(0..count).transposed(),
            Matrix::new(x, m, d),
            false,
        );
        kernels::scale_rows(slots, &self.dispatch_scales);
    }

    /// y = combine outputs.
    ///
    /// # Shapes
    /// outputs: (slots, d); y: (m, d)
    pub(super) fn tokens(&self, y: &mut [E], outputs: &[E]) {
        let [m, count] = self.shape;
        let d = y.len() / m;
        product(MatrixMut::new(y, m, d), self.combine_of(0..count), Matrix::new(outputs, count, d), false);
        kernels::scale_rows(y, &self.combine_scales);
    }

    /// d_outputs = combine^T dy. Leaves dy times the scales of combine, as [`Sides`] wants it.
    ///
    /// # Shapes
    /// dy: (m, d); d_outputs: (slots, d)
    pub(super) fn d_outputs(&self, d_outputs: &mut [E], dy: &mut [E]) {
        let [m, count] = self.shape;
        let d = dy.len() / m;
        kernels::scale_rows(dy, &self.combine_scales);
        let combine = self.combine_of(0..count).transposed();
        product(MatrixMut::new(d_outputs, count, d), combine, Matrix::new(dy, m, d), false);
    }

    /// dx = dispatch d_slots. Leaves d_slots times the scales of dispatch in `scratch`, as [`backward`](Self::backward)
    /// wants it; there is no dx to compute if it is `None`.
    ///
    /// # Shapes
    /// d_slots: (slots, d); dx: (m, d)
    pub(super) fn d_tokens(&self, dx: Option<&mut [E]>, d_slots: &[E], scratch: &mut Scratch<E>) {
        let [m, count] = self.shape;
        let d = d_slots.len() / count;
        scratch.d_slots.copy_from_slice(d_slots);
        kernels::scale_rows(&mut scratch.d_slots, &self.dispatch_scales);
        if let Some(dx) = dx {
            let d_slots = Matrix::new(&scratch.d_slots, count, d);
            product(MatrixMut::new(dx, m, d), self.dispatch_to(0..count), d_slots, false);
        }
    }

    /// The columns of dispatch that belong to some slots, (m, slots), without their scales.
    pub(super) fn dispatch_to(&self, slots: Range<usize>) -> Matrix<'_, E> {
        let [m, count] = self.shape;
        Matrix::strided(&self.unscaled_dispatch()[slots.start..], [m, slots.len()], [count, 1])
    }

    /// The columns of combine that belong to some slots, (m, slots), without the scales of its rows.
    pub(super) fn combine_of(&self, slots: Range<usize>) -> Matrix<'_, E> {
        let [m, count] = self.shape;
        Matrix::strided(&self.combine[slots.start..], [m, slots.len()], [count, 1])
    }

    /// Dispatch with its scales, (m, slots).
    pub(super) fn dispatch(&self) -> impl Iterator<Item = E> {
        let scales = self.dispatch_scales.iter().cycle();
        self.unscaled_dispatch().iter().zip(scales).map(|(&e, &scale)| e * scale)
    }

    /// Dispatch without its scales, (m, slots).
    fn unscaled_dispatch(&self) -> &[E] {
        if self.shared { &self.combine } else { &self.dispatch }
    }

    /// Combine with its scales, (m, slots).
    pub(super) fn combine(&self) -> impl Iterator<Item = E> {
        let rows = self.combine.chunks_exact(self.shape[1]).zip(&self.combine_scales);
        rows.flat_map(|(row, &scale)| row.iter().map(move |&e| e * scale))
    }

    /// The gradient of the logits, (m, slots).
    ///
    /// The gradient of a softmax w is w_ij (dw_ij - sum_k w_kj dw_kj), where the sum has a closed form. For dispatch,
    /// dw_ij = x_i ds_j and the sum is slots_j ds_j; for combine, dw_ij = dy_i o_j and the sum is dy_i y_i. With a
    /// shared exponential, d logits_ij = e_ij (dy_i o_j + x_i ds_j - dy_i y_i - slots_j ds_j), and the bracket is one
    /// product: (dy, x, -dy y, -1) times (o, ds, 1, slots ds).
    pub(super) fn backward(
        &self,
        d_logits: &mut [E],
        sides: &Sides<'_, E>,
        uniform: Uniform,
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
        if !uniform.combine {
            let (dy, outputs) = tokens_by_slots(sides.dy, sides.outputs);
            product(MatrixMut::new(d_softmax, m, slots), dy, outputs, false);
            kernels::softmax_backward_rows(d_logits, d_softmax, &self.combine, slots);
        }
        if !uniform.dispatch {
            let (x, d_slots) = tokens_by_slots(sides.x, scaled_d_slots);
            product(MatrixMut::new(d_softmax, m, slots), x, d_slots, false);
            kernels::softmax_backward_columns(d_logits, d_softmax, &self.dispatch, &mut line[..slots]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Exponentials, Mixing, Scratch, Sides, Uniform};
    use proptest::prelude::*;

    const NEITHER: Uniform = Uniform { dispatch: false, combine: false };

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
            let mixing = |exponentials| Mixing::new(m, slots, exponentials);
            let (mut shared, mut separate) = (mixing(Exponentials::Shared), mixing(Exponentials::Separate));
            shared.forward(&x, &phi, NEITHER, &mut scratch);
            prop_assert!(shared.shared);
            separate.forward(&x, &phi, NEITHER, &mut scratch);
            prop_assert!(!separate.shared);
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
                mixing.d_outputs(&mut vec![0.0; slots * d], &mut dy);
                mixing.d_tokens(None, &d_slots, &mut scratch);
                let sides = Sides { x: &x, slots: &slot_values, outputs: &outputs, y: &y, dy: &dy };
                mixing.backward(&mut d_logits, &sides, NEITHER, &mut scratch);
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
            let mut mixing = Mixing::new(m, slots, Exponentials::Shared);
            mixing.forward(&values[..m], &vec![1.0; slots], NEITHER, &mut Scratch::new(m, slots, 1));
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
