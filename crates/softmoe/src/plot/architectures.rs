//! Architecture diagrams: networks side by side, each a column of boxes from the observation down to the head.

use super::mark::Mark;
use super::style::{Heading, INK, MUTED, WIDTH, tint};
use super::text::{BODY, SMALL, fit, font, put, width};
use super::{Picture, PlotError, failed};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

/// A diagram of several networks.
#[derive(Clone, Debug, PartialEq)]
pub struct Architectures {
    /// Title and caption: the sizes.
    pub heading: Heading,
    /// The networks, from left to right. All first boxes are in one row, and so are all last boxes.
    pub networks: Vec<Column>,
}

/// One network.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Name of the network.
    pub label: String,
    /// Colour of the boxes that are not [`shared`](Block::shared).
    pub mark: Mark,
    /// Its layers, from top to bottom.
    pub blocks: Vec<Block>,
    /// The totals below the column, one per line.
    pub totals: Vec<String>,
}

/// One box.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Name of the layer.
    pub name: String,
    /// Shape of one sample's output: three axes are drawn as a map, two as rows, one as a single row.
    pub output: Vec<usize>,
    /// Trained parameters; the bar in the box is relative to the largest box.
    pub parameters: usize,
    /// Whether every network of the figure has this box, which is then drawn without colour.
    pub shared: bool,
}

/// Distance between two columns, and margin at the sides.
const GAP: i32 = 48;
/// Heights of a network's name, a box, an arrow, and a line below a column.
const LABEL: i32 = 78;
const BOX: i32 = 176;
const ARROW: i32 = 44;
const LINE: i32 = 40;
/// Padding inside a box.
const MARGIN: i32 = 20;
/// Width of the small drawing of an output.
const SIGN: i32 = 92;
/// Height of the bar for a box's parameters.
const BAR: i32 = 10;

impl Architectures {
    /// Number of boxes of the longest column.
    fn rows(&self) -> i32 {
        self.networks.iter().map(|network| network.blocks.len()).max().unwrap_or(0) as i32
    }

    /// Height from the top of the boxes to the end of the last.
    fn boxes_height(&self) -> i32 {
        self.rows() * (BOX + ARROW) - ARROW
    }
}

impl Picture for Architectures {
    fn heading(&self) -> &Heading {
        &self.heading
    }

    fn height(&self) -> u32 {
        let lines = self.networks.iter().map(|network| network.totals.len()).max().unwrap_or(0) as i32;
        (LABEL + self.boxes_height() + (lines + 1) * LINE + 20) as u32
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<(), PlotError> {
        let count = self.networks.len().max(1) as i32;
        let wide = (WIDTH as i32 - 80 - (count - 1) * GAP) / count;
        let largest = self.networks.iter().flat_map(|network| &network.blocks).map(|block| block.parameters);
        let largest = largest.max().unwrap_or(0).max(1);
        let top = LABEL;
        for (index, network) in self.networks.iter().enumerate() {
            let left = 40 + index as i32 * (wide + GAP);
            let colour = network.mark.outline();
            let label = fit(&network.label, 1.15 * BODY, wide, 1);
            put(area, &label, (1.15 * BODY, INK, HPos::Left), (left, top - LABEL / 2 - 4))?;
            fill(area, [(left, top - 20), (left + wide, top - 14)], colour)?;

            // The last box is always in the last row.
            let last = network.blocks.len().saturating_sub(1);
            let row = |block: usize| if block == last { self.rows() - 1 } else { block as i32 };
            for (index, block) in network.blocks.iter().enumerate() {
                let y = top + row(index) * (BOX + ARROW);
                block.draw(area, (left, y), wide, colour, largest)?;
                if index > 0 {
                    let from = top + row(index - 1) * (BOX + ARROW) + BOX;
                    arrow(area, left + wide / 2, from, y)?;
                }
            }
            for (line, text) in network.totals.iter().enumerate() {
                let y = top + self.boxes_height() + LINE + line as i32 * LINE;
                area.draw_text(text, &font(SMALL, INK, HPos::Left), (left, y)).map_err(failed)?;
            }
        }
        Ok(())
    }
}

impl Block {
    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        (left, top): (i32, i32),
        wide: i32,
        colour: RGBColor,
        largest: usize,
    ) -> Result<(), PlotError> {
        let colour = if self.shared { MUTED } else { colour };
        let corners = [(left, top), (left + wide, top + BOX)];
        if !self.shared {
            fill(area, corners, tint(colour, 0.14))?;
        }
        area.draw(&Rectangle::new(corners, colour.stroke_width(3))).map_err(failed)?;

        let middle = top + (BOX - BAR) / 2;
        sign(area, (left + MARGIN, middle - SIGN / 2), &self.output, colour)?;
        let text = left + 2 * MARGIN + SIGN;
        let right = left + wide - MARGIN;
        let lines = fit(&self.name, BODY, right - text, 2);
        let shape = self.output.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
        let heights = lines.len() as i32 + 1;
        let mut y = middle - (heights - 1) * LINE / 2;
        for line in &lines {
            area.draw_text(line, &font(BODY, INK, HPos::Left), (text, y)).map_err(failed)?;
            y += LINE;
        }
        area.draw_text(&shape, &font(SMALL, MUTED, HPos::Left), (text, y)).map_err(failed)?;
        if self.parameters > 0 {
            let number = softmoe_config::words::thousands(self.parameters);
            let style = font(SMALL, MUTED, HPos::Right);
            // If both do not fit, the bar alone shows the number of parameters.
            if text + width(&shape, SMALL) + 24 + width(&number, SMALL) <= right {
                area.draw_text(&number, &style, (right, y)).map_err(failed)?;
            }
            let share = self.parameters as f64 / largest as f64;
            let length = ((share * f64::from(wide)).round() as i32).max(3);
            fill(area, [(left, top + BOX - BAR), (left + length, top + BOX)], colour)?;
        }
        Ok(())
    }
}

/// A small drawing of an output: a map of channels, rows of tokens, or one row.
fn sign<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    (left, top): (i32, i32),
    output: &[usize],
    colour: RGBColor,
) -> Result<(), PlotError> {
    let light = tint(colour, 0.45);
    match output.len() {
        // Channels as overlapping planes.
        3.. => {
            let (side, step) = (SIGN - 30, 15);
            for channel in [2, 1, 0] {
                let (x, y) = (left + channel * step, top + (2 - channel) * step);
                let corners = [(x, y + 15 - step), (x + side, y + side + 15 - step)];
                fill(area, corners, light)?;
                area.draw(&Rectangle::new(corners, colour.stroke_width(3))).map_err(failed)?;
            }
        }
        // Separate rows.
        2 => {
            for row in 0..5 {
                let y = top + row * SIGN / 5;
                fill(area, [(left, y + 3), (left + SIGN, y + 15)], colour)?;
            }
        }
        // A single row.
        _ => fill(area, [(left, top + SIGN / 2 - 6), (left + SIGN, top + SIGN / 2 + 6)], colour)?,
    }
    Ok(())
}

fn fill<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    corners: [(i32, i32); 2],
    colour: RGBColor,
) -> Result<(), PlotError> {
    area.draw(&Rectangle::new(corners, colour.filled())).map_err(failed)
}

/// An arrow down at `x`.
fn arrow<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    x: i32,
    from: i32,
    to: i32,
) -> Result<(), PlotError> {
    let line = PathElement::new(vec![(x, from + 6), (x, to - 14)], INK.stroke_width(3));
    area.draw(&line).map_err(failed)?;
    let head = vec![(x - 10, to - 20), (x + 10, to - 20), (x, to - 4)];
    area.draw(&Polygon::new(head, INK.filled())).map_err(failed)
}
