//! Weights rounded to 8 bits.
//!
//! Each column c of a weight matrix has a scale s_c = max_r abs(w_rc) / 127. A weight w is stored as the integer q = round(w / s_c), and the page
//! computes with q s_c, which differs from w by at most s_c / 2. The columns of a tensor with more than two dimensions are its last dimension,
//! and all other dimensions are rows. Vectors, e.g. biases, have few values and keep 32 bits.
//!
//! ```
//! use softmoe_demo::rounding::Rounded;
//!
//! let weights = [1.0, -0.2, 0.6, 0.1]; // (2, 2)
//! let rounded = Rounded::new(&weights, 2);
//! assert_eq!(rounded.quotients, [127, -127, 76, 64]);
//! let values = rounded.values();
//! assert!(weights.iter().zip(&values).all(|(weight, value)| (weight - value).abs() <= 1.0 / 127.0 / 2.0));
//! ```

use serde::{Deserialize, Serialize};

/// The largest quotient.
const MOST: f32 = 127.0;

/// A rounded matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rounded {
    /// The scale of each column, (columns).
    pub scales: Vec<f32>,
    /// The weights, divided by their column's scale and rounded, (rows, columns).
    pub quotients: Vec<i8>,
}

impl Rounded {
    /// Rounds the matrix `weights`, (rows, `columns`), whose values are finite.
    ///
    /// # Panics
    /// If there are no columns.
    pub fn new(weights: &[f32], columns: usize) -> Self {
        let mut scales = vec![0.0_f32; columns];
        for row in weights.chunks_exact(columns) {
            for (scale, weight) in scales.iter_mut().zip(row) {
                *scale = scale.max(weight.abs() / MOST);
            }
        }
        let quotient = |(at, weight): (usize, &f32)| match scales[at % columns] {
            0.0 => 0,
            scale => (weight / scale).round().clamp(-MOST, MOST) as i8,
        };
        let quotients = weights.iter().enumerate().map(quotient).collect();
        Rounded { scales, quotients }
    }

    /// The rounded weights, (rows, columns).
    ///
    /// # Panics
    /// If there are no columns.
    pub fn values(&self) -> Vec<f32> {
        let columns = self.scales.len();
        self.quotients.iter().enumerate().map(|(at, &q)| f32::from(q) * self.scales[at % columns]).collect()
    }
}
