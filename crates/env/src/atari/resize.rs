//! Area interpolation to 84 by 84 pixels, bit-identical to OpenCV's `INTER_AREA` on x86.

use super::SIZE;

/// Fractions of a pixel up to this size are ignored, as in OpenCV.
const NEGLIGIBLE: f64 = 1e-3;
/// 1.5 times 2^23. A float of this size has no fraction: adding it rounds half to even and leaves the integer in the low bits.
const ROUND: f32 = 12_582_912.0;

/// Shrinks images of a fixed size to [`SIZE`] by [`SIZE`] pixels by area interpolation.
///
/// The result equals OpenCV's `resize(.., INTER_AREA)` for one channel of bytes. Weights are single-precision numbers. Each row is first
/// averaged horizontally from left to right, then rows are summed from top to bottom. No multiplication is fused with an addition.
///
/// `AreaResize` keeps the averaged rows, so [`update`](AreaResize::update) processes only changed rows.
#[derive(Clone, Debug)]
pub struct AreaResize {
    width: usize,
    horizontal: Taps,
    vertical: Taps,
    /// Each source row, averaged horizontally: (height, [`SIZE`]).
    rows: Vec<[f32; SIZE]>,
    /// One source row as floats, with zeros after its end.
    line: Vec<f32>,
}

/// Source pixels of each output pixel: `count` neighbours from `first` on, with weights. Unused neighbours have weight 0.
#[derive(Clone, Debug)]
struct Taps {
    count: usize,
    first: Vec<usize>,
    /// `count` weights for each output pixel.
    weights: Vec<f32>,
}

impl Taps {
    /// The neighbours along one axis with `source` pixels.
    fn new(source: usize) -> Self {
        let scale = 1.0 / (SIZE as f64 / source as f64);
        let mut all: Vec<(usize, Vec<f32>)> = Vec::with_capacity(SIZE);
        for output in 0..SIZE {
            let from = output as f64 * scale;
            let to = from + scale;
            let covered = scale.min(source as f64 - from);
            let last = (to.floor() as usize).min(source - 1);
            let first_whole = (from.ceil() as usize).min(last);
            let (left, right) = (first_whole as f64 - from, to - last as f64);
            let mut first = first_whole;
            let mut weights = Vec::new();
            if left > NEGLIGIBLE {
                first -= 1;
                weights.push((left / covered) as f32);
            }
            weights.extend((first_whole..last).map(|_| (1.0 / covered) as f32));
            if right > NEGLIGIBLE {
                weights.push((right.min(1.0).min(covered) / covered) as f32);
            }
            all.push((first, weights));
        }
        let count = all.iter().map(|(_, weights)| weights.len()).max().unwrap_or(0);
        let padded = all
            .iter()
            .flat_map(|(_, weights)| weights.iter().copied().chain(std::iter::repeat(0.0)).take(count));
        Taps { count, weights: padded.collect(), first: all.iter().map(|(first, _)| *first).collect() }
    }

    /// The neighbours of an output pixel with non-zero weight, in order.
    fn of(&self, output: usize) -> impl Iterator<Item = (usize, f32)> {
        let weights = &self.weights[output * self.count..][..self.count];
        let numbers = self.first[output]..;
        numbers.zip(weights.iter().copied()).filter(|(_, weight)| *weight != 0.0)
    }
}

impl AreaResize {
    /// Creates a resizer for images of this size.
    ///
    /// # Panics
    ///
    /// If `height` or `width` is below [`SIZE`].
    pub fn new(height: usize, width: usize) -> Self {
        assert!(height >= SIZE && width >= SIZE, "{height} x {width} pixels cannot be shrunk to {SIZE}");
        let horizontal = Taps::new(width);
        AreaResize {
            width,
            line: vec![0.0; width + horizontal.count],
            horizontal,
            vertical: Taps::new(height),
            rows: vec![[0.0; SIZE]; height],
        }
    }

    /// Shrinks an image.
    ///
    /// # Shapes
    ///
    /// `input`: (height, width). `output`: ([`SIZE`], [`SIZE`]).
    ///
    /// # Panics
    ///
    /// If a slice has the wrong length.
    pub fn resize(&mut self, input: &[u8], output: &mut [u8]) {
        let all = vec![true; self.rows.len()];
        self.update(input, &all, output);
    }

    /// Shrinks an image of which only some rows differ from the previous image. `output` must still hold the previous result.
    ///
    /// # Shapes
    ///
    /// `input`: (height, width). `changed`: (height), whether each row differs. `output`: ([`SIZE`], [`SIZE`]).
    ///
    /// # Panics
    ///
    /// If a slice has the wrong length.
    pub fn update(&mut self, input: &[u8], changed: &[bool], output: &mut [u8]) {
        let height = self.rows.len();
        assert_eq!(
            (input.len(), changed.len()),
            (height * self.width, height),
            "the picture has another size"
        );
        assert_eq!(output.len(), SIZE * SIZE, "an output has {SIZE} x {SIZE} bytes");
        for row in (0..height).filter(|row| changed[*row]) {
            let pixels = &input[row * self.width..][..self.width];
            // Many adjacent rows of a screen are equal.
            if row > 0 && pixels == &input[(row - 1) * self.width..][..self.width] {
                self.rows[row] = self.rows[row - 1];
            } else {
                self.average(row, pixels);
            }
        }
        for (row, output) in output.chunks_exact_mut(SIZE).enumerate() {
            if self.vertical.of(row).any(|(source, _)| changed[source]) {
                self.add_up(row, output);
            }
        }
    }

    /// Averages one source row horizontally.
    fn average(&mut self, row: usize, pixels: &[u8]) {
        for (float, &pixel) in self.line.iter_mut().zip(pixels) {
            *float = f32::from(pixel);
        }
        match self.horizontal.count {
            // 160 pixels.
            3 => self.average_of::<3>(row),
            count => {
                for (output, sum) in self.rows[row].iter_mut().enumerate() {
                    let from = self.horizontal.first[output];
                    let weights = &self.horizontal.weights[output * count..][..count];
                    let products =
                        self.line[from..].iter().zip(weights).map(|(pixel, weight)| pixel * weight);
                    *sum = products.fold(0.0, |sum, product| sum + product);
                }
            }
        }
    }

    fn average_of<const COUNT: usize>(&mut self, row: usize) {
        let Taps { first, weights, .. } = &self.horizontal;
        let (weights, _) = weights.as_chunks::<COUNT>();
        for ((sum, &from), weights) in self.rows[row].iter_mut().zip(first).zip(weights) {
            let pixels = &self.line[from..from + COUNT];
            let mut total = pixels[0] * weights[0];
            for tap in 1..COUNT {
                total += pixels[tap] * weights[tap];
            }
            *sum = total;
        }
    }

    /// Sums the source rows of one output row.
    fn add_up(&self, row: usize, output: &mut [u8]) {
        let mut sums = [0.0_f32; SIZE];
        for (source, weight) in self.vertical.of(row) {
            for (sum, pixel) in sums.iter_mut().zip(&self.rows[source]) {
                *sum += weight * pixel;
            }
        }
        for (byte, sum) in output.iter_mut().zip(sums) {
            // A sum exceeds 255 only by rounding errors.
            *byte = (sum.min(255.0) + ROUND).to_bits() as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_picture_stays_flat() {
        for (height, level) in [(210, 0), (214, 1), (220, 127), (230, 254), (250, 255)] {
            let mut output = vec![9; SIZE * SIZE];
            AreaResize::new(height, 160).resize(&vec![level; height * 160], &mut output);
            assert!(output.iter().all(|&byte| byte == level), "{height} rows of {level}");
        }
    }

    #[test]
    fn weights_are_those_of_areas() {
        let taps = Taps::new(160);
        assert_eq!((taps.count, taps.of(0).count() + taps.of(1).count()), (3, 5));
        assert_eq!((0..SIZE).map(|output| taps.of(output).count()).sum::<usize>(), 240);
        let rows = Taps::new(210);
        assert_eq!((0..SIZE).map(|output| rows.of(output).count()).sum::<usize>(), 252);
        for output in 0..SIZE {
            let sum: f32 = taps.of(output).map(|(_, weight)| weight).sum();
            assert!((sum - 1.0).abs() < 1e-6, "output {output} weighs {sum}");
        }
    }

    #[test]
    fn changed_rows_alone_give_the_whole_picture() {
        let mut resize = AreaResize::new(210, 160);
        let mut input: Vec<u8> = (0..210 * 160).map(|index: u32| (index.pow(2) >> 7) as u8).collect();
        let mut output = vec![0; SIZE * SIZE];
        resize.resize(&input, &mut output);
        let mut changed = vec![false; 210];
        for row in [0, 17, 18, 209] {
            input[row * 160..][..160].fill(row as u8);
            changed[row] = true;
        }
        resize.update(&input, &changed, &mut output);
        let mut expected = vec![0; SIZE * SIZE];
        AreaResize::new(210, 160).resize(&input, &mut expected);
        assert_eq!(output, expected);
    }
}
