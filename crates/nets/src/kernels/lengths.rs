//! Checks of the lengths of kernels' arguments.

/// Refuses vectors of different lengths.
pub(super) fn same_length<E>(a: &[E], b: &[E]) {
    assert_eq!(a.len(), b.len(), "lengths of vectors");
}

/// Refuses a slice that is not a matrix of whole rows.
pub(super) fn whole_rows<E>(x: &[E], columns: usize) {
    assert!(columns > 0 && x.len().is_multiple_of(columns), "{} values in rows of {columns}", x.len());
}
