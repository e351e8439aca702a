//! Shape types of [dfdx](https://docs.rs/dfdx), re-exported.
//!
//! A shape is a tuple of dimensions, `(usize, Const<64>, Const<16>)`: a dimension is a [`Const`] that the compiler
//! checks, or a `usize` that is decided at run time.

pub use dfdx::shapes::{Const, Dim, Shape};
