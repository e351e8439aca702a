//! Whole-workspace tests: end to end, kill and resume, reference parity, command line.
//!
//! The library holds what several of them need: [`fixtures`], the numbers of the reference implementation, [`encoders`], its encoders, [`devices`], what the device engine makes of the same, and
//! [`reference`](mod@reference), what that calls the things that we have too.
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
