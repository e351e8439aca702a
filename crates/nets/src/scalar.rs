//! The number types of layers: `f32` and `f64`.

use crate::kernels::lanes::Lanes;
use crate::kernels::panels::Multiply;
use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// A floating point number: `f32` to train in, `f64` to check gradients in. No other type can be one.
pub trait Scalar:
    Copy
    + Debug
    + Default
    + Send
    + Sync
    + PartialOrd
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + SubAssign
    + Mul<Output = Self>
    + MulAssign
    + Div<Output = Self>
    + Neg<Output = Self>
    + Sum
    + Lanes
    + Multiply
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Negative infinity.
    const NEG_INFINITY: Self;

    /// The nearest number to `value`.
    fn from_f64(value: f64) -> Self;
    /// `self` in double precision.
    fn to_f64(self) -> f64;
    /// The larger of the two; `other` if `self` is not a number.
    fn maximum(self, other: Self) -> Self;
    /// The square root.
    fn square_root(self) -> Self;
    /// e to the power of `self`; 0 below the smallest normal result.
    fn exponential(self) -> Self;
}

impl Scalar for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    const NEG_INFINITY: f64 = f64::NEG_INFINITY;

    fn from_f64(value: f64) -> f64 {
        value
    }
    fn to_f64(self) -> f64 {
        self
    }
    fn maximum(self, other: f64) -> f64 {
        if self > other { self } else { other }
    }
    fn square_root(self) -> f64 {
        self.sqrt()
    }
    fn exponential(self) -> f64 {
        self.exp()
    }
}

impl Scalar for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    const NEG_INFINITY: f32 = f32::NEG_INFINITY;

    #[inline(always)]
    fn from_f64(value: f64) -> f32 {
        value as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn maximum(self, other: f32) -> f32 {
        if self > other { self } else { other }
    }
    #[inline(always)]
    fn square_root(self) -> f32 {
        self.sqrt()
    }

    /// Without branches, so that a loop over it becomes vector instructions: e^x = 2^n e^r with
    /// r = x - n ln 2 in [-ln 2 / 2, ln 2 / 2], and the Taylor series of e^r to the seventh power.
    /// The error is below 2 units in the last place.
    #[inline(always)]
    fn exponential(self) -> f32 {
        // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer.
        const ROUND: f32 = 12_582_912.0;
        // ln 2 in two parts, the first with zeros at its end so that n times it is exact.
        const LN_2_HIGH: f32 = 0.693_359_4;
        const LN_2_LOW: f32 = -2.121_944_4e-4;
        let x = if self > 88.0 { 88.0 } else { self };
        let x = if x < -87.0 { -87.0 } else { x };
        let rounded = x * std::f32::consts::LOG2_E + ROUND;
        let n = rounded - ROUND;
        let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
        let mut series = 1.0 / 5040.0;
        series = series * r + 1.0 / 720.0;
        series = series * r + 1.0 / 120.0;
        series = series * r + 1.0 / 24.0;
        series = series * r + 1.0 / 6.0;
        series = series * r + 0.5;
        series = series * r * r + r + 1.0;
        // The low bits of `rounded` are n; a conversion that saturates is no vector instruction.
        let exponent = rounded.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127);
        let power = f32::from_bits(exponent << 23);
        if self < -87.0 { 0.0 } else { series * power }
    }
}

#[cfg(test)]
mod tests {
    use super::Scalar;

    #[test]
    fn exponential_agrees_with_double_precision_everywhere() {
        let mut worst = 0.0_f64;
        for step in -8_700_000..=8_800_000 {
            let x = step as f32 * 1e-5;
            let exact = f64::from(x).exp();
            worst = worst.max((f64::from(x.exponential()) - exact).abs() / exact);
        }
        assert!(worst < 2.0 * f64::from(f32::EPSILON), "relative error {worst:e}");
        assert_eq!((-100.0_f32).exponential(), 0.0);
        assert_eq!(f32::NEG_INFINITY.exponential(), 0.0);
        assert_eq!(0.0_f32.exponential(), 1.0);
    }
}
