//! Element-wise functions of vectors and of the rows of matrices.
//!
//! Plain loops over contiguous values, compiled for each instruction set. Limit: the bandwidth of the cache that holds
//! the values, or of memory.

use super::instruction_set::vectorised;
use super::lengths::{same_length, whole_rows};
use super::parallel::{PER_VALUE, Rows, parallel_chunks};
use crate::scalar::Scalar;

/// Calls `f` with each value of y and the values at the same place of the vectors `x`.
///
/// # Panics
/// If the lengths do not fit.
#[inline(always)]
fn zip_with<E: Scalar, const N: usize>(y: &mut [E], x: [&[E]; N], f: impl Fn(&mut E, [E; N]) + Sync) {
    x.iter().for_each(|x| same_length(y, x));
    let places = 0..y.len();
    parallel_chunks(PER_VALUE * y.len(), (Rows(y, 1), places), |(Rows(y, _), places)| {
        vectorised(
            #[inline(always)]
            || {
                // Cut here, beside the loop: so the compiler sees that every place is in bounds, and vectorises.
                let len = y.len();
                let x = x.map(|x| &x[places.start..][..len]);
                for (y, place) in y.iter_mut().zip(0..len) {
                    f(y, x.map(|x| x[place]));
                }
            },
        );
    });
}

/// y = max(x, 0).
///
/// # Shapes
/// y, x: (n)
///
/// # Panics
/// If the lengths do not fit.
pub fn relu<E: Scalar>(y: &mut [E], x: &[E]) {
    zip_with(y, [x], |y, [x]| *y = if x > E::ZERO { x } else { E::ZERO });
}

/// dx = dy where the output `y` of [`relu`] is positive, else 0.
///
/// # Shapes
/// dx, dy, y: (n)
///
/// # Panics
/// If the lengths do not fit.
pub fn relu_backward<E: Scalar>(dx: &mut [E], dy: &[E], y: &[E]) {
    zip_with(dx, [dy, y], |dx, [dy, y]| *dx = if y > E::ZERO { dy } else { E::ZERO });
}

/// y += x.
///
/// # Shapes
/// y, x: (n)
///
/// # Panics
/// If the lengths do not fit.
pub fn add<E: Scalar>(y: &mut [E], x: &[E]) {
    zip_with(y, [x], |y, [x]| *y += x);
}

/// y = a + b.
///
/// # Shapes
/// y, a, b: (n)
///
/// # Panics
/// If the lengths do not fit.
pub fn sum<E: Scalar>(y: &mut [E], a: &[E], b: &[E]) {
    zip_with(y, [a, b], |y, [a, b]| *y = a + b);
}

/// y *= x, element by element.
///
/// # Shapes
/// y, x: (n)
///
/// # Panics
/// If the lengths do not fit.
pub fn multiply<E: Scalar>(y: &mut [E], x: &[E]) {
    zip_with(y, [x], |y, [x]| *y *= x);
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
