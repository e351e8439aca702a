//! Softmax over the rows or the columns of row-major matrices, and its gradient.
//!
//! Limit: arithmetic. The exponential takes about twenty operations an element.

use super::instruction_set::vectorised;
use super::lengths::{same_length, whole_rows};
use super::reductions::{dot, reduced};
use crate::scalar::Scalar;

/// Softmax over each row of a matrix of `columns` columns: y_ij = exp(x_ij) / sum_k exp(x_ik).
///
/// # Shapes
/// y, x: (rows, `columns`)
///
/// # Panics
/// If the lengths do not fit.
pub fn softmax_rows<E: Scalar>(y: &mut [E], x: &[E], columns: usize) {
    same_length(y, x);
    whole_rows(x, columns);
    vectorised(
        #[inline(always)]
        || {
            for (y, x) in y.chunks_exact_mut(columns).zip(x.chunks_exact(columns)) {
                let most = reduced(x, E::NEG_INFINITY, |a, b| b.maximum(a));
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = (x - most).exponential();
                }
                let scale = E::ONE / reduced(y, E::ZERO, |a, b| a + b);
                for y in y.iter_mut() {
                    *y *= scale;
                }
            }
        },
    );
}

/// Softmax over each column: y_ij = exp(x_ij) / sum_k exp(x_kj). `scratch` holds a row.
///
/// # Shapes
/// y, x: (rows, columns); scratch: (columns)
///
/// # Panics
/// If the lengths do not fit.
pub fn softmax_columns<E: Scalar>(y: &mut [E], x: &[E], scratch: &mut [E]) {
    same_length(y, x);
    whole_rows(x, scratch.len());
    let columns = scratch.len();
    vectorised(
        #[inline(always)]
        || {
            scratch.fill(E::NEG_INFINITY);
            for x in x.chunks_exact(columns) {
                for (most, &x) in scratch.iter_mut().zip(x) {
                    *most = x.maximum(*most);
                }
            }
            for (y, x) in y.chunks_exact_mut(columns).zip(x.chunks_exact(columns)) {
                for ((y, &x), &most) in y.iter_mut().zip(x).zip(&*scratch) {
                    *y = (x - most).exponential();
                }
            }
            scratch.fill(E::ZERO);
            for y in y.chunks_exact(columns) {
                for (sum, &y) in scratch.iter_mut().zip(y) {
                    *sum += y;
                }
            }
            for scale in scratch.iter_mut() {
                *scale = E::ONE / *scale;
            }
            for y in y.chunks_exact_mut(columns) {
                for (y, &scale) in y.iter_mut().zip(&*scratch) {
                    *y *= scale;
                }
            }
        },
    );
}

/// Softmax over rows and over columns with one exponential an element: e_ij = exp(x_ij - max x),
/// r_i = 1 / sum_j e_ij and c_j = 1 / sum_i e_ij, so that e_ij r_i is the softmax over row i and e_ij c_j that over
/// column j.
///
/// Returns false if all elements of some row or column are so far below the largest of the matrix (about 60) that
/// the exponentials would lose their precision. The outputs are then of no use.
///
/// # Shapes
/// e, x: (rows, columns); r: (rows); c: (columns)
///
/// # Panics
/// If the lengths do not fit.
#[must_use]
pub fn shared_exponentials<E: Scalar>(e: &mut [E], x: &[E], r: &mut [E], c: &mut [E]) -> bool {
    same_length(e, x);
    whole_rows(x, c.len());
    assert_eq!(x.len(), r.len() * c.len(), "values of a matrix");
    let columns = c.len();
    vectorised(
        #[inline(always)]
        || {
            let most = reduced(x, E::NEG_INFINITY, |a, b| b.maximum(a));
            c.fill(E::ZERO);
            let rows = e.chunks_exact_mut(columns).zip(x.chunks_exact(columns));
            for ((e, x), r) in rows.zip(&mut *r) {
                for ((e, &x), c) in e.iter_mut().zip(x).zip(&mut *c) {
                    *e = (x - most).exponential();
                    *c += *e;
                }
                *r = reduced(e, E::ZERO, |a, b| a + b);
            }
            let least = E::from_f64(1e-26);
            let precise = r.iter().chain(&*c).fold(true, |precise, &sum| precise & (sum > least));
            for sum in r.iter_mut().chain(&mut *c) {
                *sum = E::ONE / *sum;
            }
            precise
        },
    )
}

/// dx_ij += y_ij (dy_ij - sum_k y_ik dy_ik): the gradient of [`softmax_rows`], from its output `y`.
///
/// # Shapes
/// dx, dy, y: (rows, `columns`)
///
/// # Panics
/// If the lengths do not fit.
pub fn softmax_backward_rows<E: Scalar>(dx: &mut [E], dy: &[E], y: &[E], columns: usize) {
    same_length(dx, dy);
    same_length(dx, y);
    whole_rows(y, columns);
    vectorised(
        #[inline(always)]
        || {
            let rows = dy.chunks_exact(columns).zip(y.chunks_exact(columns));
            for (dx, (dy, y)) in dx.chunks_exact_mut(columns).zip(rows) {
                let dot = dot(dy, y);
                for ((dx, &dy), &y) in dx.iter_mut().zip(dy).zip(y) {
                    *dx += y * (dy - dot);
                }
            }
        },
    );
}

/// dx_ij += y_ij (dy_ij - sum_k y_kj dy_kj): the gradient of [`softmax_columns`]. `scratch` holds a row.
///
/// # Shapes
/// dx, dy, y: (rows, columns); scratch: (columns)
///
/// # Panics
/// If the lengths do not fit.
pub fn softmax_backward_columns<E: Scalar>(dx: &mut [E], dy: &[E], y: &[E], scratch: &mut [E]) {
    same_length(dx, dy);
    same_length(dx, y);
    whole_rows(y, scratch.len());
    let columns = scratch.len();
    vectorised(
        #[inline(always)]
        || {
            scratch.fill(E::ZERO);
            for (dy, y) in dy.chunks_exact(columns).zip(y.chunks_exact(columns)) {
                for ((dot, &dy), &y) in scratch.iter_mut().zip(dy).zip(y) {
                    *dot += dy * y;
                }
            }
            let rows = dy.chunks_exact(columns).zip(y.chunks_exact(columns));
            for (dx, (dy, y)) in dx.chunks_exact_mut(columns).zip(rows) {
                for (((dx, &dy), &y), &dot) in dx.iter_mut().zip(dy).zip(y).zip(&*scratch) {
                    *dx += y * (dy - dot);
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::{softmax_backward_columns, softmax_backward_rows, softmax_columns, softmax_rows};
    use proptest::prelude::*;

    fn transposed(x: &[f64], rows: usize, columns: usize) -> Vec<f64> {
        (0..rows * columns).map(|i| x[(i % rows) * columns + i / rows]).collect()
    }

    proptest! {
        #[test]
        fn softmax_rows_equal_their_definition(
            x in proptest::collection::vec(-50.0f32..50.0, 1..150), columns in 1usize..40,
        ) {
            let rows = x.len().div_ceil(columns);
            let x: Vec<f32> = x.iter().copied().cycle().take(rows * columns).collect();
            let mut y = vec![0.0; x.len()];
            softmax_rows(&mut y, &x, columns);
            for (y, x) in y.chunks(columns).zip(x.chunks(columns)) {
                let sum: f64 = x.iter().map(|&x| f64::from(x).exp()).sum();
                for (&y, &x) in y.iter().zip(x) {
                    prop_assert!((f64::from(y) - f64::from(x).exp() / sum).abs() < 5e-7);
                }
            }
        }

        #[test]
        fn softmax_columns_are_the_rows_of_the_transpose(
            x in proptest::collection::vec(-5.0f64..5.0, 2 * 120), rows in 1usize..10, columns in 1usize..12,
        ) {
            let (x, dy) = (&x[..rows * columns], &x[120..120 + rows * columns]);
            let mut scratch = vec![0.0; columns];
            let (mut y, mut dx) = (vec![0.0; x.len()], vec![1.0; x.len()]);
            softmax_columns(&mut y, x, &mut scratch);
            softmax_backward_columns(&mut dx, dy, &y, &mut scratch);
            let (x, dy) = (transposed(x, rows, columns), transposed(dy, rows, columns));
            let (mut want_y, mut want_dx) = (vec![0.0; x.len()], vec![1.0; x.len()]);
            softmax_rows(&mut want_y, &x, rows);
            softmax_backward_rows(&mut want_dx, &dy, &want_y, rows);
            for (got, want) in y.iter().chain(&dx).zip(
                transposed(&want_y, columns, rows).iter().chain(&transposed(&want_dx, columns, rows))) {
                prop_assert!((got - want).abs() < 1e-12);
            }
        }
    }
}
