//! Affine maps whose matrix is too large for the caches of a core.
//!
//! Layout: b row by row. The inner loop goes by blocks of rows of b, each read once in the order of memory before it is
//! multiplied: processors ask ahead for what is read in order, and not for the rows of a panel, which lie far apart. Limit: the
//! way from memory, behind it multiply-adds. Measured on one core of a Zen 5, of 272 GFLOP/s, with a matrix that is in no
//! cache: 180 at 32 x 7,744 x 512 (138 panel by panel), 175 at 32 x 7,744 x 969 (126); on two cores 350 and 310 (228 and 165).

use super::matrix::MatrixMut;
use super::panels::{Product, Summand};
use super::parts::{Of, share};
use crate::kernels::vectorised;
use crate::scalar::Scalar;

/// Values from which on a matrix is read from memory.
const FROM_MEMORY: usize = 1 << 20;
/// Rows of b in a block.
const ROWS_AT_A_TIME: usize = 128;
/// Parts of the inner loop that threads share, so that each reads a part of b: the same for any number of threads, so that
/// all add in the same order.
const PARTS: usize = 8;
/// Bytes of a line of the caches.
const LINE: usize = 64;

/// Whether [`in_sums`] computes such a product faster: b is large, and has more values than the sums, so that it is not used for
/// rows enough to be worth its way from memory.
pub(super) fn is_from_memory<E>(product: &Product<'_, E>) -> bool {
    let ([k, n], [m, _]) = (product.b.shape, product.c.shape);
    let is_large = k * n > FROM_MEMORY && k >= PARTS * ROWS_AT_A_TIME;
    is_large && product.a.columns[0] == 1 && (1..=k / PARTS).contains(&m)
}

/// Computes c = a b + `bias`, in rows, from a sum over each part of the inner loop.
pub(super) fn in_sums<E: Scalar>(
    product: Product<'_, E>,
    bias: &[E],
    multiply: impl Fn(Product<'_, E>) + Sync,
) {
    let Product { c, a, b, rectified, .. } = product;
    let ([k, n], [m, _]) = (b.shape, c.shape);
    let mut sums = E::take_scratch(PARTS * m * n);
    let of_parts = (0..PARTS, Of(&mut sums[..PARTS * m * n], m * n));
    share(m * n * k, of_parts, |(parts, Of(sums, len))| {
        for (part, sum) in parts.zip(sums.chunks_exact_mut(len)) {
            let (start, end) = (k * part / PARTS, k * (part + 1) / PARTS);
            for first in (start..end).step_by(ROWS_AT_A_TIME) {
                let rows = first..end.min(first + ROWS_AT_A_TIME);
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
            for (row, c) in c.data.chunks_mut(c.strides[0]).take(m).enumerate() {
                let c = &mut c[..n];
                c.copy_from_slice(bias);
                for sum in sums.chunks_exact(m * n).take(PARTS) {
                    c.iter_mut().zip(&sum[row * n..]).for_each(|(c, &sum)| *c += sum);
                }
                if rectified {
                    c.iter_mut().for_each(|c| *c = if *c > E::ZERO { *c } else { E::ZERO });
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
