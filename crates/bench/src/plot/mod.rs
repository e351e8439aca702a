//! Figures, as SVG and PNG.
//!
//! The same drawing code runs on two of plotters' backends: plotters-svg writes SVG, and a small backend over
//! tiny-skia writes PNG, with smooth edges and glyph outlines from a font in this crate. Both files show the same
//! figure, and no font or image library of the system is used.

mod architectures;
mod bars;
mod curves;
mod png;
mod roofline;
mod style;

pub use architectures::{Architectures, Block, Column};
pub use bars::{Bar, Bars};
pub use curves::{Curves, Line, Panel, Point};
pub use roofline::{Kernel, Roof, Roofline};
pub use style::Mark;

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
    /// Width and height in pixels.
    fn size(&self) -> (u32, u32);

    /// Draws the picture on `area`, which is white and has the size above.
    ///
    /// # Errors
    ///
    /// The backend refuses.
    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<(), PlotError>;
}

/// The text of an SVG file.
///
/// # Errors
///
/// The backend refuses.
pub fn to_svg(picture: &impl Picture) -> Result<String, PlotError> {
    style::register_font()?;
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, picture.size()).into_drawing_area();
    area.fill(&WHITE).map_err(failed)?;
    picture.draw(&area)?;
    area.present().map_err(failed)?;
    drop(area);
    Ok(text)
}

/// The bytes of a PNG file.
///
/// # Errors
///
/// The backend refuses, or there is no memory for the pixels.
pub fn to_png(picture: &impl Picture) -> Result<Vec<u8>, PlotError> {
    style::register_font()?;
    let mut canvas = png::Canvas::new(picture.size(), style::FONT)?;
    let area = (&mut canvas).into_drawing_area();
    picture.draw(&area)?;
    area.present().map_err(failed)?;
    drop(area);
    canvas.encode()
}
