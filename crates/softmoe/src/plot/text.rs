//! Text: its font, its width, and its lines.

use super::{PlotError, failed};
use ab_glyph::{Font, FontRef, GlyphId};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font as register;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters_backend::BackendTextStyle;
use std::sync::LazyLock;

/// DejaVu Sans, reduced to Latin, Greek and the signs used here; its licence is in `assets/`.
pub(super) const FONT: &[u8] = include_bytes!("../../assets/DejaVuSans-subset.ttf");

/// The glyphs of [`FONT`].
pub(super) static GLYPHS: LazyLock<FontRef<'static>> =
    LazyLock::new(|| FontRef::try_from_slice(FONT).expect("the embedded font is readable"));

/// Font family in SVG files: DejaVu Sans, else a font of similar width.
const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// plotters' font sizes are 1.24 times the em.
pub(super) const SIZE_OVER_EM: f64 = 1.24;

/// Em sizes, in pixels.
pub(super) const TITLE: f64 = 40.0;
pub(super) const BODY: f64 = 31.0;
pub(super) const SMALL: f64 = 27.0;

/// Height of a line of text, in ems.
const LINE: f64 = 1.3;

/// Height of a line of text of `em` pixels.
pub(super) fn line_height(em: f64) -> i32 {
    (LINE * em).round() as i32
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

/// Whether the font lacks `character`.
pub(super) fn is_missing(character: char) -> bool {
    GLYPHS.glyph_id(character).0 == 0
}

/// The glyph that PNG and PDF show for `character`: a question mark for one that the font lacks.
pub(super) fn glyph(character: char) -> GlyphId {
    GLYPHS.glyph_id(if is_missing(character) { '?' } else { character })
}

/// Advance of `glyph` in ems.
pub(super) fn glyph_advance(glyph: GlyphId) -> f64 {
    let units = f64::from(GLYPHS.units_per_em().unwrap_or(2048.0));
    f64::from(GLYPHS.h_advance_unscaled(glyph)) / units
}

/// Advance of `character` in ems. One that the font lacks gets an em: in an SVG another font of the reader may have it, at most
/// that wide.
pub(super) fn advance(character: char) -> f64 {
    if is_missing(character) { 1.0 } else { glyph_advance(glyph(character)) }
}

/// Width of `text` in pixels.
pub(super) fn width(text: &str, em: f64) -> i32 {
    (em * text.chars().map(advance).sum::<f64>()).ceil() as i32
}

/// `text` on one line, without control characters: SVG cannot hold them.
fn clean(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// `text` broken at spaces, and words within them where they are too long, into lines of at most `most` pixels.
pub(super) fn wrap(text: &str, em: f64, most: i32) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in clean(text).split(' ').filter(|word| !word.is_empty()) {
        let last = lines.len() - 1;
        let longer = format!("{}{}{word}", lines[last], if lines[last].is_empty() { "" } else { " " });
        if width(&longer, em) <= most {
            lines[last] = longer;
            continue;
        }
        if !lines[last].is_empty() {
            lines.push(String::new());
        }
        for character in word.chars() {
            let line = lines.len() - 1;
            if !lines[line].is_empty() && width(&format!("{}{character}", lines[line]), em) > most {
                lines.push(String::new());
            }
            let line = lines.len() - 1;
            lines[line].push(character);
        }
    }
    lines
}

/// `text` in at most `count` lines of at most `most` pixels; what does not fit is left out behind an ellipsis.
pub(super) fn fit(text: &str, em: f64, most: i32, count: usize) -> Vec<String> {
    let mut lines = wrap(text, em, most);
    if lines.len() > count {
        lines.truncate(count.max(1));
        if let Some(last) = lines.last_mut() {
            while !last.is_empty() && width(&format!("{last}…"), em) > most {
                last.pop();
            }
            *last = format!("{}…", last.trim_end());
        }
    }
    lines
}

/// Draws `lines` of `em` pixels below each other, together centred on the height of `(x, y)`.
pub(super) fn put<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    lines: &[String],
    (em, colour, anchor): (f64, RGBColor, HPos),
    (x, y): (i32, i32),
) -> Result<(), PlotError> {
    let height = line_height(em);
    let first = y - height * (lines.len() as i32 - 1) / 2;
    for (index, line) in lines.iter().enumerate() {
        area.draw_text(line, &font(em, colour, anchor), (x, first + height * index as i32))
            .map_err(failed)?;
    }
    Ok(())
}

/// From a text's anchor to the start of its baseline, before it is turned, as plotters-svg places text.
pub(super) fn anchored(style: &impl BackendTextStyle, width: f32, em: f32) -> (f32, f32) {
    let across = match style.anchor().h_pos {
        HPos::Left => 0.0,
        HPos::Center => -width / 2.0,
        HPos::Right => -width,
    };
    let down = match style.anchor().v_pos {
        VPos::Top => 0.76 * em,
        VPos::Center => 0.27 * em,
        VPos::Bottom => -0.27 * em,
    };
    (across, down)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_broken_at_spaces_and_then_within_words() {
        assert_eq!(wrap("SoftMoE-4, one more layer", BODY, 10_000), ["SoftMoE-4, one more layer"]);
        let lines = wrap("SoftMoE-4, one more layer", BODY, 240);
        assert_eq!(lines, ["SoftMoE-4, one", "more layer"]);
        assert!(wrap(&"x".repeat(100), BODY, 200).len() > 5);
        assert_eq!(fit("one two three four", BODY, 160, 1), ["one two…"]);
        assert_eq!(wrap("a\nb\u{1}c", BODY, 1000), ["a b c"]);
    }

    #[test]
    fn a_character_that_the_font_lacks_is_visible() {
        for character in ['混', 'э', 'ا'] {
            assert!(is_missing(character));
            assert!(GLYPHS.outline(glyph(character)).is_some(), "{character}");
        }
        assert!(!is_missing('a') && !is_missing('…') && !is_missing('−'));
    }

    proptest! {
        /// No line is too wide, whatever the text; and nothing is lost.
        #[test]
        fn lines_fit(text in ".{0,60}", most in 60..600_i32) {
            let lines = wrap(&text, BODY, most);
            prop_assert!(lines.iter().all(|line| width(line, BODY) <= most), "{lines:?}");
            let letters = |text: &str| text.chars().filter(|c| !c.is_control() && *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
            let fitted = fit(&text, BODY, most, 2);
            prop_assert!(fitted.len() <= 2 && fitted.iter().all(|line| width(line, BODY) <= most));
        }
    }
}
