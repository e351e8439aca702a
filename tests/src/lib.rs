//! Tests of the whole workspace: parity with other implementations, and `cargo xtask reproduce` from end to end.
//!
//! The library is shared by the tests: [`fixtures`] reads the reference's numbers, [`reference`](mod@reference) maps its
//! names to ours, [`encoders`] builds its encoders, [`compare`] compares a layer with a fixture, [`devices`] computes the same on the
//! device engine.
#![deny(missing_docs)]

pub mod compare;
pub mod devices;
pub mod encoders;
pub mod fixtures;
pub mod reference;

/// The README's example, compiled and run with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
