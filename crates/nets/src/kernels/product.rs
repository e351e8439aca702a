//! Products of strided matrices, block by block, panel by panel and tile by tile.
//!
//! A panel is as wide as two vectors. What does not lie as the tile needs it, a b or c without contiguous rows, is copied by
//! the panel. Limit: multiply-adds; for a b larger than the second cache, the way from memory. Measured on one core of a
//! Zen 5, of 272 GFLOP/s: 265 at 32 x 1,024 x 128, 240 where c is written column by column (gradients of inputs; 190 before
//! blocks were turned in registers), 220 where the inner loop is 32 long (gradients of kernels), 250 at 32 x 3,872 x 512,
//! 200 at 32 x 7,744 x 512 and 130 at 32 x 7,744 x 969, whose 30 MB come from memory.

use super::instructions::{dispatch, vectorised};
use super::matrix::{Blocks, Matrix, MatrixMut};
use super::parts::{Rows, share};
use super::tile::{self, Operands, ROWS};
use super::transposition::{At, copy_transposed};
use crate::scalar::Scalar;
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// As many values as the second cache holds. A b or c of several panels and more values is taken by blocks, whose rows lie on
/// fewer pages than those of a whole panel. Blocks are the same on every processor, so that all add in the same order.
const SECOND_CACHE: usize = 1 << 20;
/// Rows of b in such a block.
const INNER_AT_A_TIME: usize = 256;
/// Rows of c in such a block.
const ROWS_AT_A_TIME: usize = 64;
/// Columns of the widest panel.
const COLUMNS: usize = 32;

/// What a product is added to.
#[derive(Clone, Copy, Debug)]
enum Summand<'a, E> {
    Nothing,
    /// What c holds.
    Output,
    /// This, to each row: (n).
    Row(&'a [E]),
}

impl<E> Summand<'_, E> {
    fn of(accumulate: bool) -> Self {
        if accumulate { Summand::Output } else { Summand::Nothing }
    }
}

/// c = a b, or c = c + a b if `accumulate`.
///
/// # Shapes
/// a: (m, k); b: (k, n); c: (m, n)
///
/// # Panics
/// If the shapes do not fit.
pub fn product<E: Scalar>(c: MatrixMut<'_, E>, a: Matrix<'_, E>, b: Matrix<'_, E>, accumulate: bool) {
    product_by(c, a, b, accumulate, dispatch);
}

/// [`product`], by the instructions that `multiply` chooses.
fn product_by<'m, E: Scalar>(
    c: MatrixMut<'m, E>,
    a: Matrix<'m, E>,
    b: Matrix<'m, E>,
    accumulate: bool,
    multiply: impl Fn(Product<'m, E>) + Sync,
) {
    let ([m, k], [inner, n]) = (a.shape, b.shape);
    assert!(inner == k && c.shape == [m, n], "{:?} x {:?} is not {:?}", a.shape, b.shape, c.shape);
    // Rows of b and of c should be contiguous; otherwise they are copied. The transposed product,
    // c^T = b^T a^T, may have less to copy.
    let copied = |b: &Matrix<'_, E>, c: [usize; 2]| {
        let of_b = if b.strides[1] == 1 { 0 } else { k * b.shape[1] };
        of_b + if c[1] == 1 { 0 } else { m * n }
    };
    let [row, column] = c.strides;
    let transposed = copied(&a.transposed(), [column, row]) < copied(&b, [row, column]);
    let summand = Summand::of(accumulate);
    let product = match transposed {
        false => Product::of_blocks(c, a.into(), b, summand),
        true => Product::of_blocks(c.transposed(), b.transposed().into(), a.transposed(), summand),
    };
    share(m * n * k, product, multiply);
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
    dispatch(Product::of_blocks(c, a, b, Summand::of(accumulate)));
}

/// y = x w + bias: the bias is added to each row.
///
/// # Shapes
/// x: (m, k); w: (k, n); bias: (n); y: (m, n)
///
/// # Panics
/// If the shapes do not fit, or if values of a row of w or y do not lie beside each other.
pub fn affine<'m, E: Scalar>(
    y: MatrixMut<'m, E>,
    x: impl Into<Blocks<'m, E>>,
    w: Matrix<'m, E>,
    bias: &'m [E],
) {
    affine_product(y, x.into(), w, bias, false);
}

/// y = max(x w + bias, 0): the bias is added to each row.
///
/// # Shapes
/// x: (m, k); w: (k, n); bias: (n); y: (m, n)
///
/// # Panics
/// If the shapes do not fit, or if values of a row of w or y do not lie beside each other.
pub fn affine_relu<'m, E: Scalar>(
    y: MatrixMut<'m, E>,
    x: impl Into<Blocks<'m, E>>,
    w: Matrix<'m, E>,
    bias: &'m [E],
) {
    affine_product(y, x.into(), w, bias, true);
}

/// [`affine`], or [`affine_relu`] if `rectified`.
fn affine_product<'m, E: Scalar>(
    y: MatrixMut<'m, E>,
    x: Blocks<'m, E>,
    w: Matrix<'m, E>,
    bias: &'m [E],
    rectified: bool,
) {
    let ([m, n], [k, _]) = (y.shape, w.shape);
    let product = Product { rectified, ..Product::of_blocks(y, x, w, Summand::Row(bias)) };
    let are_contiguous = product.b.strides[1] == 1 && product.c.strides[1] == 1;
    assert!(bias.len() == n && are_contiguous, "rows of {n} values");
    share(m * n * k, product, dispatch);
}

/// A product whose shapes fit.
struct Product<'a, E> {
    c: MatrixMut<'a, E>,
    a: Blocks<'a, E>,
    b: Matrix<'a, E>,
    summand: Summand<'a, E>,
    /// Whether what is negative becomes zero.
    rectified: bool,
}

impl<'a, E> Product<'a, E> {
    /// # Panics
    /// If the shapes do not fit.
    fn of_blocks(c: MatrixMut<'a, E>, a: Blocks<'a, E>, b: Matrix<'a, E>, summand: Summand<'a, E>) -> Self {
        let (m, inner) = (a.part.1, a.columns[0] * a.columns[1]);
        let [k, n] = b.shape;
        assert!(inner == k && c.shape == [m, n], "{m}x{inner} times {:?} is not {:?}", b.shape, c.shape);
        Product { c, a, b, summand, rectified: false }
    }
}

/// Some of the columns of a, and as many rows of b.
#[derive(Clone, Copy)]
struct Inner {
    /// How far behind its beginning they lie in a.
    a: usize,
    /// The first row of b.
    b: usize,
    /// Blocks, and columns in a block.
    columns: [usize; 2],
}

/// Some columns of b and c, as wide as a tile, for some of the inner loop.
struct Panel<'p, E> {
    columns: Range<usize>,
    inner: Inner,
    /// Those of b, or a copy, row by row.
    b: *const E,
    b_stride: usize,
    /// A place for a tile of a c whose rows are not contiguous.
    copy: &'p mut [E; tile::VALUES],
}

/// Cut between rows of c, or between columns where those lie apart from each other.
impl<E: Scalar> Rows for Product<'_, E> {
    fn rows(&self) -> usize {
        let [m, n] = self.c.shape;
        if self.c.is_row_major() { m } else { n }
    }

    fn cut(self, row: usize) -> (Self, Self) {
        let Product { c, a, b, summand, rectified } = self;
        let ([m, n], strides) = (c.shape, c.strides);
        let is_row_major = c.is_row_major();
        // Whole tiles, where there are several.
        let unit = if is_row_major { tile::ROWS } else { 2 * tile::ROWS };
        let row = if row > unit { row - row % unit } else { row };
        let (left, right) = c.data.split_at_mut(c.data.len().min(row * strides[usize::from(!is_row_major)]));
        let part = |data, shape| MatrixMut { data, shape, strides };
        if is_row_major {
            let (above, below) = (part(left, [row, n]), part(right, [m - row, n]));
            let [a_above, a_below] = [a.part(0..row), a.part(row..m)];
            (
                Product { c: above, a: a_above, b, summand, rectified },
                Product { c: below, a: a_below, b, summand, rectified },
            )
        } else {
            let (left, right) = (part(left, [m, row]), part(right, [m, n - row]));
            let [k, _] = b.shape;
            let b_right = &b.data[b.data.len().min(row * b.strides[1])..];
            let b_left = Matrix { shape: [k, row], ..b };
            let b_right = Matrix { data: b_right, shape: [k, n - row], ..b };
            let (of_left, of_right) = match summand {
                Summand::Row(values) => {
                    let (left, right) = values.split_at(row);
                    (Summand::Row(left), Summand::Row(right))
                }
                of_all => (of_all, of_all),
            };
            (
                Product { c: left, a, b: b_left, summand: of_left, rectified },
                Product { c: right, a, b: b_right, summand: of_right, rectified },
            )
        }
    }
}

impl<E: Scalar> WithSimd for Product<'_, E> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let ([k, n], [m, _]) = (self.b.shape, self.c.shape);
        let in_place = self.b.strides[1] == 1 && self.c.strides[1] == 1;
        // What has to be copied is copied once.
        let is_cut = |values: usize| in_place && n > COLUMNS && values > SECOND_CACHE;
        let rows_at_a_time = if is_cut(m * n) { ROWS_AT_A_TIME } else { m.max(1) };
        let inner_at_a_time = if is_cut(k * n) && self.a.columns[0] == 1 { INNER_AT_A_TIME } else { k };
        let mut copy = [E::ZERO; tile::VALUES];
        let rectified = self.rectified;
        for inner in self.inner(inner_at_a_time) {
            self.rectified = rectified && inner.b + inner.columns[0] * inner.columns[1] >= k;
            for first in (0..m).step_by(rows_at_a_time) {
                self.panels(simd, first..m.min(first + rows_at_a_time), inner, &mut copy);
            }
            // The other blocks come on top.
            self.summand = Summand::Output;
        }
    }
}

impl<'a, E: Scalar> Product<'a, E> {
    /// Cuts the inner loop into blocks of about `len`.
    #[inline(always)]
    fn inner(&self, len: usize) -> impl Iterator<Item = Inner> + use<'a, E> {
        let ([blocks, columns], strides) = (self.a.columns, self.a.column_strides);
        let [blocks_at_a_time, columns_at_a_time] = match blocks {
            1 => [1, len.max(1)],
            _ => [(len / columns.max(1)).max(1), columns.max(1)],
        };
        (0..blocks.max(1)).step_by(blocks_at_a_time).flat_map(move |block| {
            (0..columns.max(1)).step_by(columns_at_a_time).map(move |column| Inner {
                a: block * strides[0] + column * strides[1],
                b: block * columns + column,
                columns: [blocks_at_a_time.min(blocks - block), columns_at_a_time.min(columns - column)],
            })
        })
    }

    /// Computes some rows of c, panel by panel.
    #[inline(always)]
    fn panels<S: Simd>(&mut self, simd: S, rows: Range<usize>, inner: Inner, copy: &mut [E; tile::VALUES]) {
        let (n, lanes) = (self.c.shape[1], E::lanes::<S>());
        for column in (0..n).step_by(2 * lanes) {
            let columns = (n - column).min(2 * lanes);
            let part = (rows.clone(), column..column + columns);
            match (columns <= lanes, columns % lanes == 0) {
                (true, true) => self.panel::<S, 1, false>(simd, part, inner, copy),
                (true, false) => self.panel::<S, 1, true>(simd, part, inner, copy),
                (false, true) => self.panel::<S, 2, false>(simd, part, inner, copy),
                (false, false) => self.panel::<S, 2, true>(simd, part, inner, copy),
            }
        }
    }

    /// Computes some rows and columns of c, `VECTORS` vectors of them, with a copy of those of b if its rows are not
    /// contiguous.
    #[inline(always)]
    #[allow(unsafe_code)]
    fn panel<S: Simd, const VECTORS: usize, const PARTIAL: bool>(
        &mut self,
        simd: S,
        (rows, columns): (Range<usize>, Range<usize>),
        inner: Inner,
        copy: &mut [E; tile::VALUES],
    ) {
        let [k, _] = self.b.shape;
        let [row, column] = self.b.strides;
        if column == 1 || k == 0 {
            let b = self.b.data.as_ptr().wrapping_add(inner.b * row + columns.start);
            self.rows::<S, VECTORS, PARTIAL>(
                simd,
                rows,
                &mut Panel { columns, inner, b, b_stride: row, copy },
            );
        } else {
            let width = columns.len();
            let mut scratch = E::take_scratch(k * width);
            let of_columns = &self.b.data[columns.start * column..];
            if row == 1 {
                let (y, x) = (scratch.as_mut_ptr(), of_columns.as_ptr());
                let (y, x) = (At { first: y, stride: width }, At { first: x, stride: column });
                // SAFETY: b has k rows, which lie beside each other, and these columns; the scratch is as large.
                unsafe { copy_transposed(y, x, [width, k]) };
            } else {
                for j in 0..width {
                    let of_column = of_columns[j * column..].iter().step_by(row.max(1));
                    for (copy, &value) in scratch[j..].iter_mut().step_by(width).zip(of_column).take(k) {
                        *copy = value;
                    }
                }
            }
            let mut panel = Panel { columns, inner, b: scratch.as_ptr(), b_stride: width, copy };
            self.rows::<S, VECTORS, PARTIAL>(simd, rows, &mut panel);
            E::give_scratch(scratch);
        }
    }

    /// Computes some rows of a panel of c.
    #[inline(always)]
    fn rows<S: Simd, const VECTORS: usize, const PARTIAL: bool>(
        &mut self,
        simd: S,
        rows: Range<usize>,
        panel: &mut Panel<'_, E>,
    ) {
        let Range { start: mut row, end } = rows;
        // The sums of a tile stay in registers: processors with 16 have room for fewer rows.
        if S::REGISTER_COUNT >= 32 {
            // With one vector of columns more rows, so that enough sums are under way: as many as there are registers
            // for the rows' addresses.
            while VECTORS == 1 && end - row >= tile::ROWS_OF_ONE {
                self.tile::<S, { tile::ROWS_OF_ONE }, VECTORS, PARTIAL>(simd, row, panel);
                row += tile::ROWS_OF_ONE;
            }
            while end - row >= ROWS {
                self.tile::<S, ROWS, VECTORS, PARTIAL>(simd, row, panel);
                row += ROWS;
            }
        }
        while end - row >= 4 {
            self.tile::<S, 4, VECTORS, PARTIAL>(simd, row, panel);
            row += 4;
        }
        if (1..4).contains(&(end - row)) && rows.start + 4 <= end && !matches!(self.summand, Summand::Output)
        {
            // The last rows together with some that are computed a second time: a tile of one row has too few sums
            // to keep the processor busy.
            self.tile::<S, 4, VECTORS, PARTIAL>(simd, end - 4, panel);
            return;
        }
        while row < end {
            self.tile::<S, 1, VECTORS, PARTIAL>(simd, row, panel);
            row += 1;
        }
    }

    /// Computes a panel's columns of the rows from `row` on, by way of a copy if the rows of c are not contiguous.
    #[inline(always)]
    #[allow(unsafe_code)]
    fn tile<S: Simd, const ROWS: usize, const VECTORS: usize, const PARTIAL: bool>(
        &mut self,
        simd: S,
        row: usize,
        panel: &mut Panel<'_, E>,
    ) {
        let Panel { columns, inner, b, b_stride, copy } = panel;
        let [c_row, c_column] = self.c.strides;
        let place = row * c_row + columns.start * c_column;
        let in_place = c_column == 1;
        let c = match in_place {
            true => self.c.data.as_mut_ptr().wrapping_add(place),
            false => copy.as_mut_ptr(),
        };
        let (added, added_stride) = match self.summand {
            Summand::Output if in_place => (c.cast_const(), c_row),
            Summand::Row(values) => (values.as_ptr().wrapping_add(columns.start), 0),
            _ => (std::ptr::null(), 0),
        };
        let columns = columns.len();
        let copy_stride = VECTORS * E::lanes::<S>();
        let operands = Operands {
            a: self.a.data.as_ptr().wrapping_add(inner.a),
            first_row: self.a.part.0 + row,
            a_block: self.a.rows[1],
            a_row_strides: self.a.row_strides,
            a_column_strides: self.a.column_strides,
            b: *b,
            b_stride: *b_stride,
            c,
            c_stride: if in_place { c_row } else { copy_stride },
            columns,
            inner: inner.columns,
            added,
            added_stride,
            rectified: self.rectified,
        };
        // SAFETY: the matrices' constructors made sure that the last element of each matrix, and so every element, lies
        // in its slice (strides are not negative), and `product` that the shapes fit: a has the rows from `row` on and
        // `inner` columns; b, the matrix itself or a copy of the panel, as many rows and the panel's columns; and c, the
        // matrix itself or a copy that is large enough for any tile, these rows and columns. `columns` is as long as
        // `VECTORS` and `PARTIAL` say. A part of a product (`cut`) keeps to rows or columns of the whole. c is borrowed
        // mutably and overlaps neither a nor b. What is added is c, or as many values as c has columns (`affine`).
        unsafe { tile::tile::<E, S, ROWS, VECTORS, PARTIAL>(simd, operands) };
        if !in_place {
            let c = &mut self.c.data[place..];
            if c_row == 1 && !matches!(self.summand, Summand::Output) {
                let (y, x) = (c.as_mut_ptr(), copy.as_ptr());
                let (y, x) = (At { first: y, stride: c_column }, At { first: x, stride: copy_stride });
                // SAFETY: these columns of c have the rows of the tile, which lie beside each other; the copy has as many.
                unsafe { copy_transposed(y, x, [ROWS, columns]) };
                return;
            }
            for (row, copy) in copy.chunks_exact(copy_stride).take(ROWS).enumerate() {
                let c = c[row * c_row..].iter_mut().step_by(c_column.max(1));
                for (c, &value) in c.zip(copy).take(columns) {
                    *c = if let Summand::Output = self.summand { *c + value } else { value };
                }
            }
        }
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
    use super::{
        INNER_AT_A_TIME, Matrix, MatrixMut, Product, ROWS_AT_A_TIME, SECOND_CACHE, affine, affine_relu,
        dispatch, product, product_by, vector_matrix,
    };
    use proptest::prelude::*;
    use pulp::Simd;
    use rand::{RngExt, SeedableRng};

    fn random(len: usize, seed: u64) -> Vec<f32> {
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(seed);
        (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    /// Calls `multiply(instructions)` for each set of instructions that this processor has.
    fn on_every_processor(mut multiply: impl FnMut(&(dyn Fn(Product<'_, f32>) + Sync))) {
        multiply(&|product| pulp::Scalar.vectorize(product));
        multiply(&|product| pulp::Arch::new().dispatch(product));
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = pulp::x86::V3::try_new() {
            multiply(&|product| Simd::vectorize(avx2, product));
        }
    }

    /// Every element of a and b has its part in an element of c that would not come out right without it.
    #[test]
    fn products_by_blocks_equal_plain_loops() {
        for [m, k, n] in [[9, 1_100, 1_000], [1_100, 9, 1_000]] {
            assert!(k.max(m) * n > SECOND_CACHE && k.max(m) > INNER_AT_A_TIME.max(ROWS_AT_A_TIME));
            let (a, b, start) = (random(m * k, 1), random(k * n, 2), random(m * n, 3));
            let mut want: Vec<f64> = start.iter().map(|&value| value.into()).collect();
            for (i, want) in want.chunks_exact_mut(n).enumerate() {
                for (&a, b) in a[i * k..][..k].iter().zip(b.chunks_exact(n)) {
                    want.iter_mut().zip(b).for_each(|(want, &b)| *want += f64::from(a) * f64::from(b));
                }
            }
            on_every_processor(|multiply| {
                let mut c = start.clone();
                let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, k, n));
                product_by(MatrixMut::new(&mut c, m, n), a, b, true, multiply);
                for (&c, want) in c.iter().zip(&want) {
                    assert!((f64::from(c) - want).abs() < 1e-4, "{c}, should be {want}");
                }
            });
        }
    }

    /// What is negative after one block may be positive after the last.
    #[test]
    fn only_the_last_block_is_rectified() {
        let [m, k, n] = [9, 1_100, 1_000];
        let (x, w, bias) = (random(m * k, 1), random(k * n, 2), random(n, 3));
        let (x, w) = (Matrix::new(&x, m, k), Matrix::new(&w, k, n));
        let (mut y, mut want) = (vec![f32::NAN; m * n], vec![f32::NAN; m * n]);
        affine_relu(MatrixMut::new(&mut y, m, n), x, w, &bias);
        affine(MatrixMut::new(&mut want, m, n), x, w, &bias);
        assert!(want.iter().any(|&want| want < 0.0) && want.iter().any(|&want| want > 0.0));
        want.iter_mut().for_each(|want| *want = want.max(0.0));
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
            // Values of a matrix with gaps behind its rows, or columns if it is transposed, and its strides.
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
            on_every_processor(|multiply| {
                let mut c = start.clone();
                product_by(MatrixMut::strided(&mut c, [m, n], sc), left, right, accumulate, multiply);
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
        fn parts_of_a_product_are_equal_to_the_whole_to_the_bit(
            m in 1usize..60, k in 1usize..20, n in 1usize..80, parts in 2usize..5, seed: u64, transposed: [bool; 3],
        ) {
            let strides = |rows: usize, columns: usize, which: usize| {
                if transposed[which] { [1, rows] } else { [columns, 1] }
            };
            let (a, b) = (random(m * k, seed), random(k * n, !seed));
            let (left, right) =
                (Matrix::strided(&a, [m, k], strides(m, k, 0)), Matrix::strided(&b, [k, n], strides(k, n, 1)));
            let multiplied = |multiply: &(dyn Fn(Product<'_, f32>) + Sync)| {
                let mut c = vec![f32::NAN; m * n];
                let result = MatrixMut::strided(&mut c, [m, n], strides(m, n, 2));
                product_by(result, left, right, false, multiply);
                c
            };
            let in_parts = multiplied(&|product| {
                super::super::parts::in_parts(&mut vec![(); parts], product, &|(), part| dispatch(part));
            });
            prop_assert_eq!(in_parts, multiplied(&|product| dispatch(product)));
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
