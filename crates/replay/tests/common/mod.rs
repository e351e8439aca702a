//! What the tests share.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use rand::rand_core::TryRng;
use std::convert::Infallible;
use std::vec;

/// A generator that gives the uniforms it is told, each a multiple of 2^-53 in [0, 1), and no more.
pub struct Scripted(vec::IntoIter<f64>);

impl Scripted {
    pub fn new(uniforms: Vec<f64>) -> Self {
        assert!(uniforms.iter().all(|&u| Self::can_give(u)));
        Self(uniforms.into_iter())
    }

    /// Whether a generator of 53 bits can give a number.
    pub fn can_give(uniform: f64) -> bool {
        (0.0..1.0).contains(&uniform) && (uniform * 2f64.powi(53)).fract() == 0.0
    }
}

impl TryRng for Scripted {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("the replay draws 64 bits at a time")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let uniform = self.0.next().expect("one uniform a transition");
        Ok(((uniform * 2f64.powi(53)) as u64) << 11)
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        panic!("the replay draws 64 bits at a time")
    }
}

/// Asserts that an f32 is an f64 rounded once, when the f64 itself is good to 1e-12.
pub fn assert_rounded(got: f32, want: f64) {
    let half_ulp = (f64::from((want as f32).next_up()) - f64::from(want as f32)) / 2.0;
    assert!((f64::from(got) - want).abs() <= half_ulp + 1e-12, "{got} for {want}");
}
