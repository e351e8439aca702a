//! Direct convolutions with few output channels: the window slides over the map.
//!
//! Where one vector holds all output channels, a matrix product of patches reads a value from the first cache for every
//! multiply-add, and the cache is its limit. Here a pixel is read once for a row of the window and multiplied by the
//! kernel of each of the row's columns, for as many neighbouring outputs. Layout: maps (height, width, channels),
//! kernel (side, side, channels, outputs). Limit: multiply-adds.

use super::instruction_set::dispatch;
use crate::scalar::Scalar;
use pulp::{Simd, WithSimd};

/// The most output channels for which [`convolve`] is faster than a product: the lanes of the longest vector.
pub(crate) const MOST_OUTPUTS: usize = 16;
/// The longest side of a window: the kernel of a row stays in registers.
const LONGEST_SIDE: usize = 5;
/// Outputs of the largest tile.
const MOST: usize = 14;

/// Whether [`convolve`] is faster than a product of patches, for windows of this side at stride 1.
pub(crate) fn suits(side: usize, outputs: usize) -> bool {
    side <= LONGEST_SIDE && outputs <= MOST_OUTPUTS
}

/// y = the convolution of the map `x` with a kernel of `SIDE` x `SIDE`, at stride 1 and without padding, plus `bias`.
///
/// # Shapes
/// x: (h + SIDE - 1 or more, w + SIDE - 1 or more, channels), rows of `width` pixels; kernel: (SIDE, SIDE, channels,
/// c); bias: (c); y: (h, w, c)
///
/// # Panics
/// If the shapes do not fit.
pub(crate) fn convolve<E: Scalar, const SIDE: usize>(
    y: &mut [E],
    [h, w]: [usize; 2],
    x: &[E],
    [width, channels]: [usize; 2],
    kernel: &[E],
    bias: &[E],
) {
    let c = bias.len();
    assert!((1..=LONGEST_SIDE).contains(&SIDE), "a window of side {SIDE}");
    assert!(kernel.len() == SIDE * SIDE * channels * c, "values of the kernel");
    assert_eq!(y.len(), h * w * c, "values of the output");
    let (rows, columns) = (h + SIDE - 1, w + SIDE - 1);
    assert!(columns <= width, "{columns} columns of the input's {width}");
    assert!(x.len() >= ((rows - 1) * width + columns) * channels, "{rows} rows of the input");
    dispatch(Convolution::<E, SIDE> { y, output: [h, w], x, width, channels, kernel, bias });
}

/// A convolution whose shapes fit.
struct Convolution<'a, E, const SIDE: usize> {
    y: &'a mut [E],
    output: [usize; 2],
    x: &'a [E],
    width: usize,
    channels: usize,
    kernel: &'a [E],
    bias: &'a [E],
}

impl<E: Scalar, const SIDE: usize> WithSimd for Convolution<'_, E, SIDE> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let [h, w] = self.output;
        let (c, lanes) = (self.bias.len(), E::lanes::<S>());
        for first in (0..c).step_by(lanes) {
            let mask = (c - first < lanes).then(|| E::mask(simd, c - first));
            for row in 0..h {
                let mut column = 0;
                // The sums of a tile stay in registers.
                if S::REGISTER_COUNT >= 32 {
                    while w - column >= MOST {
                        self.tile::<S, MOST>(simd, [row, column, first], mask);
                        column += MOST;
                    }
                }
                while w - column >= 8 {
                    self.tile::<S, 8>(simd, [row, column, first], mask);
                    column += 8;
                }
                while w - column >= 4 {
                    self.tile::<S, 4>(simd, [row, column, first], mask);
                    column += 4;
                }
                while column < w {
                    self.tile::<S, 1>(simd, [row, column, first], mask);
                    column += 1;
                }
            }
        }
    }
}

impl<E: Scalar, const SIDE: usize> Convolution<'_, E, SIDE> {
    /// Computes a vector of channels, from `first` on, of `OUTPUTS` neighbouring outputs.
    #[inline(always)]
    #[allow(unsafe_code)]
    fn tile<S: Simd, const OUTPUTS: usize>(
        &mut self,
        simd: S,
        [row, column, first]: [usize; 3],
        mask: Option<E::Mask<S>>,
    ) {
        let (c, [_, w]) = (self.bias.len(), self.output);
        // SAFETY: `first` is less than `c`, and `mask` keeps to `c`.
        let bias = unsafe { E::load(simd, self.bias.as_ptr().add(first), mask) };
        let mut sums = [bias; OUTPUTS];
        let mut kernel = self.kernel.as_ptr().wrapping_add(first);
        let mut row_of_x = self.x.as_ptr().wrapping_add((row * self.width + column) * self.channels);
        for _ in 0..SIDE {
            for channel in 0..self.channels {
                // SAFETY: the kernel has this row and channel for each of its columns, and `mask` keeps to `c`.
                let weights: [E::Vector<S>; SIDE] = std::array::from_fn(|window_column| unsafe {
                    E::load(simd, kernel.add(window_column * self.channels * c), mask)
                });
                let mut x = row_of_x.wrapping_add(channel);
                unrolled(
                    OUTPUTS + SIDE - 1,
                    #[inline(always)]
                    |pixel| {
                        // SAFETY: `convolve` made sure that x has SIDE - 1 pixels more than outputs in a row, and rows.
                        let factor = unsafe { *x }.splat(simd);
                        for window_column in 0..SIDE {
                            if (window_column..window_column + OUTPUTS).contains(&pixel) {
                                let sum = &mut sums[pixel - window_column];
                                *sum = E::multiply_add(simd, factor, weights[window_column], *sum);
                            }
                        }
                        x = x.wrapping_add(self.channels);
                    },
                );
                kernel = kernel.wrapping_add(c);
            }
            kernel = kernel.wrapping_add((SIDE - 1) * self.channels * c);
            row_of_x = row_of_x.wrapping_add(self.width * self.channels);
        }
        let y = self.y[(row * w + column) * c..][..OUTPUTS * c].as_mut_ptr();
        for (output, sum) in sums.into_iter().enumerate() {
            // SAFETY: y has these outputs, and `mask` keeps to their channels.
            unsafe { E::store(simd, y.add(output * c + first), mask, sum) };
        }
    }
}

/// Calls `body` for the numbers below `count` in an unrolled loop, so that arrays indexed by the number stay in
/// registers.
#[inline(always)]
fn unrolled(count: usize, mut body: impl FnMut(usize)) {
    macro_rules! each {
        ($($number:literal)+) => {
            $(if $number < count {
                body($number);
            })+
        };
    }
    const { assert!(MOST + LONGEST_SIDE - 1 <= 18) };
    each!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17);
}

#[cfg(test)]
mod tests {
    use super::{Convolution, convolve};
    use proptest::prelude::*;
    use pulp::Simd;

    proptest! {
        #[test]
        fn convolutions_equal_plain_loops(
            h in 1usize..4, w in 1usize..40, channels in 1usize..6, c in 1usize..40, gap in 0usize..3, seed: u64,
        ) {
            const SIDE: usize = 3;
            let random = |len: usize, salt: u64| -> Vec<f32> {
                use rand::{RngExt, SeedableRng};
                let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(seed ^ salt);
                (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
            };
            let (width, rows) = (w + SIDE - 1 + gap, h + SIDE - 1);
            let x = random(rows * width * channels, 1);
            let kernel = random(SIDE * SIDE * channels * c, 2);
            let bias = random(c, 3);
            let want = |row: usize, column: usize, output: usize| {
                let mut sum = f64::from(bias[output]);
                for (i, j, channel) in (0..SIDE * SIDE * channels).map(|at| (at / channels / SIDE, at / channels % SIDE, at % channels)) {
                    let x = x[((row + i) * width + column + j) * channels + channel];
                    let weight = kernel[((i * SIDE + j) * channels + channel) * c + output];
                    sum += f64::from(x) * f64::from(weight);
                }
                sum
            };
            let convolution = |y| Convolution::<f32, SIDE> {
                y, output: [h, w], x: &x, width, channels, kernel: &kernel, bias: &bias,
            };
            let mut results = vec![vec![f32::NAN; h * w * c]; 2];
            convolve::<f32, SIDE>(&mut results[0], [h, w], &x, [width, channels], &kernel, &bias);
            pulp::Scalar.vectorize(convolution(&mut results[1]));
            #[cfg(target_arch = "x86_64")]
            if let Some(avx2) = pulp::x86::V3::try_new() {
                let mut y = vec![f32::NAN; h * w * c];
                Simd::vectorize(avx2, convolution(&mut y));
                results.push(y);
            }
            for y in results {
                for (at, y) in y.into_iter().enumerate() {
                    let want = want(at / c / w, at / c % w, at % c);
                    prop_assert!((f64::from(y) - want).abs() < 1e-5, "{y}, should be {want}");
                }
            }
            let double = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            let mut y = vec![f64::NAN; h * w * c];
            convolve::<f64, SIDE>(&mut y, [h, w], &double(&x), [width, channels], &double(&kernel), &double(&bias));
            for (at, y) in y.into_iter().enumerate() {
                prop_assert!((y - want(at / c / w, at / c % w, at % c)).abs() < 1e-13);
            }
        }
    }
}
