//! Affine maps whose matrix is too large for the caches of a core.
//!
//! Layout: b row by row. The inner loop goes by blocks of rows of b, each read once in the order of memory before it is
//! multiplied: processors prefetch values that are read in order, and not the rows of a panel, which lie far apart.
//! Limit: the bandwidth of memory, and multiply-adds after it.

use super::instruction_set::vectorised;
use super::matrix::MatrixMut;
use super::panels::{Product, Summand};
use super::parallel::{Rows, parallel_chunks};
use crate::scalar::Scalar;

/// A matrix of more values than this is read from memory.
const FROM_MEMORY: usize = 1 << 20;
/// Rows of b in a block, and values: half of a second cache.
const ROWS_OF_B: usize = 128;
const VALUES_OF_B: usize = 1 << 17;
/// The most rows of c: with more, each value of b has so many uses that reading it from memory counts for little.
const MOST_ROWS_OF_C: usize = 64;
/// Partial sums over the inner loop, one for each eighth of the rows of b. Threads share them, so that each reads only
/// some rows. Their number is the same for any number of threads, so that all add in the same order.
const SUMS: usize = 8;
/// Bytes of a cache line.
const LINE: usize = 64;

/// Whether [`by_partial_sums`] computes a product faster: b is large, each eighth of it at least a block, and c has few
/// rows.
pub(super) fn is_from_memory<E>(product: &Product<'_, E>) -> bool {
    let ([k, n], [m, _]) = (product.b.shape, product.c.shape);
    let is_large = k * n > FROM_MEMORY && k >= SUMS * ROWS_OF_B;
    is_large && product.a.columns[0] == 1 && (1..=MOST_ROWS_OF_C).contains(&m)
}

/// Computes c = a b + `bias` as [`SUMS`] partial sums over the inner loop.
pub(super) fn by_partial_sums<E: Scalar>(product: Product<'_, E>, bias: &[E]) {
    let Product { c, a, b, rectified, .. } = product;
    let ([k, n], [m, _]) = (b.shape, c.shape);
    let rows_at_a_time = ROWS_OF_B.min(VALUES_OF_B / n).max(1);
    // No product below takes this thread's scratch a second time: neither b nor c is copied.
    let mut sums = E::take_scratch(SUMS * m * n);
    let numbered = (0..SUMS, Rows(&mut sums[..SUMS * m * n], m * n));
    parallel_chunks(m * n * k, numbered, |(numbers, Rows(sums, len))| {
        for (number, sum) in numbers.zip(sums.chunks_exact_mut(len)) {
            let (start, end) = (k * number / SUMS, k * (number + 1) / SUMS);
            for first in (start..end).step_by(rows_at_a_time) {
                let rows = first..end.min(first + rows_at_a_time);
                let (a, b) = (a.columns(rows.clone()), b.rows(rows));
                fetch(&b.data[..b.data.len().min(b.shape[0] * b.strides[0])]);
                let sum = MatrixMut::new(sum, m, n);
                E::multiply(Product::of_blocks(sum, a, b, Summand::of(first > start)), 0);
            }
        }
    });
    vectorised(
        #[inline(always)]
        || {
            for row in 0..m {
                let y = &mut c.data[row * c.strides[0]..][..n];
                y.copy_from_slice(bias);
                for sum in sums.chunks_exact(m * n).take(SUMS) {
                    y.iter_mut().zip(&sum[row * n..]).for_each(|(y, &sum)| *y += sum);
                }
                if rectified {
                    y.iter_mut().for_each(|y| *y = if *y > E::ZERO { *y } else { E::ZERO });
                }
            }
        },
    );
    E::give_scratch(sums);
}

/// Reads a value of each cache line.
fn fetch<E: Scalar>(values: &[E]) {
    for line in values.chunks(LINE / size_of::<E>()) {
        std::hint::black_box(line[0]);
    }
}
