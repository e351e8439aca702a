//! Colours, font and text of all figures.

use super::{PlotError, failed};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font as register;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Width of every figure in pixels. Backends place points on whole pixels, so figures are drawn at twice the
/// width at which they are read.
pub(super) const WIDTH: u32 = 2000;

/// DejaVu Sans, reduced to Latin, Greek and the signs used here; its licence is in `assets/`.
pub(super) const FONT: &[u8] = include_bytes!("../../assets/DejaVuSans-subset.ttf");

/// Font family in SVG files: DejaVu Sans, else a font of similar width.
const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// plotters' font sizes are 1.24 times the em.
pub(super) const SIZE_OVER_EM: f64 = 1.24;

/// Em sizes, in pixels.
pub(super) const TITLE: f64 = 40.0;
pub(super) const BODY: f64 = 31.0;
pub(super) const SMALL: f64 = 27.0;

pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub(super) const MUTED: RGBColor = RGBColor(0x5a, 0x5a, 0x5a);
pub(super) const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);

/// The palette of Okabe and Ito 2008 ("Color universal design"), without the yellow, which is faint on white.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x00, 0x00, 0x00),
];

/// The mark of an arm, the same in every figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The reference arm: grey.
    Reference,
    /// The k-th of the other arms: a colour, and from the eighth on dashed lines.
    Arm(usize),
}

impl Mark {
    pub(super) fn colour(self) -> RGBColor {
        match self {
            Mark::Reference => RGBColor(0x80, 0x80, 0x80),
            Mark::Arm(k) => PALETTE[k % PALETTE.len()],
        }
    }

    pub(super) fn dashed(self) -> bool {
        matches!(self, Mark::Arm(k) if (k / PALETTE.len()) % 2 == 1)
    }
}

/// `colour` mixed with white; `share` of it remains.
pub(super) fn tint(colour: RGBColor, share: f64) -> RGBColor {
    let channel = |value: u8| (255.0 - share * (255.0 - f64::from(value))).round() as u8;
    RGBColor(channel(colour.0), channel(colour.1), channel(colour.2))
}

/// Registers the font with plotters; a second call changes nothing.
pub(super) fn register_font() -> Result<(), PlotError> {
    register(FAMILY, FontStyle::Normal, FONT).map_err(|_| failed("the embedded font is not readable"))
}

/// A text style of `em` pixels, vertically centred on its anchor.
pub(super) fn font<'a>(em: f64, colour: RGBColor, anchor: HPos) -> TextStyle<'a> {
    let position = Pos::new(anchor, VPos::Center);
    (FAMILY, em * SIZE_OVER_EM).into_font().color(&colour).pos(position)
}

/// Width of `text` in pixels.
pub(super) fn width<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    text: &str,
    em: f64,
) -> Result<i32, PlotError> {
    let (width, _) = area.estimate_text_size(text, &font(em, INK, HPos::Left)).map_err(failed)?;
    Ok(width as i32)
}

/// `text` broken at spaces into lines of at most `most` pixels.
pub(super) fn wrap<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    text: &str,
    em: f64,
    most: i32,
) -> Result<Vec<String>, PlotError> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        let longer = format!("{}{}{word}", lines[last], if lines[last].is_empty() { "" } else { " " });
        if lines[last].is_empty() || width(area, &longer, em)? <= most {
            lines[last] = longer;
        } else {
            lines.push(word.to_owned());
        }
    }
    Ok(lines)
}

/// Height that [`heading`] reserves for a title and a caption of that length: two lines for the title, and the largest
/// number that the caption may need.
pub(super) fn heading_height(title: &str, caption: &str) -> u32 {
    // About 0.6 em a character, on lines of 1900 pixels.
    let lines = |text: &str, em: f64| (text.chars().count() as f64 * 0.62 * em / 1900.0).ceil().max(1.0);
    (40.0 + 1.35 * (TITLE * lines(title, TITLE) + SMALL * lines(caption, SMALL))) as u32
}

/// Draws title and caption at the top of `area`.
pub(super) fn heading<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    title: &str,
    caption: &str,
) -> Result<(), PlotError> {
    let mut y = 20.0;
    for (text, em, colour) in [(title, TITLE, INK), (caption, SMALL, MUTED)] {
        for line in wrap(area, text, em, WIDTH as i32 - 80)? {
            y += 0.65 * 1.35 * em;
            area.draw_text(&line, &font(em, colour, HPos::Left), (40, y as i32)).map_err(failed)?;
            y += 0.35 * 1.35 * em;
        }
    }
    Ok(())
}
