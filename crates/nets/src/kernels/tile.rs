//! The register tile of matrix products: a few rows by one or two vectors of columns.
//!
//! Layout: a is read value by value, and each value is spread over a vector; rows of b and c are contiguous. Limit:
//! multiply-adds, for the tile of two vectors. The tile of one vector reads as many values of a from the first cache as
//! it makes multiply-adds, and the cache is its limit.

use super::lanes::Lanes;
use pulp::Simd;

/// Rows of the largest tile of two vectors.
pub(super) const ROWS: usize = 8;
/// Rows of the largest tile of one vector.
pub(super) const ROWS_OF_ONE: usize = 12;
/// Values of the largest tile: two vectors hold 32 of the shortest numbers in the longest registers.
pub(super) const VALUES: usize = 32 * ROWS;

/// c = a b + `added`, for matrices somewhere in memory.
#[derive(Clone, Copy)]
pub(super) struct Operands<E> {
    /// Rows and columns of a come in blocks, [per block]: row i lies in block i / `a_block`, and so do the columns.
    /// Element (i, l) lies at (block of i, i within it, block of l, l within it) times the strides.
    pub(super) a: *const E,
    pub(super) first_row: usize,
    pub(super) a_block: usize,
    pub(super) a_row_strides: [usize; 2],
    pub(super) a_column_strides: [usize; 2],
    /// Row-major: the rows are `b_stride` apart.
    pub(super) b: *const E,
    pub(super) b_stride: usize,
    /// Row-major: the rows are `c_stride` apart.
    pub(super) c: *mut E,
    pub(super) c_stride: usize,
    /// Columns of b and c.
    pub(super) columns: usize,
    /// Columns of a and rows of b: blocks, and columns in a block.
    pub(super) inner: [usize; 2],
    /// The summand that the product is added to: row-major, the rows `added_stride` apart (0: one row for all); null
    /// for no summand. It may be c.
    pub(super) added: *const E,
    pub(super) added_stride: usize,
    /// Whether negative results become zero.
    pub(super) rectified: bool,
}

/// Computes a tile of `ROWS` rows and at most `VECTORS` vectors of columns; the last vector is not full if `PARTIAL`.
///
/// # Safety
/// Every element of the operands' matrices can be read, every element of c written, and c overlaps neither a nor b;
/// `added` is null, or as large as c, and either c or apart from it. c has `ROWS` rows and more columns than `VECTORS -
/// 1` vectors hold, and no more than `VECTORS` do; exactly as many unless `PARTIAL`.
#[inline(always)]
#[allow(unsafe_code)]
pub(super) unsafe fn tile<E: Lanes, S: Simd, const ROWS: usize, const VECTORS: usize, const PARTIAL: bool>(
    simd: S,
    operands: Operands<E>,
) {
    let Operands { a, mut b, b_stride, c, c_stride, columns, inner, .. } = operands;
    let Operands {
        first_row, a_block, a_row_strides, a_column_strides, added, added_stride, rectified, ..
    } = operands;
    let lanes = E::lanes::<S>();
    let mut masks = [None; VECTORS];
    if PARTIAL {
        masks[VECTORS - 1] = Some(E::mask(simd, columns - (VECTORS - 1) * lanes));
    }
    // Most tiles lie in one block, and most matrices have only one: they need no division.
    let (mut block, mut within) = match first_row < a_block {
        true => (0, first_row),
        false => (first_row / a_block, first_row % a_block),
    };
    let first = a.wrapping_add(block * a_row_strides[0] + within * a_row_strides[1]);
    let mut rows_of_a: [*const E; ROWS] =
        std::array::from_fn(|row| first.wrapping_add(row * a_row_strides[1]));
    if within + ROWS > a_block {
        for row_of_a in &mut rows_of_a {
            *row_of_a = a.wrapping_add(block * a_row_strides[0] + within * a_row_strides[1]);
            within += 1;
            if within == a_block {
                (block, within) = (block + 1, 0);
            }
        }
    }
    // One base address a row: with addresses computed from each other, each waits for the one before.
    let rows_of_a = rows_of_a.map(std::hint::black_box);
    let mut sums = [[E::zeros(simd); VECTORS]; ROWS];
    let mut column_of_a = 0;
    // From the last column of a block to the first of the next.
    let gap = a_column_strides[0].wrapping_sub(inner[1].wrapping_mul(a_column_strides[1]));
    let mut left_in_block = inner[1];
    for _ in 0..inner[0] * inner[1] {
        let mut row_of_b = [E::zeros(simd); VECTORS];
        for vector in 0..VECTORS {
            // SAFETY: `b` points to a row of b, and `masks` keeps to its columns.
            row_of_b[vector] = unsafe { E::load(simd, b.add(vector * lanes), masks[vector]) };
        }
        for row in 0..ROWS {
            // SAFETY: a has `ROWS` rows from the first on, and this is one of its columns.
            let factor = unsafe { *rows_of_a[row].add(column_of_a) }.splat(simd);
            for vector in 0..VECTORS {
                sums[row][vector] = E::multiply_add(simd, factor, row_of_b[vector], sums[row][vector]);
            }
        }
        // After the last column and row these point outside the matrices, and are not read.
        column_of_a = column_of_a.wrapping_add(a_column_strides[1]);
        b = b.wrapping_add(b_stride);
        left_in_block -= 1;
        if left_in_block == 0 {
            column_of_a = column_of_a.wrapping_add(gap);
            left_in_block = inner[1];
        }
    }
    for (row, sums) in sums.into_iter().enumerate() {
        for (vector, sum) in sums.into_iter().enumerate() {
            // SAFETY: c has `ROWS` rows, and so has what is added; `masks` keeps to their columns.
            unsafe {
                let sum = match added.is_null() {
                    true => sum,
                    false => {
                        let added = added.add(row * added_stride + vector * lanes);
                        E::add_lanes(simd, E::load(simd, added, masks[vector]), sum)
                    }
                };
                let sum = if rectified { E::max_lanes(simd, sum, E::zeros(simd)) } else { sum };
                E::store(simd, c.add(row * c_stride + vector * lanes), masks[vector], sum);
            }
        }
    }
}
