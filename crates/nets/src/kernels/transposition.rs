//! Transposed copies of matrices, block by block.
//!
//! Limit: eight shuffles a block.

use super::block::{At, BLOCK};
use super::lanes::Lanes;
use super::lengths::{same_length, whole_rows};

/// y = x^T.
///
/// # Safety
/// x can be read: `rows` of `columns` values; y can be written: `columns` rows of `rows` values; they do not overlap.
#[inline(never)] // One copy instead of one in each tile: it needs no instructions that some processors lack.
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

/// y = x^T: the columns of x become the rows of y.
///
/// # Shapes
/// x: (m, `columns`); y: (`columns`, m)
///
/// # Panics
/// If the lengths do not fit.
#[allow(unsafe_code)]
pub fn transpose<E: Lanes>(y: &mut [E], x: &[E], columns: usize) {
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
