//! A plotters backend that writes a PDF of one page with pdf-writer; its text can be selected and searched.

use super::text::{FONT, GLYPHS, SIZE_OVER_EM, advance, anchored, glyph, glyph_advance, is_missing};
use ab_glyph::Font;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, LineJoinStyle, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io::Write as _;

/// Points to a pixel: a figure is 500 points wide, about as wide as the text of a page.
const SCALE: f32 = 0.25;

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);
const TYPE0: Ref = Ref::new(5);
const CID: Ref = Ref::new(6);
const DESCRIPTOR: Ref = Ref::new(7);
const FILE: Ref = Ref::new(8);
const UNICODE: Ref = Ref::new(9);
/// The first of the graphics states, one for each opacity.
const STATES: i32 = 10;

const FONT_NAME: Name = Name(b"DejaVuSans");
const SYSTEM: SystemInfo = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// A page in memory.
pub(super) struct Page {
    size: (u32, u32),
    content: Content,
    /// The opacities in use, in thousandths.
    opacities: BTreeSet<u16>,
    /// The characters of the glyphs in use.
    characters: BTreeMap<u16, char>,
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// An opacity in thousandths.
fn thousandths(colour: BackendColor) -> u16 {
    (colour.alpha.clamp(0.0, 1.0) * 1000.0).round() as u16
}

fn state_name(opacity: u16) -> String {
    format!("o{opacity}")
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing into memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

impl Page {
    pub(super) fn new(size: (u32, u32)) -> Self {
        let mut content = Content::new();
        // From pixels, counted from the top, to points, counted from the bottom.
        content.transform([SCALE, 0.0, 0.0, -SCALE, 0.0, SCALE * size.1 as f32]);
        content.set_line_join(LineJoinStyle::RoundJoin);
        Page { size, content, opacities: BTreeSet::new(), characters: BTreeMap::new() }
    }

    /// The bytes of the file.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut pdf = Pdf::new();
        pdf.catalog(CATALOG).pages(PAGES);
        pdf.pages(PAGES).kids([PAGE]).count(1);
        let mut page = pdf.page(PAGE);
        let (width, height) = (SCALE * self.size.0 as f32, SCALE * self.size.1 as f32);
        page.parent(PAGES).media_box(Rect::new(0.0, 0.0, width, height)).contents(CONTENT);
        let mut resources = page.resources();
        resources.fonts().pair(FONT_NAME, TYPE0);
        let state = |index: usize| Ref::new(STATES + index as i32);
        let mut states = resources.ext_g_states();
        for (index, &opacity) in self.opacities.iter().enumerate() {
            states.pair(Name(state_name(opacity).as_bytes()), state(index));
        }
        states.finish();
        resources.finish();
        page.finish();
        for (index, &opacity) in self.opacities.iter().enumerate() {
            let share = f32::from(opacity) / 1000.0;
            pdf.ext_graphics(state(index)).stroking_alpha(share).non_stroking_alpha(share);
        }
        pdf.stream(CONTENT, &compressed(&self.content.finish())).filter(Filter::FlateDecode);
        write_font(&mut pdf, &self.characters);
        pdf.finish()
    }

    /// Begins to draw in `colour`; [`Content::restore_state`] ends it.
    fn begin(&mut self, colour: BackendColor) {
        let opacity = thousandths(colour);
        self.opacities.insert(opacity);
        let (red, green, blue) = colour.rgb;
        let [red, green, blue] = [red, green, blue].map(|channel| f32::from(channel) / 255.0);
        self.content.save_state();
        self.content.set_parameters(Name(state_name(opacity).as_bytes()));
        self.content.set_fill_rgb(red, green, blue).set_stroke_rgb(red, green, blue);
    }

    fn path(&mut self, points: impl IntoIterator<Item = (f32, f32)>, closed: bool) {
        for (index, (x, y)) in points.into_iter().enumerate() {
            if index == 0 {
                self.content.move_to(x, y);
            } else {
                self.content.line_to(x, y);
            }
        }
        if closed {
            self.content.close_path();
        }
    }

    fn polygon(
        &mut self,
        points: impl IntoIterator<Item = (f32, f32)>,
        style: &impl BackendStyle,
        fill: bool,
    ) {
        self.begin(style.color());
        self.path(points, true);
        if fill {
            self.content.fill_nonzero();
        } else {
            self.content.set_line_width(style.stroke_width() as f32).stroke();
        }
        self.content.restore_state();
    }
}

/// Writes the font with the widths of its glyphs, and the characters of those in use for searching and copying.
fn write_font(pdf: &mut Pdf, characters: &BTreeMap<u16, char>) {
    let units = GLYPHS.units_per_em().unwrap_or(2048.0);
    let thousand = |units_of_font: f32| 1000.0 * units_of_font / units;
    pdf.type0_font(TYPE0)
        .base_font(FONT_NAME)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(CID)
        .to_unicode(UNICODE);
    let mut font = pdf.cid_font(CID);
    font.subtype(CidFontType::Type2).base_font(FONT_NAME).system_info(SYSTEM).font_descriptor(DESCRIPTOR);
    font.cid_to_gid_map_predefined(Name(b"Identity"));
    let widths = (0..GLYPHS.glyph_count() as u16)
        .map(|glyph| thousand(GLYPHS.h_advance_unscaled(ab_glyph::GlyphId(glyph))));
    font.widths().consecutive(0, widths);
    font.finish();
    let (ascent, descent) = (thousand(GLYPHS.ascent_unscaled()), thousand(GLYPHS.descent_unscaled()));
    pdf.font_descriptor(DESCRIPTOR)
        .name(FONT_NAME)
        .flags(FontFlags::SYMBOLIC)
        .bbox(Rect::new(-200.0, descent, 1400.0, ascent))
        .italic_angle(0.0)
        .ascent(ascent)
        .descent(descent)
        .cap_height(729.0)
        .stem_v(80.0)
        .font_file2(FILE);
    let file = compressed(FONT);
    pdf.stream(FILE, &file).filter(Filter::FlateDecode).pair(Name(b"Length1"), FONT.len() as i32);
    let mut unicode = UnicodeCmap::new(Name(b"Characters"), SYSTEM);
    for (&glyph, &character) in characters {
        unicode.pair(glyph, character);
    }
    pdf.cmap(UNICODE, &unicode.finish());
}

fn pixel((x, y): BackendCoord) -> (f32, f32) {
    (x as f32, y as f32)
}

impl DrawingBackend for &mut Page {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        self.begin(colour);
        self.content.rect(x as f32, y as f32, 1.0, 1.0).fill_nonzero().restore_state();
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
        self.polygon(corners.map(pixel), style, fill);
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.begin(style.color());
        self.path(path.into_iter().map(pixel), false);
        self.content.set_line_width(style.stroke_width() as f32).stroke().restore_state();
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        // As many corners as a radius of a marker needs to look round.
        const CORNERS: u8 = 32;
        let corner = |k: u8| {
            let (sin, cos) = (f32::from(k) * std::f32::consts::TAU / f32::from(CORNERS)).sin_cos();
            (x as f32 + radius as f32 * cos, y as f32 + radius as f32 * sin)
        };
        self.polygon((0..CORNERS).map(corner), style, fill);
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.polygon(path.into_iter().map(pixel), style, true);
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, (x, y): BackendCoord) -> Drawn {
        let em = (style.size() / SIZE_OVER_EM) as f32;
        let width = em * text.chars().map(advance).sum::<f64>() as f32;
        let (across, down) = anchored(style, width, em);
        let (cos, sin) = match style.transform() {
            FontTransform::None => (1.0, 0.0),
            FontTransform::Rotate90 => (0.0, 1.0),
            FontTransform::Rotate180 => (-1.0, 0.0),
            FontTransform::Rotate270 => (0.0, -1.0),
        };
        self.begin(style.color());
        // The page is upside down, so glyphs are mirrored back.
        let (x, y) = (x as f32 + across * cos - down * sin, y as f32 + across * sin + down * cos);
        self.content.begin_text().set_font(FONT_NAME, em);
        self.content.set_text_matrix([cos, sin, sin, -cos, x, y]);
        let mut positioned = self.content.show_positioned();
        let mut items = positioned.items();
        for character in text.chars() {
            let glyph = glyph(character);
            self.characters.entry(glyph.0).or_insert(if is_missing(character) { '?' } else { character });
            items.show(Str(&glyph.0.to_be_bytes()));
            if is_missing(character) {
                items.adjust((1000.0 * (glyph_advance(glyph) - advance(character))) as f32);
            }
        }
        items.finish();
        positioned.finish();
        self.content.end_text().restore_state();
        Ok(())
    }
}
