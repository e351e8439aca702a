//! Generators of random numbers, one for each name.

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// A source of generators: each follows from the seed and a name alone, e.g. an arm and a statistic. The interval of an arm
/// then does not depend on the other arms of a report, nor on their order.
///
/// ```
/// use rand::RngExt;
/// use softmoe_statistics::Streams;
///
/// let draw = |names: &[&str]| Streams::new(0).generator(names).random::<u64>();
/// assert_eq!(draw(&["flat", "summary"]), draw(&["flat", "summary"]));
/// assert_ne!(draw(&["flat", "summary"]), draw(&["flats", "ummary"]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// The generators of `seed`.
    pub fn new(seed: u64) -> Self {
        Streams { seed }
    }

    /// The generator of the name that consists of `names`.
    pub fn generator(&self, names: &[&str]) -> Xoshiro256PlusPlus {
        // FNV-1a: the same on every platform and in every version, unlike the standard library's hashes.
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut add = |bytes: &[u8]| {
            for &byte in bytes {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        add(&self.seed.to_le_bytes());
        for name in names {
            add(&(name.len() as u64).to_le_bytes());
            add(name.as_bytes());
        }
        Xoshiro256PlusPlus::seed_from_u64(hash)
    }
}
