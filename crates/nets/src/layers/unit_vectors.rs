//! Unit vectors: vectors scaled to length one.

use crate::Scalar;

/// The rows or columns v of a matrix as v / (|v| + 1e-6), and the gradient of that.
#[derive(Clone, Debug)]
pub(crate) struct UnitVectors<E> {
    values: Vec<E>,
    /// |v| of each vector.
    lengths: Vec<E>,
    /// Whether the vectors are the columns.
    columns: bool,
}

impl<E: Scalar> UnitVectors<E> {
    /// For the rows of a (rows, columns) matrix.
    pub(crate) fn rows(rows: usize, columns: usize) -> Self {
        UnitVectors { values: vec![E::ZERO; rows * columns], lengths: vec![E::ZERO; rows], columns: false }
    }

    /// For the columns of a (rows, columns) matrix.
    pub(crate) fn columns(rows: usize, columns: usize) -> Self {
        UnitVectors { values: vec![E::ZERO; rows * columns], lengths: vec![E::ZERO; columns], columns: true }
    }

    /// The scaled vectors, laid out as `x`.
    pub(crate) fn forward(&mut self, x: &[E]) -> &[E] {
        for vector in 0..self.lengths.len() {
            let square = self.places(vector).map(|i| x[i] * x[i]).sum::<E>();
            self.lengths[vector] = square.square_root();
            let scale = E::ONE / (self.lengths[vector] + E::from_f64(1e-6));
            self.places(vector).for_each(|i| self.values[i] = x[i] * scale);
        }
        &self.values
    }

    /// The result of the last [`forward`](Self::forward).
    pub(crate) fn values(&self) -> &[E] {
        &self.values
    }

    /// Turns the gradient `d` with respect to the scaled vectors into the gradient with respect to the vectors:
    /// (d - (s / r) (d u) u) / s, where r = |v|, s = r + 1e-6 and u = v / s. The length of a zero vector, which has no
    /// gradient, counts as constant.
    pub(crate) fn backward(&self, d: &mut [E]) {
        for (vector, &length) in self.lengths.iter().enumerate() {
            let scale = length + E::from_f64(1e-6);
            let dot = self.places(vector).map(|i| d[i] * self.values[i]).sum::<E>();
            let along = if length > E::ZERO { dot * scale / length } else { E::ZERO };
            self.places(vector).for_each(|i| d[i] = (d[i] - along * self.values[i]) / scale);
        }
    }

    /// Where the values of one vector lie.
    fn places(&self, vector: usize) -> impl Iterator<Item = usize> + use<E> {
        let (count, len) = (self.lengths.len(), self.values.len() / self.lengths.len());
        let (start, stride) = if self.columns { (vector, count) } else { (vector * len, 1) };
        (0..len).map(move |i| start + i * stride)
    }
}
