//! Permutations.

use rand::Rng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// A permutation of 0..len: position i receives the value of position [`sources`](Permutation::sources)`[i]`.
///
/// Its serialised form is that list.
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

/// An error: a list that does not name every position once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPermutation {
    /// A position beyond the end.
    #[error("a permutation of {len} values names place {place}; give each of 0 to {len} - 1 once")]
    Beyond {
        /// The position.
        place: usize,
        /// Number of values.
        len: usize,
    },
    /// A position that occurs twice.
    #[error("a permutation of {len} values names place {place} twice; give each of 0 to {len} - 1 once")]
    Twice {
        /// The position.
        place: usize,
        /// Number of values.
        len: usize,
    },
}

impl Permutation {
    /// The permutation in which position i receives the value of position `sources[i]`.
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

    /// A permutation of `len` values, drawn uniformly.
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

    /// The position from which each position receives its value.
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
