//! A matrix product in double precision alone.
//!
//! [`product`](super::product) computes in double precision too, at any shape and near the processor's limit. Its code
//! for another type of numbers takes the compiler over a minute; this one takes it a second. The multiplier is the
//! limit: its multiply-adds are not fused.

use super::vectorised;

/// Rows and columns of c that are summed at once: their sums stay in registers.
const ROWS: usize = 4;
const COLUMNS: usize = 16;

/// c = a b.
///
/// # Shapes
/// a: (m, k); b: (k, n); c: (m, n), all row-major, for `[m, k, n]`
///
/// # Panics
/// If a slice is shorter than its matrix.
pub(crate) fn product(c: &mut [f64], a: &[f64], b: &[f64], [m, k, n]: [usize; 3]) {
    vectorised(
        #[inline(always)]
        || {
            for row in (0..m).step_by(ROWS) {
                let rows = ROWS.min(m - row);
                for column in (0..n).step_by(COLUMNS) {
                    let columns = COLUMNS.min(n - column);
                    let mut sums = [[0.0; COLUMNS]; ROWS];
                    for l in 0..k {
                        let mut of_b = [0.0; COLUMNS];
                        let values = &b[l * n + column..][..columns];
                        match <&[f64; COLUMNS]>::try_from(values) {
                            Ok(values) => of_b = *values,
                            Err(_) => of_b[..columns].copy_from_slice(values),
                        }
                        for (i, sums) in sums.iter_mut().enumerate() {
                            // A row beyond the last is computed as the last, and not written.
                            let of_a = a[(row + i.min(rows - 1)) * k + l];
                            for (sum, of_b) in sums.iter_mut().zip(&of_b) {
                                *sum += of_a * of_b;
                            }
                        }
                    }
                    for (i, sums) in sums[..rows].iter().enumerate() {
                        c[(row + i) * n + column..][..columns].copy_from_slice(&sums[..columns]);
                    }
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::product;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_product_equals_its_definition(
            m in 1usize..11, k in 0usize..9, n in 1usize..35, values in proptest::collection::vec(-1.0f64..1.0, 500),
        ) {
            let (a, b) = (&values[..m * k], &values[100..100 + k * n]);
            let mut c = vec![f64::NAN; m * n];
            product(&mut c, a, b, [m, k, n]);
            for (index, c) in c.iter().enumerate() {
                let want: f64 = (0..k).map(|l| a[index / n * k + l] * b[l * n + index % n]).sum();
                prop_assert!((c - want).abs() < 1e-14);
            }
        }
    }
}
