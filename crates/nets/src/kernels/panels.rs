//! A product of strided matrices, panel by panel and tile by tile.
//!
//! A panel is as wide as two vectors. A b or c whose rows are not contiguous, as the tile needs them, is copied by the
//! panel. Limit: multiply-adds; where the inner loop is short, the reading and writing of c.

use super::block::At;
use super::instruction_set::dispatch;
use super::lanes::Lanes;
use super::matrix::{Blocks, Matrix, MatrixMut};
use super::parallel::{Split, parallel_chunks};
use super::tile::{self, Operands, ROWS};
use super::transposition::copy_transposed;
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// A c of several panels and more values than this is written by blocks of rows, which lie on fewer pages than a whole
/// panel. Blocks are the same on every processor.
pub(super) const LARGE: usize = 1 << 20;
/// Rows of c in such a block.
pub(super) const ROWS_AT_A_TIME: usize = 64;
/// Columns of the widest panel.
const COLUMNS: usize = 32;

/// The summand that a product is added to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Summand<'a, E> {
    Nothing,
    /// The values that c holds.
    Output,
    /// A row that is added to each row, (n).
    Row(&'a [E]),
}

impl<E> Summand<'_, E> {
    pub(super) fn of(accumulate: bool) -> Self {
        if accumulate { Summand::Output } else { Summand::Nothing }
    }
}

/// A product whose shapes fit.
pub struct Product<'a, E> {
    pub(super) c: MatrixMut<'a, E>,
    pub(super) a: Blocks<'a, E>,
    pub(super) b: Matrix<'a, E>,
    pub(super) summand: Summand<'a, E>,
    /// Whether negative results become zero.
    pub(super) rectified: bool,
}

impl<'a, E> Product<'a, E> {
    /// # Panics
    /// If the shapes do not fit.
    pub(super) fn of_blocks(
        c: MatrixMut<'a, E>,
        a: Blocks<'a, E>,
        b: Matrix<'a, E>,
        summand: Summand<'a, E>,
    ) -> Self {
        let (m, inner) = (a.view.1, a.columns[0] * a.columns[1]);
        let [k, n] = b.shape;
        assert!(inner == k && c.shape == [m, n], "{m}x{inner} times {:?} is not {:?}", b.shape, c.shape);
        if let Summand::Row(values) = summand {
            assert_eq!(values.len(), n, "values that are added to each row");
        }
        Product { c, a, b, summand, rectified: false }
    }
}

/// A number type, by its products of matrices.
///
/// The loops of a product are most of the kernels' code, and most of their compile time. Through this trait the
/// compiler makes them for `f32` once, in this crate; a generic function would be made again in every crate that has a
/// network. Only tests compute products of `f64`: unoptimised profiles make them here as well, so that no test crate
/// makes its own, and a release build makes none.
pub trait Multiply: Sized {
    /// Computes the product, in chunks for the threads of the pool if `work` multiply-adds are worth it.
    fn multiply(product: Product<'_, Self>, work: usize);
}

impl Multiply for f32 {
    #[inline(never)]
    fn multiply(product: Product<'_, f32>, work: usize) {
        parallel_chunks(work, product, multiply_chunk);
    }
}

impl Multiply for f64 {
    #[inline]
    fn multiply(product: Product<'_, f64>, work: usize) {
        parallel_chunks(work, product, multiply_chunk);
    }
}

/// Never inlined: each branch of [`parallel_chunks`] would have its own copy of the loops.
#[inline(never)]
fn multiply_chunk<E: Lanes>(product: Product<'_, E>) {
    dispatch(product);
}

/// Some columns of b and c, as wide as a tile.
struct Panel<'p, E> {
    columns: Range<usize>,
    /// The columns in b, or a copy of them, row by row.
    b: *const E,
    b_stride: usize,
    /// Room for a tile of a c whose rows are not contiguous.
    copy: &'p mut [E; tile::VALUES],
}

/// Splits between rows of c, or between columns if c is column-major.
impl<E: Lanes> Split for Product<'_, E> {
    fn row_count(&self) -> usize {
        let [m, n] = self.c.shape;
        if self.c.is_row_major() { m } else { n }
    }

    fn split_at_row(self, row: usize) -> (Self, Self) {
        let Product { c, a, b, summand, rectified } = self;
        let ([m, n], strides) = (c.shape, c.strides);
        let is_row_major = c.is_row_major();
        // Whole tiles, where there are several.
        let unit = if is_row_major { tile::ROWS } else { 2 * tile::ROWS };
        let row = if row > unit { row - row % unit } else { row };
        let (left, right) = c.data.split_at_mut(c.data.len().min(row * strides[usize::from(!is_row_major)]));
        let view = |data, shape| MatrixMut { data, shape, strides };
        if is_row_major {
            let (above, below) = (view(left, [row, n]), view(right, [m - row, n]));
            let [a_above, a_below] = [a.rows(0..row), a.rows(row..m)];
            (
                Product { c: above, a: a_above, b, summand, rectified },
                Product { c: below, a: a_below, b, summand, rectified },
            )
        } else {
            let (left, right) = (view(left, [m, row]), view(right, [m, n - row]));
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

impl<E: Lanes> WithSimd for Product<'_, E> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let ([_, n], [m, _]) = (self.b.shape, self.c.shape);
        // A panel that has to be copied is copied once.
        let in_place = self.b.strides[1] == 1 && self.c.strides[1] == 1;
        let by_blocks = in_place && n > COLUMNS && m * n > LARGE;
        let rows_at_a_time = if by_blocks { ROWS_AT_A_TIME } else { m.max(1) };
        let mut copy = [E::default(); tile::VALUES];
        for first in (0..m).step_by(rows_at_a_time) {
            self.panels(simd, first..m.min(first + rows_at_a_time), &mut copy);
        }
    }
}

impl<E: Lanes> Product<'_, E> {
    /// Computes some rows of c, panel by panel.
    #[inline(always)]
    fn panels<S: Simd>(&mut self, simd: S, rows: Range<usize>, copy: &mut [E; tile::VALUES]) {
        let (n, lanes) = (self.c.shape[1], E::lanes::<S>());
        for column in (0..n).step_by(2 * lanes) {
            let columns = (n - column).min(2 * lanes);
            let place = (rows.clone(), column..column + columns);
            match (columns <= lanes, columns % lanes == 0) {
                (true, true) => self.panel::<S, 1, false>(simd, place, copy),
                (true, false) => self.panel::<S, 1, true>(simd, place, copy),
                (false, true) => self.panel::<S, 2, false>(simd, place, copy),
                (false, false) => self.panel::<S, 2, true>(simd, place, copy),
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
        copy: &mut [E; tile::VALUES],
    ) {
        let [k, _] = self.b.shape;
        let [row, column] = self.b.strides;
        if column == 1 || k == 0 {
            let b = self.b.data.as_ptr().wrapping_add(columns.start);
            self.rows::<S, VECTORS, PARTIAL>(simd, rows, &mut Panel { columns, b, b_stride: row, copy });
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
            let mut panel = Panel { columns, b: scratch.as_ptr(), b_stride: width, copy };
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
        let Panel { columns, b, b_stride, copy } = panel;
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
            a: self.a.data.as_ptr(),
            first_row: self.a.view.0 + row,
            a_block: self.a.rows[1],
            a_row_strides: self.a.row_strides,
            a_column_strides: self.a.column_strides,
            b: *b,
            b_stride: *b_stride,
            c,
            c_stride: if in_place { c_row } else { copy_stride },
            columns,
            inner: self.a.columns,
            added,
            added_stride,
            rectified: self.rectified,
        };
        // SAFETY: the matrices' constructors made sure that the last element of each matrix, and so every element, lies
        // in its slice (strides are not negative), and `of_blocks` that the shapes fit: a has the rows from `row` on;
        // b, the matrix itself or a copy of the panel, has as many rows as a has columns, and the panel's columns; c,
        // the matrix itself or a copy that is large enough for any tile, has these rows and columns. `columns` is as
        // long as `VECTORS` and `PARTIAL` say. A chunk of a product (`split_at_row`) keeps to rows or columns of the
        // whole. c is borrowed mutably and overlaps neither a nor b. The summand is c, or as many values as c has
        // columns (`of_blocks`).
        unsafe { tile::tile::<E, S, ROWS, VECTORS, PARTIAL>(simd, operands) };
        if !in_place {
            let c = &mut self.c.data[place..];
            if c_row == 1 && !matches!(self.summand, Summand::Output) {
                let (y, x) = (c.as_mut_ptr(), copy.as_ptr());
                let (y, x) = (At { first: y, stride: c_column }, At { first: x, stride: copy_stride });
                // SAFETY: these columns of c have the rows of the tile, which lie beside each other; the copy has as
                // many.
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
