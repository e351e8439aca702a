//! Affine maps whose matrix is too large for the caches of a core.
//!
//! Layout: b row by row. The inner loop goes by blocks of rows of b, each read once in the order of memory before it is
//! multiplied: processors ask ahead for what is read in order, and not for the rows of a panel, which lie far apart. Limit: the
//! way from memory, behind it multiply-adds. Measured on one core of a Zen 5, of 272 GFLOP/s, with a matrix that is in no
//! cache: 180 at 32 x 7,744 x 512 (138 panel by panel), 175 at 32 x 7,744 x 969 (126); on two cores 350 and 310 (228 and 165).

use super::instructions::vectorised;
use super::matrix::MatrixMut;
use super::panels::{Product, Summand};
use super::parts::{Of, share};
use crate::scalar::Scalar;

/// Values from which on a matrix is read from memory.
const FROM_MEMORY: usize = 1 << 20;
/// Rows of b in a block, and values: half of a second cache.
const ROWS_OF_B: usize = 128;
const VALUES_OF_B: usize = 1 << 17;
/// The most rows of c: with more, each value of b has so many uses that its way from memory counts for little.
const MOST_ROWS_OF_C: usize = 64;
/// Parts of the inner loop, and sums. Threads share them, so that each reads a part of b; they are as many for any number of
/// threads, so that all add in the same order.
const SUMS: usize = 8;
/// Bytes of a line of the caches.
const LINE: usize = 64;

/// Whether [`in_sums`] computes such a product faster: b is large, each part of it at least a block, and c has few rows.
pub(super) fn is_from_memory<E>(product: &Product<'_, E>) -> bool {
    let ([k, n], [m, _]) = (product.b.shape, product.c.shape);
    let is_large = k * n > FROM_MEMORY && k >= SUMS * ROWS_OF_B;
    is_large && product.a.columns[0] == 1 && (1..=MOST_ROWS_OF_C).contains(&m)
}

/// Computes c = a b + `bias`, in rows, from a sum over each part of the inner loop.
pub(super) fn in_sums<E: Scalar>(
    product: Product<'_, E>,
    bias: &[E],
    multiply: impl Fn(Product<'_, E>) + Sync,
) {
    let Product { c, a, b, rectified, .. } = product;
    let ([k, n], [m, _]) = (b.shape, c.shape);
    let rows_at_a_time = ROWS_OF_B.min(VALUES_OF_B / n).max(1);
    // On this thread no part takes the scratch a second time: neither b nor c is copied.
    let mut sums = E::take_scratch(SUMS * m * n);
    let parts = (0..SUMS, Of(&mut sums[..SUMS * m * n], m * n));
    share(m * n * k, parts, |(parts, Of(sums, len))| {
        for (part, sum) in parts.zip(sums.chunks_exact_mut(len)) {
            let (start, end) = (k * part / SUMS, k * (part + 1) / SUMS);
            for first in (start..end).step_by(rows_at_a_time) {
                let rows = first..end.min(first + rows_at_a_time);
                let (a, b) = (a.columns(rows.clone()), b.rows(rows));
                fetch(&b.data[..b.data.len().min(b.shape[0] * b.strides[0])]);
                let sum = MatrixMut::new(sum, m, n);
                multiply(Product::of_blocks(sum, a, b, Summand::of(first > start)));
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

/// Reads a value of each line of the caches.
fn fetch<E: Scalar>(values: &[E]) {
    for line in values.chunks(LINE / size_of::<E>()) {
        std::hint::black_box(line[0]);
    }
}
