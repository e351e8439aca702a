//! Strided matrices over slices.

use std::ops::Range;

/// A strided matrix in a slice: element (i, j) lies at `i * row_stride + j * column_stride`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, E> {
    pub(super) data: &'a [E],
    pub(super) shape: [usize; 2],
    pub(super) strides: [usize; 2],
}

/// A matrix whose rows and columns come in blocks, such as the patches of a feature map: the element in row (i, j) and
/// column (k, l) lies at `i * row_strides[0] + j * row_strides[1] + k * column_strides[0] + l * column_strides[1]`.
///
/// Elements may share a place, as those of overlapping patches do. Nothing is copied.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a, E> {
    pub(super) data: &'a [E],
    pub(super) rows: [usize; 2],
    pub(super) columns: [usize; 2],
    pub(super) row_strides: [usize; 2],
    pub(super) column_strides: [usize; 2],
    /// Rows of the view: the first, and how many.
    pub(super) view: (usize, usize),
}

impl<'a, E> Blocks<'a, E> {
    /// A matrix of rows and columns in blocks, each (blocks, a block's).
    ///
    /// # Panics
    /// If its last element lies beyond `data`.
    pub fn new(
        data: &'a [E],
        rows: [usize; 2],
        row_strides: [usize; 2],
        columns: [usize; 2],
        column_strides: [usize; 2],
    ) -> Self {
        let sizes = rows.into_iter().chain(columns);
        let steps = sizes.zip(row_strides.into_iter().chain(column_strides));
        let last = steps.map(|(size, stride)| size.checked_sub(1)?.checked_mul(stride));
        let last = last.reduce(|a, b| a?.checked_add(b?)).flatten();
        let is_empty = rows.contains(&0) || columns.contains(&0);
        assert!(
            is_empty || last.is_some_and(|last| last < data.len()),
            "a matrix of {rows:?} rows, {row_strides:?} apart, and {columns:?} columns, {column_strides:?} apart, \
             reaches beyond {} values",
            data.len()
        );
        Blocks { data, rows, columns, row_strides, column_strides, view: (0, rows[0] * rows[1]) }
    }

    /// The view of some of its rows.
    pub(super) fn rows(mut self, rows: Range<usize>) -> Self {
        assert!(rows.end <= self.view.1, "rows {rows:?} of {}", self.view.1);
        self.view = (self.view.0 + rows.start, rows.len());
        self
    }

    /// The view of some columns, where all columns are one block.
    pub(super) fn columns(mut self, columns: Range<usize>) -> Self {
        assert!(
            self.columns[0] == 1 && columns.end <= self.columns[1],
            "columns {columns:?} of {:?}",
            self.columns
        );
        self.data = &self.data[columns.start * self.column_strides[1]..];
        self.columns[1] = columns.len();
        self
    }
}

impl<'a, E> From<Matrix<'a, E>> for Blocks<'a, E> {
    fn from(Matrix { data, shape, strides }: Matrix<'a, E>) -> Self {
        Blocks {
            data,
            rows: [1, shape[0]],
            columns: [1, shape[1]],
            row_strides: [0, strides[0]],
            column_strides: [0, strides[1]],
            view: (0, shape[0]),
        }
    }
}

/// A strided matrix in a slice that can be written to; see [`Matrix`].
#[derive(Debug)]
pub struct MatrixMut<'a, E> {
    pub(super) data: &'a mut [E],
    pub(super) shape: [usize; 2],
    pub(super) strides: [usize; 2],
}

/// Refuses a matrix that would reach beyond its slice.
fn check(len: usize, shape: [usize; 2], strides: [usize; 2]) {
    if shape[0] > 0 && shape[1] > 0 {
        let along = |axis: usize| (shape[axis] - 1).checked_mul(strides[axis]);
        let last = along(0).zip(along(1)).and_then(|(row, column)| row.checked_add(column));
        assert!(
            last.is_some_and(|last| last < len),
            "a {shape:?} matrix of strides {strides:?} reaches beyond {len} values"
        );
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

    /// The view of some of its rows.
    pub(super) fn rows(self, rows: Range<usize>) -> Self {
        Self::strided(&self.data[rows.start * self.strides[0]..], [rows.len(), self.shape[1]], self.strides)
    }

    /// The transposed view; nothing is moved.
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
        let matrix = MatrixMut { data, shape, strides };
        let row_major = strides[1] >= 1 && matrix.is_row_major();
        let column_major = strides[0] >= 1 && strides[1] >= shape[0] * strides[0];
        assert!(
            row_major || column_major || shape.contains(&0),
            "elements of {shape:?}, {strides:?} overlap"
        );
        matrix
    }

    /// Whether each row lies after the one before it; otherwise each column does.
    pub(super) fn is_row_major(&self) -> bool {
        self.strides[0] >= self.shape[1] * self.strides[1]
    }

    /// The transposed view; nothing is moved.
    #[must_use]
    pub fn transposed(self) -> Self {
        let ([rows, columns], [row, column]) = (self.shape, self.strides);
        MatrixMut { data: self.data, shape: [columns, rows], strides: [column, row] }
    }
}

#[cfg(test)]
mod tests {
    use super::{Matrix, MatrixMut};

    #[test]
    #[should_panic(expected = "reaches beyond 5 values")]
    fn a_matrix_beyond_its_slice_is_refused() {
        Matrix::new(&[0.0_f32; 5], 2, 3);
    }

    #[test]
    #[should_panic(expected = "reaches beyond 5 values")]
    fn a_matrix_whose_end_overflows_is_refused() {
        Matrix::strided(&[0.0_f32; 5], [3, 1], [usize::MAX / 2 + 1, 1]);
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn a_matrix_over_itself_cannot_be_written() {
        MatrixMut::strided(&mut [0.0_f32; 5], [2, 3], [1, 1]);
    }
}
