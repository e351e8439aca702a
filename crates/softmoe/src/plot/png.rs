//! A plotters backend that draws into memory with tiny-skia: smooth lines, smooth text.

use super::text::{GLYPHS, SIZE_OVER_EM, advance, anchored, glyph};
use super::{PlotError, failed};
use ab_glyph::{Font, OutlineCurve};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};
use std::convert::Infallible;
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform,
};

/// A white picture in memory.
pub(super) struct Canvas {
    pixels: Pixmap,
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl Canvas {
    pub(super) fn new((width, height): (u32, u32)) -> Result<Self, PlotError> {
        let too_large = || failed(format!("no picture can be {width} by {height} pixels large"));
        let mut pixels = Pixmap::new(width, height).ok_or_else(too_large)?;
        pixels.fill(Color::WHITE);
        Ok(Canvas { pixels })
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, PlotError> {
        self.pixels.encode_png().map_err(failed)
    }

    fn fill(&mut self, path: Option<Path>, colour: BackendColor, transform: Transform) {
        // A path without extent fills nothing.
        if let Some(path) = path {
            self.pixels.fill_path(&path, &paint(colour), FillRule::Winding, transform, None);
        }
    }

    fn stroke(&mut self, path: Option<Path>, colour: BackendColor, width: u32) {
        let stroke = Stroke {
            width: width as f32,
            line_cap: LineCap::Butt,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        if let Some(path) = path {
            self.pixels.stroke_path(&path, &paint(colour), &stroke, Transform::identity(), None);
        }
    }
}

/// The outlines of `text` at `em` pixels, its baseline starting at the origin, and its width.
pub(crate) fn outlines(text: &str, em: f32) -> (Option<Path>, f32) {
    let scale = em / GLYPHS.units_per_em().unwrap_or(2048.0);
    let mut builder = PathBuilder::new();
    let mut x = 0.0;
    for character in text.chars() {
        if let Some(outline) = GLYPHS.outline(glyph(character)) {
            push_glyph(&mut builder, &outline.curves, |point| (x + scale * point.x, -scale * point.y));
        }
        x += em * advance(character) as f32;
    }
    (builder.finish(), x)
}

/// Appends the contours of a glyph, each closed.
fn push_glyph(
    builder: &mut PathBuilder,
    curves: &[OutlineCurve],
    place: impl Fn(ab_glyph::Point) -> (f32, f32),
) {
    let mut pen = None;
    for curve in curves {
        let start = match curve {
            OutlineCurve::Line(a, _) | OutlineCurve::Quad(a, _, _) | OutlineCurve::Cubic(a, _, _, _) => *a,
        };
        if pen != Some(start) {
            if pen.is_some() {
                builder.close();
            }
            let (x, y) = place(start);
            builder.move_to(x, y);
        }
        pen = Some(match *curve {
            OutlineCurve::Line(_, b) => {
                let (x, y) = place(b);
                builder.line_to(x, y);
                b
            }
            OutlineCurve::Quad(_, b, c) => {
                let ((x1, y1), (x, y)) = (place(b), place(c));
                builder.quad_to(x1, y1, x, y);
                c
            }
            OutlineCurve::Cubic(_, b, c, d) => {
                let ((x1, y1), (x2, y2), (x, y)) = (place(b), place(c), place(d));
                builder.cubic_to(x1, y1, x2, y2, x, y);
                d
            }
        });
    }
    if pen.is_some() {
        builder.close();
    }
}

fn paint(colour: BackendColor) -> Paint<'static> {
    let (red, green, blue) = colour.rgb;
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, (colour.alpha.clamp(0.0, 1.0) * 255.0).round() as u8);
    paint.anti_alias = true;
    paint
}

/// The path through `points`; pixel (x, y) is the point (x, y), as in SVG.
fn polyline(points: impl IntoIterator<Item = BackendCoord>, closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for (x, y) in points {
        if builder.is_empty() {
            builder.move_to(x as f32, y as f32);
        } else {
            builder.line_to(x as f32, y as f32);
        }
    }
    if closed {
        builder.close();
    }
    builder.finish()
}

impl DrawingBackend for &mut Canvas {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.pixels.width(), self.pixels.height())
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        let square = Rect::from_xywh(x as f32, y as f32, 1.0, 1.0).map(PathBuilder::from_rect);
        self.fill(square, colour, Transform::identity());
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.stroke(polyline([from, to], false), style.color(), style.stroke_width());
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let path = polyline([(left, top), (right, top), (right, bottom), (left, bottom)], true);
        if fill {
            self.fill(path, style.color(), Transform::identity());
        } else {
            self.stroke(path, style.color(), style.stroke_width());
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.stroke(polyline(path, false), style.color(), style.stroke_width());
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let path = PathBuilder::from_circle(x as f32, y as f32, radius as f32);
        if fill {
            self.fill(path, style.color(), Transform::identity());
        } else {
            self.stroke(path, style.color(), style.stroke_width());
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.fill(polyline(path, true), style.color(), Transform::identity());
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, (x, y): BackendCoord) -> Drawn {
        let em = (style.size() / SIZE_OVER_EM) as f32;
        let (path, width) = outlines(text, em);
        let (across, down) = anchored(style, width, em);
        let degrees = match style.transform() {
            FontTransform::None => 0.0,
            FontTransform::Rotate90 => 90.0,
            FontTransform::Rotate180 => 180.0,
            FontTransform::Rotate270 => 270.0,
        };
        let anchor = Transform::from_translate(x as f32, y as f32);
        let transform = anchor.pre_concat(Transform::from_rotate(degrees)).pre_translate(across, down);
        self.fill(path, style.color(), transform);
        Ok(())
    }
}
