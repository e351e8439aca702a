//! Sums and maxima over vectors and over the rows of matrices.
//!
//! A sum is [`LANES`] partial sums side by side, so that it becomes vector instructions with one order of adding on
//! every processor. Limit: the bandwidth of the cache that holds the values.

use super::instruction_set::vectorised;
use super::lengths::{same_length, whole_rows};
use crate::scalar::Scalar;

/// Partial sums of a sum: a vector of the longest registers.
const LANES: usize = 16;

/// `reduce` over all of `x` from `start`, in [`LANES`] independent strands.
#[inline(always)]
pub(super) fn reduced<E: Scalar>(x: &[E], start: E, reduce: impl Fn(E, E) -> E) -> E {
    let mut lanes = [start; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = reduce(*lane, x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = reduce(*lane, x);
    }
    joined(lanes, reduce)
}

/// `reduce` over the strands, half of them against the other half, so that few steps wait for each other.
#[inline(always)]
fn joined<E: Scalar>(mut lanes: [E; LANES], reduce: impl Fn(E, E) -> E) -> E {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = reduce(lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// The sum of `x_i y_i`, in [`LANES`] independent strands.
#[inline(always)]
pub(super) fn dot<E: Scalar>(x: &[E], y: &[E]) -> E {
    let mut lanes = [E::ZERO; LANES];
    let (x, rest_of_x) = x.as_chunks::<LANES>();
    let (y, rest_of_y) = y.as_chunks::<LANES>();
    for (x, y) in x.iter().zip(y) {
        for lane in 0..LANES {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    for ((lane, &x), &y) in lanes.iter_mut().zip(rest_of_x).zip(rest_of_y) {
        *lane += x * y;
    }
    joined(lanes, |a, b| a + b)
}

/// Adds every row of `x` to `sum`, in four independent strands where there are columns enough for a vector.
///
/// # Shapes
/// x: (m, n); sum: (n)
///
/// # Panics
/// If the lengths do not fit.
pub fn add_row_sums<E: Scalar>(sum: &mut [E], x: &[E]) {
    let columns = sum.len();
    whole_rows(x, columns);
    vectorised(
        #[inline(always)]
        || {
            let (blocks, rest) = sum.as_chunks_mut::<LANES>();
            for (block, sum) in blocks.iter_mut().enumerate() {
                let sums = sums_of_lanes(x, columns, block * LANES);
                for lane in 0..LANES {
                    sum[lane] += sums[lane];
                }
            }
            if !rest.is_empty() && !blocks.is_empty() {
                // The last columns together with some that have been added.
                let sums = sums_of_lanes(x, columns, columns - LANES);
                for (sum, of_lane) in rest.iter_mut().rev().zip(sums.into_iter().rev()) {
                    *sum += of_lane;
                }
            } else if !rest.is_empty() {
                for x in x.chunks_exact(columns) {
                    for (sum, &x) in rest.iter_mut().zip(x) {
                        *sum += x;
                    }
                }
            }
        },
    );
}

/// The sums of [`LANES`] columns from `start` on.
#[inline(always)]
fn sums_of_lanes<E: Scalar>(x: &[E], columns: usize, start: usize) -> [E; LANES] {
    const STRANDS: usize = 4;
    let mut strands = [[E::ZERO; LANES]; STRANDS];
    let groups = x.chunks_exact(STRANDS * columns);
    let last_rows = groups.remainder();
    for rows in groups {
        for (strand, sums) in strands.iter_mut().enumerate() {
            let row = &rows[strand * columns + start..][..LANES];
            for lane in 0..LANES {
                sums[lane] += row[lane];
            }
        }
    }
    for row in last_rows.chunks_exact(columns) {
        let row = &row[start..][..LANES];
        for lane in 0..LANES {
            strands[0][lane] += row[lane];
        }
    }
    let [a, b, c, d] = strands;
    std::array::from_fn(|lane| (a[lane] + b[lane]) + (c[lane] + d[lane]))
}

/// y_i = the sum of a_ij b_ij over j.
///
/// # Shapes
/// a, b: (rows, columns); y: (rows)
///
/// # Panics
/// If the lengths do not fit.
pub fn row_dots<E: Scalar>(y: &mut [E], a: &[E], b: &[E]) {
    same_length(a, b);
    assert!(!y.is_empty() && a.len().is_multiple_of(y.len()), "{} values in {} rows", a.len(), y.len());
    let columns = a.len() / y.len();
    vectorised(
        #[inline(always)]
        || {
            for ((y, a), b) in y.iter_mut().zip(a.chunks_exact(columns)).zip(b.chunks_exact(columns)) {
                *y = dot(a, b);
            }
        },
    );
}

/// dy = 0 where the output `y` of a rectifier is not positive; what is left of each row is added to `sum`.
///
/// # Shapes
/// dy, y: (m, n); sum: (n)
///
/// # Panics
/// If the lengths do not fit.
pub fn relu_backward_with_row_sums<E: Scalar>(dy: &mut [E], y: &[E], sum: &mut [E]) {
    same_length(dy, y);
    let columns = sum.len();
    whole_rows(y, columns);
    vectorised(
        #[inline(always)]
        || {
            for (dy, y) in dy.chunks_exact_mut(columns).zip(y.chunks_exact(columns)) {
                for ((dy, &y), sum) in dy.iter_mut().zip(y).zip(&mut *sum) {
                    let d = if y > E::ZERO { *dy } else { E::ZERO };
                    *dy = d;
                    *sum += d;
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::{add_row_sums, relu_backward_with_row_sums};
    use crate::kernels::relu_backward;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_rectifiers_gradient_is_summed_where_it_is_made(
            columns in 1usize..40, values in proptest::collection::vec((-4i8..5, -4i8..5), 40..400),
        ) {
            // Small whole numbers: every order of adding gives the same sum.
            let values = &values[..values.len() / columns * columns];
            let (mut dy, y): (Vec<f32>, Vec<f32>) = values.iter().map(|&(dy, y)| (f32::from(dy), f32::from(y))).unzip();
            let (mut want, mut want_sum) = (vec![f32::NAN; dy.len()], vec![1.0; columns]);
            relu_backward(&mut want, &dy, &y);
            add_row_sums(&mut want_sum, &want);
            let mut sum = vec![1.0; columns];
            relu_backward_with_row_sums(&mut dy, &y, &mut sum);
            prop_assert_eq!((dy, sum), (want, want_sum));
        }
    }
}
