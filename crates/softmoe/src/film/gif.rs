//! GIF films.
//!
//! A GIF has few colours. The palette of a film is made when its last picture is known: its exact colours if there are few; otherwise its
//! most frequent colours, chosen so that no other colour is far from one of them. Until then the pictures are kept as runs of equal pixels.
//! Of each picture, only the rectangle that differs from the picture before is written, and pixels that stay the same are transparent in it.

use super::Colour;
use ::gif::{DisposalMethod, Encoder, Frame, Repeat};
use softmoe_env::RgbFrame;
use std::collections::HashMap;
use std::io::Write;

/// Colours of a palette, beside the transparent one.
const MOST_COLOURS: usize = 255;
/// The index of the transparent colour.
const TRANSPARENT: u8 = 255;
/// Colours kept apart. Rarer ones count as the nearest of them.
const MOST_KEPT: usize = 60_000;
/// Most pictures a second: browsers show no shorter delay than 2/100 s.
pub const MOST_RATE: u32 = 50;
/// Hundredths of a second that the last picture stays.
const LAST: u16 = 150;

/// A film in memory.
#[derive(Clone, Debug, Default)]
pub struct Film {
    size: [usize; 2],
    colours: Vec<Colour>,
    indices: HashMap<Colour, u16>,
    /// Pixels of each colour.
    counts: Vec<u64>,
    frames: Vec<Vec<Run>>,
}

/// Equal pixels in a row: their colour and number.
type Run = (u16, u32);

impl Film {
    /// A film without pictures.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of its pictures.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether it has no picture.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Appends a picture. All pictures have one size.
    ///
    /// # Panics
    /// If it has another size than the first one.
    pub fn push(&mut self, picture: &RgbFrame) {
        let size = [picture.width, picture.height];
        if self.is_empty() {
            self.size = size;
        }
        assert_eq!(self.size, size, "the size of a film's picture");
        let mut runs: Vec<Run> = Vec::new();
        for pixel in picture.pixels.as_chunks::<3>().0 {
            let index = self.index(*pixel);
            self.counts[usize::from(index)] += 1;
            match runs.last_mut() {
                Some((last, count)) if *last == index => *count += 1,
                _ => runs.push((index, 1)),
            }
        }
        self.frames.push(runs);
    }

    /// The index of a colour.
    fn index(&mut self, colour: Colour) -> u16 {
        if let Some(&index) = self.indices.get(&colour) {
            return index;
        }
        let index = if self.colours.len() < MOST_KEPT {
            self.colours.push(colour);
            self.counts.push(0);
            self.colours.len() - 1
        } else {
            nearest(&self.colours, colour)
        };
        let index = u16::try_from(index).unwrap_or(0);
        self.indices.insert(colour, index);
        index
    }

    /// Writes the film at about `rate` pictures a second, repeated without end.
    ///
    /// # Errors
    /// If it cannot be written, or its pictures are too large for a GIF.
    pub fn write(&self, writer: impl Write, rate: u32) -> Result<(), ::gif::EncodingError> {
        let [width, height] = self.size.map(|side| u16::try_from(side).unwrap_or(0));
        let (palette, places) = self.palette();
        let mut encoder = Encoder::new(writer, width, height, &palette.concat())?;
        encoder.set_repeat(Repeat::Infinite)?;
        let delay = u16::try_from((100 + rate / 2) / rate.clamp(1, MOST_RATE)).unwrap_or(100);
        let mut before: Option<Vec<u8>> = None;
        for (index, runs) in self.frames.iter().enumerate() {
            let mut pixels = Vec::with_capacity(self.size[0] * self.size[1]);
            for &(colour, count) in runs {
                pixels.resize(pixels.len() + count as usize, places[usize::from(colour)]);
            }
            let mut frame = changed(&pixels, before.as_deref(), self.size);
            frame.delay = if index + 1 == self.frames.len() { delay.max(LAST) } else { delay };
            encoder.write_frame(&frame)?;
            before = Some(pixels);
        }
        Ok(())
    }

    /// The palette, and the place of each colour in it.
    fn palette(&self) -> (Vec<Colour>, Vec<u8>) {
        let mut by_count: Vec<usize> = (0..self.colours.len()).collect();
        by_count.sort_by_key(|&index| std::cmp::Reverse(self.counts[index]));
        let mut palette = Vec::new();
        // The smallest distance at which few enough colours remain.
        for distance in (0..).step_by(3) {
            palette.clear();
            for &index in &by_count {
                let colour = self.colours[index];
                if palette.iter().all(|&kept| apart(kept, colour) > distance) {
                    palette.push(colour);
                }
                if palette.len() > MOST_COLOURS {
                    break;
                }
            }
            if palette.len() <= MOST_COLOURS {
                break;
            }
        }
        let place = |&colour: &Colour| u8::try_from(nearest(&palette, colour)).unwrap_or(0);
        let places = self.colours.iter().map(place).collect();
        palette.resize(MOST_COLOURS + 1, [0; 3]);
        (palette, places)
    }
}

/// The largest difference of a channel; -1 for the same colour.
fn apart(a: Colour, b: Colour) -> i32 {
    let largest = (0..3).map(|channel| i32::from(a[channel].abs_diff(b[channel]))).max().unwrap_or(0);
    if largest == 0 { -1 } else { largest }
}

/// The index of the colour that is nearest to `colour`.
fn nearest(colours: &[Colour], colour: Colour) -> usize {
    let distance = |other: &Colour| -> u32 {
        (0..3).map(|channel| u32::from(other[channel].abs_diff(colour[channel])).pow(2)).sum()
    };
    (0..colours.len()).min_by_key(|&index| distance(&colours[index])).unwrap_or(0)
}

/// The rectangle of `pixels` that differs from the picture `before`; a single pixel if nothing does.
fn changed(pixels: &[u8], before: Option<&[u8]>, [width, height]: [usize; 2]) -> Frame<'static> {
    let size = |side: usize| u16::try_from(side).unwrap_or(0);
    let mut frame = Frame { dispose: DisposalMethod::Keep, ..Frame::default() };
    let Some(before) = before else {
        (frame.width, frame.height) = (size(width), size(height));
        frame.buffer = pixels.to_vec().into();
        return frame;
    };
    let differs = |at: usize| pixels[at] != before[at];
    let in_row = |y: usize| (0..width).any(|x| differs(y * width + x));
    let top = (0..height).find(|&y| in_row(y)).unwrap_or(0);
    let bottom = (top..height).rfind(|&y| in_row(y)).unwrap_or(top) + 1;
    let in_column = |x: usize| (top..bottom).any(|y| differs(y * width + x));
    let left = (0..width).find(|&x| in_column(x)).unwrap_or(0);
    let right = (left..width).rfind(|&x| in_column(x)).unwrap_or(left) + 1;
    let inside = (top..bottom).flat_map(|y| (left..right).map(move |x| y * width + x));
    let shown = inside.map(|at| if differs(at) { pixels[at] } else { TRANSPARENT });
    frame.buffer = shown.collect::<Vec<u8>>().into();
    frame.transparent = Some(TRANSPARENT);
    (frame.left, frame.top) = (size(left), size(top));
    (frame.width, frame.height) = (size(right - left), size(bottom - top));
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pictures that a reader of the file sees.
    fn seen(bytes: &[u8]) -> Vec<Vec<Colour>> {
        let mut decoder = ::gif::Decoder::new(bytes).unwrap();
        let palette: Vec<Colour> = decoder.global_palette().unwrap().as_chunks::<3>().0.to_vec();
        let width = usize::from(decoder.width());
        let mut screen = vec![[0; 3]; width * usize::from(decoder.height())];
        let mut seen = Vec::new();
        while let Some(frame) = decoder.read_next_frame().unwrap() {
            for (at, &index) in frame.buffer.iter().enumerate() {
                let (x, y) = (at % usize::from(frame.width), at / usize::from(frame.width));
                if Some(index) != frame.transparent {
                    screen[(usize::from(frame.top) + y) * width + usize::from(frame.left) + x] =
                        palette[usize::from(index)];
                }
            }
            seen.push(screen.clone());
        }
        seen
    }

    fn picture(width: usize, pixels: Vec<Colour>) -> RgbFrame {
        RgbFrame { width, height: pixels.len() / width, pixels: pixels.concat() }
    }

    #[test]
    fn few_colours_are_exact_and_what_stays_the_same_stays() {
        let (red, black, white) = ([200, 1, 2], [0; 3], [255; 3]);
        let pictures =
            [vec![red; 12], vec![red; 12], [vec![black; 5], vec![white; 7]].concat(), vec![white; 12]];
        let mut film = Film::new();
        pictures.iter().for_each(|pixels| film.push(&picture(4, pixels.clone())));
        let mut bytes = Vec::new();
        film.write(&mut bytes, 10).unwrap();
        assert_eq!(seen(&bytes), pictures);
    }

    #[test]
    fn of_many_colours_none_is_far_from_what_it_should_be() {
        // 4,096 colours, one of them very often.
        let mut pixels: Vec<Colour> =
            (0..4096_u32).map(|i| [i % 16, i / 16 % 16, i / 256].map(|c| c as u8 * 17)).collect();
        pixels.extend([[3, 5, 7]; 4096]);
        let mut film = Film::new();
        film.push(&picture(64, pixels.clone()));
        let mut bytes = Vec::new();
        film.write(&mut bytes, 10).unwrap();
        let seen = seen(&bytes).remove(0);
        assert_eq!(seen[4096..], pixels[4096..]);
        let worst = seen.iter().zip(&pixels).map(|(a, b)| apart(*a, *b)).max();
        assert!(worst.is_some_and(|worst| worst <= 34), "{worst:?}");
    }
}
