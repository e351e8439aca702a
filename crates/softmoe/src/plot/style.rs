//! Sizes and colours of all figures, and their headings.

use super::PlotError;
use super::text::{SMALL, TITLE, line_height, put, wrap};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

/// Width of every figure in pixels. Backends place points on whole pixels, so figures are drawn at twice the
/// width at which they are read.
pub(super) const WIDTH: u32 = 2000;
/// Margin at the sides.
pub(super) const SIDE: i32 = 40;

pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub(super) const MUTED: RGBColor = RGBColor(0x5a, 0x5a, 0x5a);
pub(super) const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);

/// `colour` mixed with white; `share` of it remains.
pub(super) fn tint(colour: RGBColor, share: f64) -> RGBColor {
    let channel = |value: u8| (255.0 - share * (255.0 - f64::from(value))).round() as u8;
    RGBColor(channel(colour.0), channel(colour.1), channel(colour.2))
}

/// Title of a figure, and the caption below it; a text that is empty is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heading {
    /// Title.
    pub title: String,
    /// Caption: the runs, and the meaning of what is drawn.
    pub caption: String,
}

impl Heading {
    /// The lines of title and caption, with their sizes and colours.
    fn lines(&self) -> Vec<(String, f64, RGBColor)> {
        let texts = [(&self.title, TITLE, INK), (&self.caption, SMALL, MUTED)];
        let shown = texts.into_iter().filter(|(text, ..)| !text.is_empty());
        let lines = shown.flat_map(|(text, em, colour)| {
            wrap(text, em, WIDTH as i32 - 2 * SIDE).into_iter().map(move |line| (line, em, colour))
        });
        lines.collect()
    }

    /// Height that it takes, with the margins above and below.
    pub(super) fn height(&self) -> u32 {
        let lines: i32 = self.lines().iter().map(|(_, em, _)| line_height(*em)).sum();
        (lines + if lines > 0 { 44 } else { 20 }) as u32
    }

    /// Draws it at the top of `area`.
    pub(super) fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<(), PlotError> {
        let mut y = 20;
        for (line, em, colour) in self.lines() {
            put(area, &[line], (em, colour, HPos::Left), (SIDE, y + line_height(em) / 2))?;
            y += line_height(em);
        }
        Ok(())
    }
}
