//! Large work in parts, at most one for each thread of the pool.
//!
//! A part computes its elements as it would have computed them among all, so that results do not depend on the number
//! of threads; what adds up over what is cut goes by a fixed number of sums. Small work, such as all that an action of a MinAtar
//! network takes, stays on the thread that it is on: to wake another takes as long as half a million multiply-adds. On a
//! thread of the pool nothing is allocated for it; from another one, every 31st part that is given to the pool takes a new
//! block of its queue.

/// Multiply-adds, or elements read from memory times 16, that a part must have to be worth a thread.
const WORTH_A_THREAD: usize = 1 << 19;

/// As many parts as `work` multiply-adds are worth, of at most `most`.
pub(crate) fn parts_of(work: usize, most: usize) -> usize {
    (work / WORTH_A_THREAD).clamp(1, most)
}

/// As many parts as `work` multiply-adds are worth, of at most one for each of the pool's threads.
pub(crate) fn parts(work: usize) -> usize {
    parts_of(work, rayon::current_num_threads())
}

/// Something that can be cut in two, behind any of its rows.
pub(crate) trait Rows: Send + Sized {
    /// Rows there are.
    fn rows(&self) -> usize;

    /// The first `row` rows, and the others.
    fn cut(self, row: usize) -> (Self, Self);
}

/// A slice in rows of so many values; the last may be shorter.
pub(crate) struct Of<S>(pub(crate) S, pub(crate) usize);

impl<'a, E> Of<&'a [E]> {
    /// Each whole row.
    pub(crate) fn iter(&self) -> std::slice::ChunksExact<'a, E> {
        self.0.chunks_exact(self.1)
    }
}

impl<E> Of<&mut [E]> {
    /// Each whole row.
    pub(crate) fn iter_mut(&mut self) -> std::slice::ChunksExactMut<'_, E> {
        self.0.chunks_exact_mut(self.1)
    }
}

impl<E: Sync> Rows for Of<&[E]> {
    fn rows(&self) -> usize {
        self.0.len().div_ceil(self.1)
    }

    fn cut(self, row: usize) -> (Self, Self) {
        let (left, right) = self.0.split_at(self.0.len().min(row * self.1));
        (Of(left, self.1), Of(right, self.1))
    }
}

impl<E: Send> Rows for Of<&mut [E]> {
    fn rows(&self) -> usize {
        self.0.len().div_ceil(self.1)
    }

    fn cut(self, row: usize) -> (Self, Self) {
        let (left, right) = self.0.split_at_mut(self.0.len().min(row * self.1));
        (Of(left, self.1), Of(right, self.1))
    }
}

/// Numbers of rows.
impl Rows for std::ops::Range<usize> {
    fn rows(&self) -> usize {
        self.len()
    }

    fn cut(self, row: usize) -> (Self, Self) {
        (self.start..self.start + row, self.start + row..self.end)
    }
}

macro_rules! rows_of_all {
    ($($name:ident)+) => {
        /// As many rows of each.
        impl<$($name: Rows),+> Rows for ($($name,)+) {
            fn rows(&self) -> usize {
                self.0.rows()
            }

            #[allow(non_snake_case)]
            fn cut(self, row: usize) -> (Self, Self) {
                let ($($name,)+) = self;
                $(let $name = $name.cut(row);)+
                (($($name.0,)+), ($($name.1,)+))
            }
        }
    };
}

rows_of_all!(A B);
rows_of_all!(A B C);
rows_of_all!(A B C D);

/// Calls `body` for as many parts of the `rows` as there are `own`: what a part needs for itself.
pub(crate) fn in_parts<S: Send, R: Rows>(own: &mut [S], rows: R, body: &(impl Fn(&mut S, R) + Sync)) {
    if own.len() > 1 && rows.rows() > 1 {
        let of_all = own.len();
        let (left, right) = own.split_at_mut(of_all / 2);
        let row = rows.rows() * left.len() / of_all;
        let (first, others) = rows.cut(row);
        rayon::join(|| in_parts(left, first, body), || in_parts(right, others, body));
    } else if let Some(own) = own.first_mut() {
        body(own, rows);
    }
}

/// The same where parts need nothing for themselves, and the whole is `work` multiply-adds.
pub(crate) fn share<R: Rows>(work: usize, rows: R, body: impl Fn(R) + Sync) {
    match parts(work) {
        1 => body(rows),
        parts => in_parts(&mut vec![(); parts], rows, &|(), rows| body(rows)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Of, in_parts};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_row_is_in_one_part(rows in 0usize..40, row_len in 1usize..5, parts in 1usize..9) {
            let x: Vec<usize> = (0..rows * row_len).collect();
            let mut y = vec![usize::MAX; x.len()];
            let mut counts = vec![0; parts];
            in_parts(&mut counts, (Of(&mut y[..], row_len), Of(&x[..], row_len), 0..rows), &|count, (y, x, rows)| {
                *count += rows.len();
                assert_eq!(x.0.first(), rows.clone().next().map(|row| row * row_len).as_ref());
                y.0.copy_from_slice(x.0);
            });
            prop_assert_eq!(x, y);
            prop_assert_eq!(counts.iter().sum::<usize>(), rows);
            let most = rows.div_ceil(parts) + 1;
            prop_assert!(counts.into_iter().all(|count| count <= most));
        }
    }
}
