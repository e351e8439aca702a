//! Sizes, known at compile time or at run time.

use crate::shapes::{Const, Dim};
use const_panic::concat_panic;

/// A dimension that is a compile-time constant ([`Const`]) or decided at run time (`usize`).
///
/// dfdx's [`Dim`] does not expose which of the two a size is. This trait does, so that relations between sizes (a
/// convolution's output, a flattened map) can be checked at compile time.
pub trait Size: Dim {
    /// The size, if the type decides it.
    const STATIC: Option<usize>;
}

impl<const N: usize> Size for Const<N> {
    const STATIC: Option<usize> = Some(N);
}

impl Size for usize {
    const STATIC: Option<usize> = None;
}

/// The product of `sizes` if the compiler knows all of them.
pub(crate) const fn product(sizes: &[Option<usize>]) -> Option<usize> {
    let (mut product, mut i) = (1, 0);
    while i < sizes.len() {
        match sizes[i] {
            Some(size) => product *= size,
            None => return None,
        }
        i += 1;
    }
    Some(product)
}

/// Refuses a `named` size that differs from the `expected` one, if both are known.
///
/// In a `const` block this stops the compilation with a message that names the expected size.
#[track_caller]
pub(crate) const fn expect(what: &str, named: Option<usize>, expected: Option<usize>) {
    if let (Some(named), Some(expected)) = (named, expected)
        && named != expected
    {
        concat_panic!(display: what, " should be ", expected, ", as its input makes it, but is ", named)
    }
}

/// Output length of a VALID convolution or pooling along an axis of length `input`.
pub(crate) const fn valid(input: usize, kernel: usize, stride: usize) -> usize {
    if input < kernel { 0 } else { (input - kernel) / stride + 1 }
}
