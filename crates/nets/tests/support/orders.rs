//! Orders of tokens and experts, and results of the same sums in another order.

use super::uniform;
use proptest::prelude::*;

/// Whether two results of the same sums in different orders agree.
pub(crate) fn assert_near(got: &[f64], want: &[f64]) -> Result<(), TestCaseError> {
    prop_assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(want) {
        prop_assert!((got - want).abs() < 1e-12 * (1.0 + want.abs()), "{} is not {}", got, want);
    }
    Ok(())
}

/// 0..len in an order that `seed` decides.
pub(crate) fn permutation(len: usize, seed: u64) -> Vec<usize> {
    let keys = uniform(len, 1.0, seed);
    let mut order: Vec<usize> = (0..len).collect();
    order.sort_by(|&a, &b| keys[a].total_cmp(&keys[b]));
    order
}

/// The blocks of `len` values in another order.
pub(crate) fn permuted(values: &[f64], len: usize, order: &[usize]) -> Vec<f64> {
    order.iter().flat_map(|&block| values[block * len..][..len].iter().copied()).collect()
}
