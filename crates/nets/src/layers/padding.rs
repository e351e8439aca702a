//! Windows that slide over feature maps, and padding at the maps' borders.

use crate::Scalar;
use crate::size::valid;
use std::fmt::Debug;
use std::ops::Range;

/// The padding of a convolution or a pooling: [`Valid`] or [`Same`].
pub trait Padding: Copy + Debug + Default + PartialEq + Send + Sync + sealed::Sealed + 'static {
    /// The name, `VALID` or `SAME`.
    const NAME: &'static str;
    /// Whether windows reach beyond the border.
    const BEYOND_THE_BORDER: bool;
}

/// No padding: windows lie within the map. An axis of length n has (n - k) / s + 1 windows of length k, s apart,
/// rounded down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Valid;

/// Padding for n / s windows, rounded up: windows may reach beyond the border.
///
/// As in TensorFlow and Flax, an axis is lengthened by max((ceil(n / s) - 1) s + k - n, 0). Half of the length, rounded
/// down, comes before the first value, and the rest comes after the last. So the border may be wider at the end than at
/// the beginning, and differs from `padding=1` of other frameworks for strides beyond 1. A convolution reads zeros
/// beyond the border; a maximum ignores the places there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Same;

impl Padding for Valid {
    const NAME: &'static str = "VALID";
    const BEYOND_THE_BORDER: bool = false;
}

impl Padding for Same {
    const NAME: &'static str = "SAME";
    const BEYOND_THE_BORDER: bool = true;
}

mod sealed {
    /// Seals [`Padding`](super::Padding): the loops support only `Valid` and `Same`.
    pub trait Sealed {}
    impl Sealed for super::Valid {}
    impl Sealed for super::Same {}
}

/// The number of windows along an axis of length `input`, if the length is known.
pub(crate) const fn output_length<P: Padding>(
    input: Option<usize>,
    window: usize,
    stride: usize,
) -> Option<usize> {
    match input {
        Some(input) if P::BEYOND_THE_BORDER => Some(input.div_ceil(stride)),
        Some(input) => Some(valid(input, window, stride)),
        None => None,
    }
}

/// The number of places that padding adds before the first value of an axis of length `input`.
const fn before<P: Padding>(input: usize, window: usize, stride: usize) -> usize {
    if P::BEYOND_THE_BORDER {
        (input.div_ceil(stride).saturating_sub(1) * stride + window).saturating_sub(input) / 2
    } else {
        0
    }
}

/// The numbers of places that padding adds before the first value of an axis of length `input`, and after the last.
#[cfg(feature = "burn")]
pub(crate) fn beyond<P: Padding>(input: usize, window: usize, stride: usize) -> [usize; 2] {
    let before = before::<P>(input, window, stride);
    let windows = output_length::<P>(Some(input), window, stride).unwrap_or(0);
    [before, (windows.saturating_sub(1) * stride + window).saturating_sub(input + before)]
}

/// The square windows of a convolution or a pooling over the maps of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    /// Length of a window's side.
    pub(crate) side: usize,
    stride: usize,
    /// Sizes of a map: height, width, channels.
    map: [usize; 3],
    /// Values beyond the border above, and left.
    pub(crate) before: [usize; 2],
    /// Windows along a column, and along a row.
    pub(crate) output: [usize; 2],
}

/// One row of a window: the part of it within the map, if there is any.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// The window's number, over all rows of all samples.
    pub(crate) window: usize,
    /// Which row of the window.
    pub(crate) row: usize,
    /// Values of the row left of the border.
    pub(crate) outside: usize,
    /// Where the values within the map lie.
    pub(crate) pixels: Range<usize>,
}

/// The part of a window that lies within the map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Which window, over all rows of all samples.
    pub(crate) number: usize,
    /// The number, within the window and row by row, of its first pixel.
    first: u32,
    /// Where that lies, over all samples.
    pixel: usize,
    rows: usize,
    columns: usize,
}

impl Windows {
    /// Windows over maps of sizes `map` (height, width, channels), `stride` apart.
    pub(crate) fn new<P: Padding>(map: [usize; 3], side: usize, stride: usize, output: [usize; 2]) -> Self {
        let before = [before::<P>(map[0], side, stride), before::<P>(map[1], side, stride)];
        Windows { side, stride, map, before, output }
    }

    /// Values in a row of a window.
    pub(crate) fn row_len(&self) -> usize {
        self.side * self.map[2]
    }

    /// Height and width of the maps.
    pub(crate) fn map_sides(&self) -> [usize; 2] {
        [self.map[0], self.map[1]]
    }

    /// Values of a map.
    pub(crate) fn map_len(&self) -> usize {
        self.map.iter().product()
    }

    /// Channels of the maps.
    pub(crate) fn channels(&self) -> usize {
        self.map[2]
    }

    /// Along one axis of length `length`, for the window at `position` of the lengthened axis: how much of it lies
    /// beyond the border, where the rest begins, and how long that is.
    #[inline(always)]
    fn within(&self, position: usize, before: usize, length: usize) -> (usize, usize, usize) {
        let (start, end) = (position.max(before), (position + self.side).min(before + length));
        (start - position, start - before, end.saturating_sub(start))
    }

    /// Calls `body` for each window, those of the rows `rows` of the output; the rows of the samples of a batch count
    /// on from each other.
    #[inline(always)]
    pub(crate) fn each(&self, rows: Range<usize>, mut body: impl FnMut(Window)) {
        let [height, width, _] = self.map;
        let ([h, w], [above, left]) = (self.output, self.before);
        for output_row in rows {
            let (sample, y) = (output_row / h, output_row % h);
            let (above, top, rows) = self.within(y * self.stride, above, height);
            for x in 0..w {
                let (left, start, columns) = self.within(x * self.stride, left, width);
                body(Window {
                    number: output_row * w + x,
                    first: (above * self.side + left) as u32,
                    pixel: (sample * height + top) * width + start,
                    rows,
                    columns,
                });
            }
        }
    }

    /// Calls `body` for each pixel of a window within the map, row by row, with its number in the window.
    #[inline(always)]
    pub(crate) fn each_pixel(&self, window: &Window, mut body: impl FnMut(usize, u32)) {
        let &Window { first, pixel, rows, columns, .. } = window;
        let (side, width) = (self.side as u32, self.map[1]);
        for row in 0..rows {
            let (pixel, first) = (pixel + row * width, first + row as u32 * side);
            for column in 0..columns {
                body(pixel + column, first + column as u32);
            }
        }
    }

    /// Calls `body` for each row of each window, those of the rows `rows` of the output; the rows of the samples of a
    /// batch count on from each other. All windows of a row of the output come with their first rows, then with their
    /// second rows, and so on.
    #[inline(always)]
    pub(crate) fn each_run(&self, rows: Range<usize>, mut body: impl FnMut(Run)) {
        let [height, width, channels] = self.map;
        let [h, w] = self.output;
        let [above, left] = self.before;
        for output_row in rows {
            let (sample, top) = (output_row / h, output_row % h * self.stride);
            for row in 0..self.side {
                let y = (top + row).checked_sub(above).filter(|&y| y < height);
                let start = y.map(|y| (sample * height + y) * width);
                for x in 0..w {
                    // Columns of the lengthened map.
                    let columns = x * self.stride..x * self.stride + self.side;
                    let within = columns.start.max(left)..columns.end.min(left + width);
                    let pixels = match start {
                        Some(start) if !within.is_empty() => {
                            (start + within.start - left) * channels..(start + within.end - left) * channels
                        }
                        _ => 0..0,
                    };
                    let outside = (within.start - columns.start) * channels;
                    body(Run { window: output_row * w + x, row, outside, pixels });
                }
            }
        }
    }
}

/// A feature map, (height, width, channels).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Map<'a, E> {
    pub(crate) values: &'a [E],
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

/// A place for one map with zeros around it.
#[derive(Clone, Debug)]
pub(crate) struct Padded<E> {
    map: [usize; 3],
    before: [usize; 2],
    width: usize,
    /// (height, width, channels) with the zeros; empty if there are none.
    values: Vec<E>,
}

impl<E: Scalar> Padded<E> {
    /// For maps of sizes `map`, with `before` zeros above and left, lengthened to at least `lengths` (height, width).
    pub(crate) fn new(map: [usize; 3], before: [usize; 2], lengths: [usize; 2]) -> Self {
        let [height, width] = [0, 1].map(|axis| lengths[axis].max(before[axis] + map[axis]));
        let is_needed = [height, width] != [map[0], map[1]];
        let values = vec![E::ZERO; if is_needed { height * width * map[2] } else { 0 }];
        Padded { map, before, width, values }
    }

    /// The map `x` with its zeros.
    pub(crate) fn of<'a>(&'a mut self, x: &'a [E]) -> Map<'a, E> {
        let Padded { map: [_, width, channels], before: [above, left], .. } = *self;
        if self.values.is_empty() {
            return Map { values: x, width, channels };
        }
        let (row, padded_row) = (width * channels, self.width * channels);
        let first = above * padded_row + left * channels;
        for (padded, x) in self.values[first..].chunks_mut(padded_row).zip(x.chunks_exact(row)) {
            padded[..row].copy_from_slice(x);
        }
        Map { values: &self.values, width: self.width, channels }
    }
}

#[cfg(test)]
mod tests {
    use super::{Padding, Same, Valid, Windows, before, output_length};
    use proptest::prelude::*;

    /// The values at the windows of one axis, by laying them out: `None` beyond the border.
    fn windows<P: Padding>(n: usize, side: usize, stride: usize) -> Vec<Vec<Option<usize>>> {
        let output = output_length::<P>(Some(n), side, stride).unwrap();
        let value = |at: usize| at.checked_sub(before::<P>(n, side, stride)).filter(|&at| at < n);
        (0..output).map(|i| (0..side).map(|j| value(i * stride + j)).collect()).collect()
    }

    #[test]
    fn the_border_is_wider_at_the_end() {
        // 84 -> 42, windows of 3: nothing before, one after.
        assert_eq!(before::<Same>(84, 3, 2), 0);
        assert_eq!(windows::<Same>(84, 3, 2)[41], [Some(82), Some(83), None]);
        // 21 -> 11: one on each side. 84 -> 21, windows of 8: two on each. 21 -> 11, windows of 4: one and two.
        assert_eq!(before::<Same>(21, 3, 2), 1);
        assert_eq!(before::<Same>(84, 8, 4), 2);
        assert_eq!(before::<Same>(21, 4, 2), 1);
        assert_eq!(windows::<Same>(21, 4, 2)[10], [Some(19), Some(20), None, None]);
    }

    proptest! {
        #[test]
        fn same_windows_cover_the_axis_once_per_stride(n in 1usize..60, side in 1usize..9, stride in 1usize..9) {
            let output = output_length::<Same>(Some(n), side, stride).unwrap();
            prop_assert_eq!(output, n / stride + usize::from(n % stride > 0));
            let windows = windows::<Same>(n, side, stride);
            let count = |beyond: fn(&Vec<Option<usize>>) -> Option<&Option<usize>>| {
                windows.iter().flat_map(|window| beyond(window)).filter(|value| value.is_none()).count()
            };
            // No window lies beyond the border altogether, unless it is in a gap that the stride leaves.
            if side >= stride {
                prop_assert!(windows.iter().all(|window| window.iter().any(Option::is_some)));
                let seen: std::collections::BTreeSet<_> = windows.iter().flatten().flatten().collect();
                prop_assert_eq!(seen.len(), n);
            }
            if stride == 1 {
                let total = side - 1;
                prop_assert_eq!(before::<Same>(n, side, 1), total / 2);
                prop_assert!(count(|window| window.first()) <= total / 2);
            }
        }

        #[test]
        fn valid_windows_stay_within(n in 1usize..60, side in 1usize..9, stride in 1usize..9) {
            let windows = windows::<Valid>(n, side, stride);
            prop_assert!(windows.iter().flatten().all(Option::is_some));
            // One more would not fit.
            prop_assert!(windows.len() * stride + side > n);
        }

        #[test]
        fn windows_have_the_pixels_within_the_map(
            height in 1usize..9, width in 1usize..9, side in 1usize..6, stride in 1usize..4,
        ) {
            let (down, across) = (windows::<Same>(height, side, stride), windows::<Same>(width, side, stride));
            let output = [down.len(), across.len()];
            let map = Windows::new::<Same>([height, width, 3], side, stride, output);
            let mut got = Vec::new();
            map.each(0..2 * output[0], |window| {
                let mut pixels = Vec::new();
                map.each_pixel(&window, |pixel, number| pixels.push((pixel, number)));
                got.push((window.number, pixels));
            });
            let mut want = Vec::new();
            for window in 0..2 * output[0] * output[1] {
                let (sample, y, x) = (window / output[1] / output[0], window / output[1] % output[0], window % output[1]);
                let pixels = (0..side * side).filter_map(|number| {
                    let (row, column) = (down[y][number / side]?, across[x][number % side]?);
                    Some(((sample * height + row) * width + column, number as u32))
                });
                want.push((want.len(), pixels.collect()));
            }
            prop_assert_eq!(got, want);
        }

        #[test]
        fn runs_are_the_windows_rows(
            height in 1usize..9, width in 1usize..9, channels in 1usize..4, side in 1usize..6, stride in 1usize..4,
        ) {
            let (down, across) = (windows::<Same>(height, side, stride), windows::<Same>(width, side, stride));
            let output = [down.len(), across.len()];
            let map = Windows::new::<Same>([height, width, channels], side, stride, output);
            let mut runs = Vec::new();
            map.each_run(0..2 * output[0], |run| runs.push(run));
            let mut runs = runs.into_iter();
            for output_row in 0..2 * output[0] {
                let (sample, y) = (output_row / output[0], output_row % output[0]);
                for (row, x) in (0..side).flat_map(|row| (0..output[1]).map(move |x| (row, x))) {
                    let run = runs.next().unwrap();
                    prop_assert_eq!((run.window, run.row), (output_row * output[1] + x, row));
                    let mut want = vec![None; side * channels];
                    for (column, place) in across[x].iter().enumerate() {
                        if let (Some(y), Some(x)) = (down[y][row], place) {
                            for channel in 0..channels {
                                let pixel = ((sample * height + y) * width + x) * channels + channel;
                                want[column * channels + channel] = Some(pixel);
                            }
                        }
                    }
                    let mut got = vec![None; side * channels];
                    for (i, pixel) in run.pixels.enumerate() {
                        got[run.outside + i] = Some(pixel);
                    }
                    prop_assert_eq!(got, want);
                }
            }
            prop_assert!(runs.next().is_none());
        }
    }
}
