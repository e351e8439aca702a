//! Figures, as SVG, PNG and PDF.
//!
//! The same drawing code runs on three of plotters' backends: plotters-svg writes SVG, a small backend over
//! tiny-skia writes PNG, and one over pdf-writer writes PDF, both with the font in this crate. All files show the same
//! figure, and no font or image library of the system is used.

mod architectures;
mod axis;
mod curves;
mod labels;
mod mark;
mod pdf;
mod png;
mod roofline;
mod rows;
mod strokes;
mod style;
mod text;

pub use architectures::{Architectures, Block, Column};
pub use curves::{Curves, Level, Line, MOST_LINES, Panel, Point, Section};
pub use mark::{Family, Mark, Marker, Pattern, Shade};
pub(crate) use png::outlines;
pub use roofline::{Kernel, Roof, Roofline};
pub use rows::{Row, RowGroup, Rows, Shape};
pub use style::Heading;

use plotters::coord::Shift;
use plotters::prelude::*;
use std::fmt::Display;
use thiserror::Error;

/// An error of a drawing backend.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("cannot draw the figure: {0}")]
pub struct PlotError(String);

/// For `map_err`: each backend has its own type of error.
fn failed(error: impl Display) -> PlotError {
    PlotError(error.to_string())
}

/// A picture that can be drawn on any backend.
pub trait Picture {
    /// Title and caption.
    fn heading(&self) -> &Heading;

    /// Height without the heading, in pixels. All figures have the same width.
    fn height(&self) -> u32;

    /// Draws the picture on `area`, which is white, has that height and is as wide as every figure.
    ///
    /// # Errors
    ///
    /// The backend refuses.
    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<(), PlotError>;
}

/// Whether a figure has its title and caption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dress {
    /// With title and caption.
    Full,
    /// Without: for papers, which have captions of their own.
    Bare,
}

/// Height of the whole figure, and of its heading.
fn heights(picture: &impl Picture, dress: Dress) -> (u32, u32) {
    let heading = match dress {
        Dress::Full => picture.heading().height(),
        Dress::Bare => Heading::default().height(),
    };
    (heading + picture.height(), heading)
}

/// Draws heading and picture on `area`.
fn draw<B: DrawingBackend>(
    picture: &impl Picture,
    dress: Dress,
    area: &DrawingArea<B, Shift>,
) -> Result<(), PlotError> {
    area.fill(&WHITE).map_err(failed)?;
    let (heading, body) = area.split_vertically(heights(picture, dress).1);
    if dress == Dress::Full {
        picture.heading().draw(&heading)?;
    }
    picture.draw(&body)?;
    area.present().map_err(failed)
}

/// The text of an SVG file.
///
/// # Errors
///
/// The backend refuses.
pub fn to_svg(picture: &impl Picture, dress: Dress) -> Result<String, PlotError> {
    text::register_font()?;
    let mut text = String::new();
    let size = (style::WIDTH, heights(picture, dress).0);
    draw(picture, dress, &SVGBackend::with_string(&mut text, size).into_drawing_area())?;
    Ok(text)
}

/// The bytes of a PNG file.
///
/// # Errors
///
/// The backend refuses, or there is no memory for the pixels.
pub fn to_png(picture: &impl Picture, dress: Dress) -> Result<Vec<u8>, PlotError> {
    text::register_font()?;
    let mut canvas = png::Canvas::new((style::WIDTH, heights(picture, dress).0))?;
    draw(picture, dress, &(&mut canvas).into_drawing_area())?;
    canvas.encode()
}

/// The bytes of a PDF file of one page.
///
/// # Errors
///
/// The backend refuses.
pub fn to_pdf(picture: &impl Picture, dress: Dress) -> Result<Vec<u8>, PlotError> {
    text::register_font()?;
    let mut page = pdf::Page::new((style::WIDTH, heights(picture, dress).0));
    draw(picture, dress, &(&mut page).into_drawing_area())?;
    Ok(page.finish())
}
