//! Products of matrices, affine maps among them.

use super::from_memory::{by_partial_sums, is_from_memory};
use super::instruction_set::vectorised;
use super::matrix::{Blocks, Matrix, MatrixMut};
use super::panels::{Product, Summand};
use crate::scalar::Scalar;

/// c = a b, or c = c + a b if `accumulate`.
///
/// # Shapes
/// a: (m, k); b: (k, n); c: (m, n)
///
/// # Panics
/// If the shapes do not fit.
pub fn product<E: Scalar>(c: MatrixMut<'_, E>, a: Matrix<'_, E>, b: Matrix<'_, E>, accumulate: bool) {
    let [m, n] = c.shape;
    E::multiply(least_copied(c, a, b, accumulate), m * n * a.shape[1]);
}

/// The product, or the transposed product c^T = b^T a^T if it has less to copy: rows of b and c that are not contiguous
/// are copied.
fn least_copied<'m, E: Scalar>(
    c: MatrixMut<'m, E>,
    a: Matrix<'m, E>,
    b: Matrix<'m, E>,
    accumulate: bool,
) -> Product<'m, E> {
    let ([m, k], [inner, n]) = (a.shape, b.shape);
    assert!(inner == k && c.shape == [m, n], "{:?} x {:?} is not {:?}", a.shape, b.shape, c.shape);
    let copied = |b: &Matrix<'_, E>, c: [usize; 2]| {
        let of_b = if b.strides[1] == 1 { 0 } else { k * b.shape[1] };
        of_b + if c[1] == 1 { 0 } else { m * n }
    };
    let [row, column] = c.strides;
    let summand = Summand::of(accumulate);
    match copied(&a.transposed(), [column, row]) < copied(&b, [row, column]) {
        false => Product::of_blocks(c, a.into(), b, summand),
        true => Product::of_blocks(c.transposed(), b.transposed().into(), a.transposed(), summand),
    }
}

/// c = a b, or c = c + a b if `accumulate`, for a matrix a in blocks.
///
/// # Shapes
/// a: (m, k); b: (k, n); c: (m, n)
///
/// # Panics
/// If the shapes do not fit.
pub fn product_of_blocks<E: Scalar>(
    c: MatrixMut<'_, E>,
    a: Blocks<'_, E>,
    b: Matrix<'_, E>,
    accumulate: bool,
) {
    E::multiply(Product::of_blocks(c, a, b, Summand::of(accumulate)), 0);
}

/// y = x w + bias: the bias is added to each row.
///
/// # Shapes
/// x: (m, k); w: (k, n); bias: (n); y: (m, n)
///
/// # Panics
/// If the shapes do not fit, or if the rows of w or y are not contiguous.
pub fn affine<'m, E: Scalar>(
    y: MatrixMut<'m, E>,
    x: impl Into<Blocks<'m, E>>,
    w: Matrix<'m, E>,
    bias: &'m [E],
) {
    rectified_affine(y, x.into(), w, bias, false);
}

/// y = max(x w + bias, 0): the bias is added to each row.
///
/// # Shapes
/// x: (m, k); w: (k, n); bias: (n); y: (m, n)
///
/// # Panics
/// If the shapes do not fit, or if the rows of w or y are not contiguous.
pub fn affine_relu<'m, E: Scalar>(
    y: MatrixMut<'m, E>,
    x: impl Into<Blocks<'m, E>>,
    w: Matrix<'m, E>,
    bias: &'m [E],
) {
    rectified_affine(y, x.into(), w, bias, true);
}

/// [`affine_relu`] if `rectified`, otherwise [`affine`].
fn rectified_affine<'m, E: Scalar>(
    y: MatrixMut<'m, E>,
    x: Blocks<'m, E>,
    w: Matrix<'m, E>,
    bias: &'m [E],
    rectified: bool,
) {
    let ([m, n], [k, _]) = (y.shape, w.shape);
    let product = Product { rectified, ..Product::of_blocks(y, x, w, Summand::Row(bias)) };
    let are_contiguous = product.b.strides[1] == 1 && product.c.strides[1] == 1;
    assert!(are_contiguous, "rows of {n} values");
    if is_from_memory(&product) {
        by_partial_sums(product, bias);
    } else {
        E::multiply(product, m * n * k);
    }
}

/// y += x w, reading only the rows of `w` whose `x` is not zero: about half of them after a ReLU.
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
    use super::super::panels::{LARGE, ROWS_AT_A_TIME};
    use super::{
        Matrix, MatrixMut, Product, Summand, affine, affine_relu, is_from_memory, least_copied, product,
        rectified_affine, vector_matrix,
    };
    use crate::kernels::InstructionSet;
    use crate::kernels::instruction_set::dispatch;
    use crate::kernels::parallel::parallel_chunks_with;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};

    fn random(len: usize, seed: u64) -> Vec<f32> {
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(seed);
        (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    /// Calls `body` with each instruction set that this processor has.
    fn with_every_set(mut body: impl FnMut()) {
        InstructionSet::available().into_iter().for_each(|set| set.run(&mut body));
    }

    fn f64_product(a: &[f32], b: &[f32], start: &[f32], n: usize) -> Vec<f64> {
        let (m, k) = (start.len() / n, b.len() / n);
        let mut want: Vec<f64> = start.iter().map(|&value| value.into()).collect();
        for (i, want) in want.chunks_exact_mut(n).take(m).enumerate() {
            for (&a, b) in a[i * k..][..k].iter().zip(b.chunks_exact(n)) {
                want.iter_mut().zip(b).for_each(|(want, &b)| *want += f64::from(a) * f64::from(b));
            }
        }
        want
    }

    /// Every element of a and b has its part in an element of c that would not come out right without it.
    #[test]
    fn products_by_blocks_of_rows_equal_plain_loops() {
        let [m, k, n] = [1_100, 9, 1_000];
        assert!(m * n > LARGE && m > ROWS_AT_A_TIME);
        let (a, b, start) = (random(m * k, 1), random(k * n, 2), random(m * n, 3));
        let want = f64_product(&a, &b, &start, n);
        with_every_set(|| {
            let mut c = start.clone();
            let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, k, n));
            product(MatrixMut::new(&mut c, m, n), a, b, true);
            for (&c, want) in c.iter().zip(&want) {
                assert!((f64::from(c) - want).abs() < 1e-4, "{c}, should be {want}");
            }
        });
    }

    /// With a gap after each row of all matrices. A sum that is negative after one part of the inner loop may be
    /// positive after the last; NaN becomes zero, as in a tile.
    #[test]
    fn affine_maps_from_memory_equal_plain_loops() {
        const GAP: usize = 3;
        let [k, n] = [1_100, 1_000];
        for m in [1, 9, 64] {
            let (x, w, mut bias) = (random(m * k, 1), random(k * n, 2), random(n, 3));
            let want = f64_product(&x, &w, &bias.repeat(m), n);
            assert!(want.iter().any(|&want| want < 0.0) && want.iter().any(|&want| want > 0.0));
            bias[5] = f32::NAN;
            let with_gaps = |values: &[f32], columns: usize| -> Vec<f32> {
                let rows = values.chunks_exact(columns);
                rows.flat_map(|row| row.iter().copied().chain([f32::NAN; GAP])).collect()
            };
            let (x, w) = (with_gaps(&x, k), with_gaps(&w, n));
            let x = Matrix::strided(&x, [m, k], [k + GAP, 1]);
            let w = Matrix::strided(&w, [k, n], [n + GAP, 1]);
            for rectified in [false, true] {
                with_every_set(|| {
                    let mut y = vec![7.0; m * (n + GAP)];
                    let of_rows = MatrixMut::strided(&mut y, [m, n], [n + GAP, 1]);
                    assert!(is_from_memory(&Product::of_blocks(of_rows, x.into(), w, Summand::Nothing)));
                    let of_rows = MatrixMut::strided(&mut y, [m, n], [n + GAP, 1]);
                    rectified_affine(of_rows, x.into(), w, &bias, rectified);
                    for (y, want) in y.chunks_exact(n + GAP).zip(want.chunks_exact(n)) {
                        assert!(if rectified { y[5] == 0.0 } else { y[5].is_nan() });
                        for (&y, &want) in y.iter().zip(want).filter(|(y, _)| **y != 0.0 && !y.is_nan()) {
                            assert!((f64::from(y) - want).abs() < 1e-4, "{y}, should be {want}");
                        }
                        for (j, (&y, &want)) in y.iter().zip(want).enumerate() {
                            assert!(
                                j == 5 || (y == 0.0) == (rectified && want < 0.0),
                                "{y}, should be {want}"
                            );
                        }
                        assert!(y[n..] == [7.0; GAP], "the gaps between rows stay");
                    }
                });
            }
        }
    }

    /// A row that is a transposed column: its row stride means nothing.
    #[test]
    fn an_affine_map_from_memory_may_be_one_row() {
        let [k, n] = [1_100, 1_000];
        let (x, w, bias) = (random(k, 1), random(k * n, 2), random(n, 3));
        let (mut y, mut want) = (vec![0.0; n], vec![0.0; n]);
        let (x, w) = (Matrix::new(&x, 1, k), Matrix::new(&w, k, n));
        affine(MatrixMut::new(&mut y, n, 1).transposed(), x, w, &bias);
        affine(MatrixMut::new(&mut want, 1, n), x, w, &bias);
        assert_eq!(y, want);
    }

    proptest! {
        #[test]
        fn affine_maps_are_products_and_a_row(m in 1usize..20, k in 0usize..40, n in 1usize..80, seed: u64) {
            let (x, w, bias) = (random(m * k, seed), random(k * n, !seed), random(n, seed ^ 1));
            let (x, w) = (Matrix::new(&x, m, k), Matrix::new(&w, k, n));
            let (mut y, mut want) = (vec![f32::NAN; m * n], bias.repeat(m));
            affine(MatrixMut::new(&mut y, m, n), x, w, &bias);
            product(MatrixMut::new(&mut want, m, n), x, w, true);
            prop_assert_eq!(&y, &want);
            affine_relu(MatrixMut::new(&mut y, m, n), x, w, &bias);
            let want: Vec<f32> = want.into_iter().map(|want| want.max(0.0)).collect();
            prop_assert_eq!(y, want);
        }

        #[test]
        fn products_equal_plain_loops(
            m in 1usize..40, k in 1usize..40, n in 1usize..80, gap in 0usize..3, seed: u64, accumulate: bool,
            transposed: [bool; 3],
        ) {
            // Values of a matrix with gaps after its rows, or columns if it is transposed, and its strides.
            let matrix = |rows: usize, columns: usize, which: usize| {
                let values = random((rows + gap) * (columns + gap), seed ^ which as u64);
                (values, if transposed[which] { [1, rows + gap] } else { [columns + gap, 1] })
            };
            let ((a, sa), (b, sb), (start, sc)) = (matrix(m, k, 0), matrix(k, n, 1), matrix(m, n, 2));
            let mut want: Vec<f64> = start.iter().map(|&value| f64::from(value)).collect();
            for i in 0..m {
                for j in 0..n {
                    let of = |x: &[f32], s: [usize; 2], i, j| f64::from(x[i * s[0] + j * s[1]]);
                    let dot: f64 = (0..k).map(|l| of(&a, sa, i, l) * of(&b, sb, l, j)).sum();
                    want[i * sc[0] + j * sc[1]] = dot + if accumulate { of(&start, sc, i, j) } else { 0.0 };
                }
            }
            let (left, right) = (Matrix::strided(&a, [m, k], sa), Matrix::strided(&b, [k, n], sb));
            with_every_set(|| {
                let mut c = start.clone();
                product(MatrixMut::strided(&mut c, [m, n], sc), left, right, accumulate);
                for (&c, want) in c.iter().zip(&want) {
                    assert!((f64::from(c) - want).abs() < 1e-5, "{c}, should be {want}");
                }
            });
            let double = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            let (a, b, mut c) = (double(&a), double(&b), double(&start));
            let (left, right) = (Matrix::strided(&a, [m, k], sa), Matrix::strided(&b, [k, n], sb));
            product(MatrixMut::strided(&mut c, [m, n], sc), left, right, accumulate);
            for (c, want) in c.iter().zip(&want) {
                prop_assert!((c - want).abs() < 1e-13, "{c}, should be {want}");
            }
        }

        #[test]
        fn chunks_of_a_product_equal_the_whole_to_the_bit(
            m in 1usize..60, k in 1usize..20, n in 1usize..80, chunks in 1usize..5, seed: u64, transposed: [bool; 3],
        ) {
            let strides = |rows: usize, columns: usize, which: usize| {
                if transposed[which] { [1, rows] } else { [columns, 1] }
            };
            let (a, b) = (random(m * k, seed), random(k * n, !seed));
            let (left, right) =
                (Matrix::strided(&a, [m, k], strides(m, k, 0)), Matrix::strided(&b, [k, n], strides(k, n, 1)));
            let multiplied = |chunks: usize| {
                let mut c = vec![f32::NAN; m * n];
                let result = MatrixMut::strided(&mut c, [m, n], strides(m, n, 2));
                let whole = least_copied(result, left, right, false);
                parallel_chunks_with(&mut vec![(); chunks], whole, &|(), chunk| dispatch(chunk));
                c
            };
            prop_assert_eq!(multiplied(chunks + 1), multiplied(1));
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
}
