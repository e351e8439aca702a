//! What kernels ask of the lengths of their arguments.

/// Refuses vectors of different lengths.
pub(super) fn same_length<E>(a: &[E], b: &[E]) {
    assert_eq!(a.len(), b.len(), "lengths of vectors");
}

/// Refuses a matrix that is not made of whole rows.
pub(super) fn whole_rows<E>(x: &[E], columns: usize) {
    assert!(columns > 0 && x.len().is_multiple_of(columns), "{} values in rows of {columns}", x.len());
}
