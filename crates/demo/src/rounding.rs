//! Weights rounded to 8 bits.
//!
//! The columns of a weight matrix are those of its outputs. Each column c has a scale s_c = max_r abs(w_rc) / 127, and a weight is kept as the
//! whole number q = round(w / s_c); in the page it is q s_c. A weight is thus at most s_c / 2 away from the trained one. Vectors, e.g.
//! biases, are few and keep their 32 bits.
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
    /// The weights by their column's scale, (rows, columns).
    pub quotients: Vec<i8>,
}

impl Rounded {
    /// The matrix of `weights`, (rows, `columns`), which are finite.
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
