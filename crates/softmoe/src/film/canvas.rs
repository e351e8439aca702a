//! A picture in memory, with boxes, pictures and text.

use super::{BACKGROUND, Colour};
use crate::plot::outlines;
use softmoe_env::RgbFrame;
use tiny_skia::{Color, FillRule, Paint, PathBuilder, Pixmap, Rect, Transform};

/// A picture to draw on.
pub(super) struct Canvas {
    pixels: Pixmap,
}

/// The place of a text relative to its anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Middle,
    Right,
}

/// A box: left, top, width, height.
pub(super) type Area = [f32; 4];

impl Canvas {
    /// An empty picture.
    ///
    /// # Panics
    /// If it has no pixels, or too many for the memory's addresses.
    pub(super) fn new([width, height]: [usize; 2]) -> Self {
        let [columns, rows] = [width, height].map(|size| u32::try_from(size).unwrap_or(0));
        let mut pixels = Pixmap::new(columns, rows).expect("the size of a scene is checked");
        pixels.fill(Color::from_rgba8(BACKGROUND[0], BACKGROUND[1], BACKGROUND[2], 255));
        Canvas { pixels }
    }

    /// Fills a box.
    pub(super) fn fill(&mut self, [left, top, width, height]: Area, colour: Colour) {
        if let Some(area) = Rect::from_xywh(left, top, width.max(0.0), height.max(0.0)) {
            let path = PathBuilder::from_rect(area);
            self.pixels.fill_path(&path, &paint(colour), FillRule::Winding, Transform::identity(), None);
        }
    }

    /// Draws a text of `em` pixels on a baseline, to the left or right of `x` or centred on it.
    pub(super) fn text(
        &mut self,
        text: &str,
        em: f32,
        colour: Colour,
        (x, baseline): (f32, f32),
        align: Align,
    ) {
        let (path, width) = outlines(text, em);
        let left = x - match align {
            Align::Left => 0.0,
            Align::Middle => width / 2.0,
            Align::Right => width,
        };
        if let Some(path) = path {
            let place = Transform::from_translate(left.round(), baseline);
            self.pixels.fill_path(&path, &paint(colour), FillRule::Winding, place, None);
        }
    }

    /// Puts a picture with its left upper corner at `(left, top)`, each pixel a square of `factor` pixels. Parts outside are cut off.
    pub(super) fn picture(&mut self, picture: &RgbFrame, (left, top): (usize, usize), factor: usize) {
        let (width, height) = (self.pixels.width() as usize, self.pixels.height() as usize);
        let data = self.pixels.data_mut();
        for y in top..(top + picture.height * factor).min(height) {
            for x in left..(left + picture.width * factor).min(width) {
                let [red, green, blue] = picture.pixel((x - left) / factor, (y - top) / factor);
                data[(y * width + x) * 4..][..4].copy_from_slice(&[red, green, blue, 255]);
            }
        }
    }

    /// The picture. All pixels are opaque.
    pub(super) fn finish(self) -> RgbFrame {
        let (width, height) = (self.pixels.width() as usize, self.pixels.height() as usize);
        let pixels = self.pixels.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]);
        RgbFrame { width, height, pixels: pixels.collect() }
    }
}

fn paint([red, green, blue]: Colour) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, 255);
    paint
}
