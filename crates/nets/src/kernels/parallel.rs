//! Loops over rows, shared among the threads of rayon's pool.
//!
//! A large loop is split into chunks of neighbouring rows, at most one for each thread. A row is computed the same way
//! in any chunk, so results do not depend on the number of threads; a sum over rows is a fixed number of partial sums
//! instead. Small loops stay on their thread, because waking another costs as much as half a million multiply-adds.
//!
//! On a thread of the pool this allocates nothing. From another thread, rayon allocates a block of its queue for every
//! 31st chunk.

use super::instruction_set::InstructionSet;

/// Multiply-adds that a chunk must have to be worth a thread.
const WORTH_A_THREAD: usize = 1 << 19;

/// Multiply-adds that take as long as reading a value from memory: the work of an element-wise loop for each element.
pub(crate) const PER_VALUE: usize = 16;

/// The number of chunks that `work` multiply-adds are worth, at most `most`.
pub(crate) fn chunk_count_up_to(most: usize, work: usize) -> usize {
    (work / WORTH_A_THREAD).clamp(1, most)
}

/// The number of chunks that `work` multiply-adds are worth, at most one for each thread of the pool.
pub(crate) fn chunk_count(work: usize) -> usize {
    chunk_count_up_to(rayon::current_num_threads(), work)
}

/// Rows that can be split in two.
pub(crate) trait Split: Send + Sized {
    /// The number of rows.
    fn row_count(&self) -> usize;

    /// The first `row` rows, and the rest.
    fn split_at_row(self, row: usize) -> (Self, Self);
}

/// A slice as rows of a fixed length; the last may be shorter.
pub(crate) struct Rows<S>(pub(crate) S, pub(crate) usize);

impl<'a, E> Rows<&'a [E]> {
    /// Each whole row.
    pub(crate) fn iter(&self) -> std::slice::ChunksExact<'a, E> {
        self.0.chunks_exact(self.1)
    }
}

impl<E> Rows<&mut [E]> {
    /// Each whole row.
    pub(crate) fn iter_mut(&mut self) -> std::slice::ChunksExactMut<'_, E> {
        self.0.chunks_exact_mut(self.1)
    }
}

impl<E: Sync> Split for Rows<&[E]> {
    fn row_count(&self) -> usize {
        self.0.len().div_ceil(self.1)
    }

    fn split_at_row(self, row: usize) -> (Self, Self) {
        let (left, right) = self.0.split_at(self.0.len().min(row * self.1));
        (Rows(left, self.1), Rows(right, self.1))
    }
}

impl<E: Send> Split for Rows<&mut [E]> {
    fn row_count(&self) -> usize {
        self.0.len().div_ceil(self.1)
    }

    fn split_at_row(self, row: usize) -> (Self, Self) {
        let (left, right) = self.0.split_at_mut(self.0.len().min(row * self.1));
        (Rows(left, self.1), Rows(right, self.1))
    }
}

/// Row numbers.
impl Split for std::ops::Range<usize> {
    fn row_count(&self) -> usize {
        self.len()
    }

    fn split_at_row(self, row: usize) -> (Self, Self) {
        (self.start..self.start + row, self.start + row..self.end)
    }
}

macro_rules! split_together {
    ($($name:ident)+) => {
        /// Several with as many rows each, split at the same row.
        impl<$($name: Split),+> Split for ($($name,)+) {
            fn row_count(&self) -> usize {
                self.0.row_count()
            }

            #[allow(non_snake_case)]
            fn split_at_row(self, row: usize) -> (Self, Self) {
                let ($($name,)+) = self;
                $(let $name = $name.split_at_row(row);)+
                (($($name.0,)+), ($($name.1,)+))
            }
        }
    };
}

split_together!(A B);
split_together!(A B C);
split_together!(A B C D);

/// Splits `rows` into as many chunks as there are `scratches`, and calls `body` for each chunk with a scratch of its
/// own.
pub(crate) fn parallel_chunks_with<S: Send, R: Split>(
    scratches: &mut [S],
    rows: R,
    body: &(impl Fn(&mut S, R) + Sync),
) {
    let set = InstructionSet::current();
    split(scratches, rows, &|scratch: &mut S, rows| set.run(|| body(scratch, rows)));
}

fn split<S: Send, R: Split>(scratches: &mut [S], rows: R, body: &(impl Fn(&mut S, R) + Sync)) {
    if scratches.len() > 1 && rows.row_count() > 1 {
        let chunks = scratches.len();
        let (left, right) = scratches.split_at_mut(chunks / 2);
        let row = rows.row_count() * left.len() / chunks;
        let (first, rest) = rows.split_at_row(row);
        rayon::join(|| split(left, first, body), || split(right, rest, body));
    } else if let Some(scratch) = scratches.first_mut() {
        body(scratch, rows);
    }
}

/// Splits `rows`, whose loop is `work` multiply-adds, into the chunks that it is worth, and calls `body` for each.
pub(crate) fn parallel_chunks<R: Split>(work: usize, rows: R, body: impl Fn(R) + Sync) {
    match chunk_count(work) {
        1 => body(rows),
        chunks => parallel_chunks_with(&mut vec![(); chunks], rows, &|(), rows| body(rows)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Rows, parallel_chunks_with};
    use crate::kernels::InstructionSet;
    use proptest::prelude::*;

    #[test]
    fn chunks_are_computed_with_their_callers_instruction_set() {
        for set in InstructionSet::available() {
            let mut found = [None; 8];
            set.run(|| {
                parallel_chunks_with(&mut found, 0..8, &|found, _| *found = Some(InstructionSet::current()));
            });
            assert_eq!(found, [Some(set); 8]);
        }
    }

    proptest! {
        #[test]
        fn every_row_is_in_one_chunk(rows in 0usize..40, row_len in 1usize..5, chunks in 1usize..9) {
            let x: Vec<usize> = (0..rows * row_len).collect();
            let mut y = vec![usize::MAX; x.len()];
            let mut counts = vec![0; chunks];
            let all = (Rows(&mut y[..], row_len), Rows(&x[..], row_len), 0..rows);
            parallel_chunks_with(&mut counts, all, &|count, (y, x, rows)| {
                *count += rows.len();
                assert_eq!(x.0.first(), rows.clone().next().map(|row| row * row_len).as_ref());
                y.0.copy_from_slice(x.0);
            });
            prop_assert_eq!(x, y);
            prop_assert_eq!(counts.iter().sum::<usize>(), rows);
            let most = rows.div_ceil(chunks) + 1;
            prop_assert!(counts.into_iter().all(|count| count <= most));
        }
    }
}
