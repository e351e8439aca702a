//! Passes over vectors and over the rows of matrices: element-wise functions, sums.
//!
//! Plain loops over contiguous values, compiled for each set of instructions. Limit: memory. Measured on one core of a Zen 5
//! with y += x: 390 GB/s from the second cache and 64 from memory where vectors are whole cache lines, else 277 and 59. Noisy
//! weights (`multiply_outer`) and ReLU are beside it in docs/roofline.svg. Row sums come at 125 GB/s, what the third cache gives.

use super::parts::{Of, share};
use super::vectorised;
use crate::scalar::Scalar;

/// Elements summed side by side, so that a sum becomes vector instructions with one order on every processor.
const LANES: usize = 16;

/// A pass over memory takes as long for an element as so many multiply-adds.
const MEMORY: usize = 16;

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

/// Refuses vectors of different lengths.
pub(super) fn same_length<E>(a: &[E], b: &[E]) {
    assert_eq!(a.len(), b.len(), "lengths of vectors");
}

/// Refuses a matrix that is not made of whole rows.
pub(super) fn whole_rows<E>(x: &[E], columns: usize) {
    assert!(columns > 0 && x.len().is_multiple_of(columns), "{} values in rows of {columns}", x.len());
}

/// y = max(x, 0).
///
/// # Shapes
/// y, x: (n)
///
/// # Panics
/// If the lengths do not fit.
pub fn relu<E: Scalar>(y: &mut [E], x: &[E]) {
    same_length(y, x);
    share(MEMORY * y.len(), (Of(y, 1), Of(x, 1)), |(Of(y, _), Of(x, _))| {
        vectorised(
            #[inline(always)]
            || {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = if x > E::ZERO { x } else { E::ZERO };
                }
            },
        );
    });
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

/// dx = dy where the output `y` of [`relu`] is positive, else 0.
///
/// # Shapes
/// dx, dy, y: (n)
///
/// # Panics
/// If the lengths do not fit.
pub fn relu_backward<E: Scalar>(dx: &mut [E], dy: &[E], y: &[E]) {
    same_length(dx, dy);
    same_length(dx, y);
    share(MEMORY * y.len(), (Of(dx, 1), Of(dy, 1), Of(y, 1)), |(Of(dx, _), Of(dy, _), Of(y, _))| {
        vectorised(
            #[inline(always)]
            || {
                for ((dx, &dy), &y) in dx.iter_mut().zip(dy).zip(y) {
                    *dx = if y > E::ZERO { dy } else { E::ZERO };
                }
            },
        );
    });
}

/// y += x.
///
/// # Shapes
/// y, x: (n)
///
/// # Panics
/// If the lengths do not fit.
pub fn add<E: Scalar>(y: &mut [E], x: &[E]) {
    same_length(y, x);
    share(MEMORY * y.len(), (Of(y, 1), Of(x, 1)), |(Of(y, _), Of(x, _))| {
        vectorised(
            #[inline(always)]
            || {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y += x;
                }
            },
        );
    });
}

/// y = a + b.
///
/// # Shapes
/// y, a, b: (n)
///
/// # Panics
/// If the lengths do not fit.
pub fn sum<E: Scalar>(y: &mut [E], a: &[E], b: &[E]) {
    same_length(y, a);
    same_length(y, b);
    share(MEMORY * y.len(), (Of(y, 1), Of(a, 1), Of(b, 1)), |(Of(y, _), Of(a, _), Of(b, _))| {
        vectorised(
            #[inline(always)]
            || {
                for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
                    *y = a + b;
                }
            },
        );
    });
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

/// y_ij = a_ij + s_ij u_i v_j: a noisy layer's weights from mu, sigma and the two noise vectors; or, without
/// `a`, the gradient of sigma from that of mu.
///
/// # Shapes
/// y, a, s: (m, n); u: (m); v: (n)
///
/// # Panics
/// If the lengths do not fit.
pub fn multiply_outer<E: Scalar>(y: &mut [E], a: Option<&[E]>, s: &[E], u: &[E], v: &[E]) {
    assert_eq!(y.len(), u.len() * v.len(), "values of an outer product");
    same_length(y, s);
    let n = v.len();
    vectorised(
        #[inline(always)]
        || {
            for (i, &u) in u.iter().enumerate() {
                let row = i * n..(i + 1) * n;
                let y = &mut y[row.clone()];
                let s = &s[row.clone()];
                match a {
                    Some(a) => {
                        for (((y, &a), &s), &v) in y.iter_mut().zip(&a[row]).zip(s).zip(v) {
                            *y = a + s * (u * v);
                        }
                    }
                    None => {
                        for ((y, &s), &v) in y.iter_mut().zip(s).zip(v) {
                            *y = s * (u * v);
                        }
                    }
                }
            }
        },
    );
}

/// x_ij *= s_i: each row times a number.
///
/// # Shapes
/// x: (rows, columns); s: (rows)
///
/// # Panics
/// If the lengths do not fit.
pub fn scale_rows<E: Scalar>(x: &mut [E], s: &[E]) {
    assert!(!s.is_empty() && x.len().is_multiple_of(s.len()), "{} values in {} rows", x.len(), s.len());
    let columns = x.len() / s.len();
    vectorised(
        #[inline(always)]
        || {
            for (x, &s) in x.chunks_exact_mut(columns).zip(s) {
                for x in x.iter_mut() {
                    *x *= s;
                }
            }
        },
    );
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

/// y = x minus the mean of the blocks of `a`, row by row: y_ij = x_ij - (1 / b) sum_k a_i,(k n + j).
///
/// # Shapes
/// y, x: (rows, `n`); a: (rows, b `n`)
///
/// # Panics
/// If the lengths do not fit.
pub fn minus_mean_of_blocks<E: Scalar>(y: &mut [E], x: &[E], a: &[E], n: usize) {
    same_length(y, x);
    whole_rows(x, n);
    whole_rows(a, x.len());
    let row_of_a = a.len() / (x.len() / n);
    let scale = -E::ONE / E::from_f64((row_of_a / n) as f64);
    vectorised(
        #[inline(always)]
        || {
            let rows = x.chunks_exact(n).zip(a.chunks_exact(row_of_a));
            for (y, (x, a)) in y.chunks_exact_mut(n).zip(rows) {
                y.fill(E::ZERO);
                for a in a.chunks_exact(n) {
                    for (y, &a) in y.iter_mut().zip(a) {
                        *y += a;
                    }
                }
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = x + *y * scale;
                }
            }
        },
    );
}

/// Every block of a row of `y` = s x: y_i,(k n + j) = s x_ij.
///
/// # Shapes
/// x: (rows, `n`); y: (rows, b `n`)
///
/// # Panics
/// If the lengths do not fit.
pub fn repeat_scaled<E: Scalar>(y: &mut [E], x: &[E], n: usize, s: E) {
    whole_rows(x, n);
    whole_rows(y, x.len());
    let row_of_y = y.len() / (x.len() / n);
    vectorised(
        #[inline(always)]
        || {
            for (y, x) in y.chunks_exact_mut(row_of_y).zip(x.chunks_exact(n)) {
                for y in y.chunks_exact_mut(n) {
                    for (y, &x) in y.iter_mut().zip(x) {
                        *y = s * x;
                    }
                }
            }
        },
    );
}

/// y *= x, element by element.
///
/// # Shapes
/// y, x: (n)
///
/// # Panics
/// If the lengths do not fit.
pub fn multiply<E: Scalar>(y: &mut [E], x: &[E]) {
    same_length(y, x);
    vectorised(
        #[inline(always)]
        || {
            for (y, &x) in y.iter_mut().zip(x) {
                *y *= x;
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::{add_row_sums, relu_backward, relu_backward_with_row_sums};
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
