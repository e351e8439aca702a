//! Where a game's random numbers come from.

use rand::{Rng, RngExt};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A source of random numbers: a seeded generator, or a recording that is played back.
///
/// Games draw one number at a time and in an order that is part of their definition, so that the draws of
/// another implementation can be played back to them.
pub trait Draws {
    /// A number from the uniform distribution over `[0, 1)`.
    fn uniform(&mut self) -> f64;

    /// A whole number from the uniform distribution over `0..bound`.
    ///
    /// # Panics
    ///
    /// If `bound` is 0.
    fn below(&mut self, bound: usize) -> usize;

    /// Whether this source can be one that a run got to; false for a corrupted one.
    fn is_possible(&self) -> bool {
        true
    }
}

impl Draws for Xoshiro256PlusPlus {
    #[inline]
    fn uniform(&mut self) -> f64 {
        self.random()
    }

    #[inline]
    fn below(&mut self, bound: usize) -> usize {
        // In u32, whose sampling does not depend on the platform's word and is the faster one.
        let bound = u32::try_from(bound).expect("a game chooses among fewer than 2^32 things");
        self.random_range(0..bound) as usize
    }

    /// The all-zero state, the generator's only fixed point, is never reached from a seed.
    fn is_possible(&self) -> bool {
        let mut ahead = self.clone();
        (0..4).any(|_| ahead.next_u64() != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn the_zero_state_is_refused() {
        assert!(Xoshiro256PlusPlus::seed_from_u64(0).is_possible());
        let zero: Xoshiro256PlusPlus = postcard::from_bytes(&[0; 4]).expect("four zeros");
        assert!(!zero.is_possible());
    }
}
