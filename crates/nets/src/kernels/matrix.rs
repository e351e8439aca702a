//! Strided matrices over slices, and their products.

use super::vectorised;
use crate::scalar::Scalar;

/// A matrix somewhere in a slice: element (i, j) lies at `i * row_stride + j * column_stride`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, E> {
    data: &'a [E],
    shape: [usize; 2],
    strides: [usize; 2],
}

/// A [`Matrix`] to write to.
#[derive(Debug)]
pub struct MatrixMut<'a, E> {
    data: &'a mut [E],
    shape: [usize; 2],
    strides: [usize; 2],
}

/// Refuses a matrix that would reach beyond its slice.
fn check(len: usize, shape: [usize; 2], strides: [usize; 2]) {
    if shape[0] > 0 && shape[1] > 0 {
        let last = (shape[0] - 1) * strides[0] + (shape[1] - 1) * strides[1];
        assert!(last < len, "a {shape:?} matrix of strides {strides:?} ends at {last}, beyond {len} values");
    }
}

impl<'a, E> Matrix<'a, E> {
    /// `rows` x `columns` values, row by row.
    ///
    /// # Panics
    /// If `data` is shorter.
    pub fn new(data: &'a [E], rows: usize, columns: usize) -> Self {
        Self::strided(data, [rows, columns], [columns, 1])
    }

    /// A matrix of the given shape and strides, both (row, column).
    ///
    /// # Panics
    /// If its last element lies beyond `data`.
    pub fn strided(data: &'a [E], shape: [usize; 2], strides: [usize; 2]) -> Self {
        check(data.len(), shape, strides);
        Matrix { data, shape, strides }
    }

    /// The transposed matrix; nothing is moved.
    #[must_use]
    pub fn transposed(self) -> Self {
        let ([rows, columns], [row, column]) = (self.shape, self.strides);
        Matrix { data: self.data, shape: [columns, rows], strides: [column, row] }
    }
}

impl<'a, E> MatrixMut<'a, E> {
    /// `rows` x `columns` values, row by row.
    ///
    /// # Panics
    /// If `data` is shorter.
    pub fn new(data: &'a mut [E], rows: usize, columns: usize) -> Self {
        Self::strided(data, [rows, columns], [columns, 1])
    }

    /// A matrix of the given shape and strides, both (row, column).
    ///
    /// # Panics
    /// If its last element lies beyond `data`, or if two elements share a place.
    pub fn strided(data: &'a mut [E], shape: [usize; 2], strides: [usize; 2]) -> Self {
        check(data.len(), shape, strides);
        let row_major = strides[1] >= 1 && strides[0] >= shape[1] * strides[1];
        let column_major = strides[0] >= 1 && strides[1] >= shape[0] * strides[0];
        assert!(
            row_major || column_major || shape.contains(&0),
            "elements of {shape:?}, {strides:?} overlap"
        );
        MatrixMut { data, shape, strides }
    }
}

/// c = a b, or c = c + a b if `accumulate`.
///
/// # Shapes
/// a: (m, k); b: (k, n); c: (m, n)
///
/// # Panics
/// If the shapes do not fit.
#[allow(unsafe_code)]
pub fn product<E: Scalar>(c: MatrixMut<'_, E>, a: Matrix<'_, E>, b: Matrix<'_, E>, accumulate: bool) {
    let ([m, k], [inner, n]) = (a.shape, b.shape);
    assert!(inner == k && c.shape == [m, n], "{:?} x {:?} is not {:?}", a.shape, b.shape, c.shape);
    let alpha = if accumulate { E::ONE } else { E::ZERO };
    // SAFETY: `check` made sure that the last element of each matrix, and so every element, lies in its slice
    // (strides are not negative); `c` is borrowed mutably, so it overlaps neither `a` nor `b`, and
    // `MatrixMut::strided` made sure that no two of its elements share a place. All three hold initialised
    // values of one type, f32 or f64 (`Scalar` is sealed), which gemm dispatches on.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.data.as_mut_ptr(),
            c.strides[1] as isize,
            c.strides[0] as isize,
            accumulate,
            a.data.as_ptr(),
            a.strides[1] as isize,
            a.strides[0] as isize,
            b.data.as_ptr(),
            b.strides[1] as isize,
            b.strides[0] as isize,
            alpha,
            E::ONE,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// y += x w, reading only the rows of `w` whose `x` is not zero: half of them behind a ReLU.
///
/// # Shapes
/// x: (k); w: (k, n), row-major; y: (n)
///
/// # Panics
/// If the lengths do not fit.
pub fn vector_matrix<E: Scalar>(y: &mut [E], x: &[E], w: &[E]) {
    assert_eq!(w.len(), x.len() * y.len(), "values of the matrix");
    vectorised(
        #[inline(always)]
        || {
            for (&x, row) in x.iter().zip(w.chunks_exact(y.len().max(1))) {
                if x != E::ZERO {
                    for (y, &w) in y.iter_mut().zip(row) {
                        *y += x * w;
                    }
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::{Matrix, MatrixMut, product, vector_matrix};
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};

    fn random(len: usize, seed: u64) -> Vec<f32> {
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(seed);
        (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    proptest! {
        #[test]
        fn products_equal_plain_loops(
            m in 1usize..40, k in 1usize..40, n in 1usize..40, gap in 0usize..3, seed: u64, accumulate: bool,
            transpose_a: bool, transpose_b: bool,
        ) {
            let (a, b) = (random((m + gap) * (k + gap), seed), random((k + gap) * (n + gap), !seed));
            let start = random(m * (n + gap), seed ^ 7);
            let stride = |rows: usize, columns: usize, transposed: bool| {
                if transposed { [1, rows + gap] } else { [columns + gap, 1] }
            };
            let (sa, sb) = (stride(m, k, transpose_a), stride(k, n, transpose_b));
            let mut c = start.clone();
            product(
                MatrixMut::strided(&mut c, [m, n], [n + gap, 1]),
                Matrix::strided(&a, [m, k], sa),
                Matrix::strided(&b, [k, n], sb),
                accumulate,
            );
            for i in 0..m {
                for j in 0..n + gap {
                    let before = f64::from(start[i * (n + gap) + j]);
                    let dot: f64 = (0..k)
                        .map(|l| f64::from(a[i * sa[0] + l * sa[1]]) * f64::from(b[l * sb[0] + (j % n) * sb[1]]))
                        .sum();
                    let want = if j >= n { before } else if accumulate { before + dot } else { dot };
                    prop_assert!((f64::from(c[i * (n + gap) + j]) - want).abs() < 1e-5);
                }
            }
        }

        #[test]
        fn vector_products_equal_matrix_products(k in 1usize..40, n in 1usize..40, seed: u64) {
            let (mut x, w) = (random(k, seed), random(k * n, !seed));
            x[seed as usize % k] = 0.0;
            let (mut y, mut want) = (vec![0.0; n], vec![0.0; n]);
            vector_matrix(&mut y, &x, &w);
            product(MatrixMut::new(&mut want, 1, n), Matrix::new(&x, 1, k), Matrix::new(&w, k, n), false);
            for (y, want) in y.iter().zip(&want) {
                prop_assert!((y - want).abs() < 1e-5);
            }
        }
    }

    #[test]
    #[should_panic(expected = "ends at 5, beyond 5 values")]
    fn a_matrix_beyond_its_slice_is_refused() {
        Matrix::new(&[0.0_f32; 5], 2, 3);
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn a_matrix_over_itself_cannot_be_written() {
        MatrixMut::strided(&mut [0.0_f32; 5], [2, 3], [1, 1]);
    }
}
