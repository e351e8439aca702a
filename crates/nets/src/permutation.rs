//! Orders of a number of things.

use rand::Rng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// A bijection of 0..len: what stands in place i afterwards comes from place [`sources`](Permutation::sources)`[i]`.
///
/// It is stored as that list, and so read again.
///
/// ```
/// use softmoe_nets::Permutation;
///
/// let permutation = Permutation::new(vec![2, 0, 1])?;
/// assert_eq!(permutation.inverse().sources(), [1, 2, 0]);
/// assert!(Permutation::new(vec![2, 0, 2]).is_err());
/// # Ok::<(), softmoe_nets::NotAPermutation>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<usize>", into = "Vec<usize>")]
pub struct Permutation {
    sources: Vec<usize>,
}

/// A list that does not name every place once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPermutation {
    /// A place beyond the end.
    #[error("a permutation of {len} values names place {place}; give each of 0 to {len} - 1 once")]
    Beyond {
        /// The place named.
        place: usize,
        /// Number of values.
        len: usize,
    },
    /// A place named twice.
    #[error("a permutation of {len} values names place {place} twice; give each of 0 to {len} - 1 once")]
    Twice {
        /// The place named.
        place: usize,
        /// Number of values.
        len: usize,
    },
}

impl Permutation {
    /// The permutation that takes the value of each place from where `sources` says.
    ///
    /// # Errors
    /// If `sources` does not name each of 0..len once.
    pub fn new(sources: Vec<usize>) -> Result<Self, NotAPermutation> {
        let len = sources.len();
        let mut named = vec![false; len];
        for &place in &sources {
            match named.get_mut(place) {
                None => return Err(NotAPermutation::Beyond { place, len }),
                Some(true) => return Err(NotAPermutation::Twice { place, len }),
                Some(named) => *named = true,
            }
        }
        Ok(Permutation { sources })
    }

    /// A permutation of `len` values, every one as likely.
    pub fn random(len: usize, rng: &mut impl Rng) -> Self {
        let mut sources: Vec<usize> = (0..len).collect();
        sources.shuffle(rng);
        Permutation { sources }
    }

    /// Number of values that it permutes.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether it permutes nothing.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Where the value of each place comes from.
    pub fn sources(&self) -> &[usize] {
        &self.sources
    }

    /// The permutation that undoes this one.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let mut sources = vec![0; self.len()];
        for (place, &source) in self.sources.iter().enumerate() {
            sources[source] = place;
        }
        Permutation { sources }
    }
}

impl TryFrom<Vec<usize>> for Permutation {
    type Error = NotAPermutation;

    fn try_from(sources: Vec<usize>) -> Result<Self, NotAPermutation> {
        Permutation::new(sources)
    }
}

impl From<Permutation> for Vec<usize> {
    fn from(permutation: Permutation) -> Self {
        permutation.sources
    }
}
