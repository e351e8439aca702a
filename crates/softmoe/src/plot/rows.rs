//! Rows with intervals: a bar or a point in each, with its interval, grouped under titles.

use super::axis::Axis;
use super::mark::{Mark, Shade};
use super::strokes::{hatch, line, marker};
use super::style::{GRID, Heading, INK, MUTED, SIDE, WIDTH, tint};
use super::text::{BODY, SMALL, fit, font, line_height, put, width, wrap};
use super::{Picture, PlotError, failed};
use crate::statistics::{Estimate, Interval};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use std::ops::Range;

/// A chart of rows, from top to bottom.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// Title and caption.
    pub heading: Heading,
    /// Label of the horizontal axis.
    pub measure: String,
    /// A value that is drawn through all rows as a dashed line.
    pub reference: Option<f64>,
    /// The rows.
    pub groups: Vec<RowGroup>,
}

/// Rows under a title.
#[derive(Clone, Debug, PartialEq)]
pub struct RowGroup {
    /// The title; none if it is empty.
    pub title: String,
    /// The rows.
    pub rows: Vec<Row>,
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name, on the left.
    pub label: String,
    /// More about it, below its name.
    pub detail: String,
    /// The drawing of its estimate.
    pub shape: Shape,
    /// Value and interval; `None` is shown as "not available".
    pub estimate: Option<Estimate>,
    /// Values behind which the row is shaded; an end may be infinite.
    pub region: Option<Interval>,
    /// A judgement, below the value on the right.
    pub outcome: String,
}

impl Row {
    /// Value and interval with so many decimals.
    pub(crate) fn value(&self, precision: usize) -> String {
        self.estimate.map_or_else(|| "not available".to_owned(), |estimate| format!("{estimate:.precision$}"))
    }
}

/// The drawing of an estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// A bar from zero.
    Bar(Mark),
    /// A point in the colour and shape of an arm.
    Point(Mark),
    /// A filled point.
    Filled,
    /// A hollow point.
    Hollow,
}

/// Smallest height of a row.
const ROW: i32 = 72;
/// Space above and below the text of a row.
const PADDING: i32 = 14;
/// Height of a group's title.
const TITLED: i32 = 76;
const AXIS: u32 = 96;
const BOTTOM: u32 = 24;
/// Largest width of the names on the left, and of the texts on the right.
const NAMES: i32 = 660;
const VALUES: i32 = 420;
const GAP: i32 = 24;
/// Most lines of a name or a text below it.
const LINES: usize = 3;
/// Half the height of a bar and of the end of an interval.
const BAR: i32 = 24;
const WHISKER: i32 = 11;

/// The texts of a row, broken into lines.
struct Texts {
    label: Vec<String>,
    detail: Vec<String>,
    value: String,
    outcome: Vec<String>,
}

impl Texts {
    fn height(&self) -> i32 {
        let lines =
            |body: usize, small: usize| body as i32 * line_height(BODY) + small as i32 * line_height(SMALL);
        let left = lines(self.label.len(), self.detail.len());
        ROW.max(2 * PADDING + left.max(lines(1, self.outcome.len())))
    }
}

/// A row at its height.
struct Placed<'a> {
    row: &'a Row,
    texts: Texts,
    top: i32,
    middle: i32,
}

impl Rows {
    /// Range, ticks with their labels, and the decimals of the values.
    pub(crate) fn scale(&self) -> (Range<f64>, Vec<(f64, String)>, usize) {
        let axis = self.axis();
        let ticks = axis.ticks().into_iter().map(|tick| (tick, axis.label(tick))).collect();
        (axis.range.clone(), ticks, axis.precision())
    }

    fn axis(&self) -> Axis {
        let rows = || self.groups.iter().flat_map(|group| &group.rows);
        let bars = rows().any(|row| matches!(row.shape, Shape::Bar(_))).then_some(0.0);
        let values = rows().flat_map(|row| {
            let interval = row.estimate.and_then(|estimate| estimate.interval);
            let ends = [interval, row.region].into_iter().flatten().flat_map(|i| [i.low, i.high]);
            row.estimate.map(|estimate| estimate.point).into_iter().chain(ends)
        });
        let values = values.chain(bars).chain(self.reference).filter(|value| value.is_finite());
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        let margin = 0.04 * (high - low);
        // Bars stand on the edge of the chart if none is negative.
        let low = if bars.is_some() && low >= 0.0 { 0.0 } else { low - margin };
        Axis::new(low..high + margin, 8)
    }

    /// Every row and every title at its height, and the height of all.
    fn place(&self) -> (Vec<Placed<'_>>, Vec<(&str, i32)>, i32) {
        let precision = self.axis().precision();
        let (mut placed, mut titles) = (Vec::new(), Vec::new());
        let mut y = 0;
        for group in &self.groups {
            if !group.title.is_empty() {
                titles.push((group.title.as_str(), y + TITLED / 2 + 10));
                y += TITLED;
            }
            for row in &group.rows {
                let some = |text: &str, em, most, count| {
                    if text.is_empty() { Vec::new() } else { fit(text, em, most, count) }
                };
                let texts = Texts {
                    label: some(&row.label, BODY, NAMES, LINES),
                    detail: some(&row.detail, SMALL, NAMES, LINES),
                    value: row.value(precision),
                    outcome: some(&row.outcome, SMALL, VALUES, 2),
                };
                let height = texts.height();
                placed.push(Placed { row, texts, top: y, middle: y + height / 2 });
                y += height;
            }
        }
        (placed, titles, y.max(ROW))
    }
}

impl Picture for Rows {
    fn heading(&self) -> &Heading {
        &self.heading
    }

    fn height(&self) -> u32 {
        self.place().2 as u32 + AXIS + BOTTOM
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<(), PlotError> {
        let (rows, titles, height) = self.place();
        let widest = |lines: &[String], em: f64| lines.iter().map(|line| width(line, em)).max().unwrap_or(0);
        let (mut names, mut values) = (0, 0);
        for Placed { texts, .. } in &rows {
            names = names.max(widest(&texts.label, BODY)).max(widest(&texts.detail, SMALL));
            values = values.max(width(&texts.value, BODY)).max(widest(&texts.outcome, SMALL));
        }
        let axis = self.axis();
        let mut chart = ChartBuilder::on(area)
            .margin_left(SIDE + names + GAP)
            .margin_right(SIDE + values + GAP)
            .margin_bottom(BOTTOM)
            .x_label_area_size(AXIS)
            .build_cartesian_2d(axis.range.clone(), f64::from(height)..0.0)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_labels(axis.most)
            .x_label_formatter(&|x| axis.label(*x))
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(2))
            .axis_style(MUTED.stroke_width(2))
            .label_style(font(SMALL, INK, HPos::Center))
            .draw()
            .map_err(failed)?;
        let (corner_x, corner_y) = area.get_base_pixel();
        let pixel = |x: f64, y: i32| {
            let (x, y) = chart.backend_coord(&(x.clamp(axis.range.start, axis.range.end), f64::from(y)));
            (x - corner_x, y - corner_y)
        };
        let ((left, _), (right, _)) = (pixel(axis.range.start, 0), pixel(axis.range.end, 0));
        let middle = (left + right) / 2;
        let described = wrap(&self.measure, SMALL, WIDTH as i32 - 2 * SIDE);
        let half = described.iter().map(|line| width(line, SMALL)).max().unwrap_or(0) / 2;
        let middle = middle.clamp(SIDE + half, (WIDTH as i32 - SIDE - half).max(SIDE + half));
        put(area, &described, (SMALL, MUTED, HPos::Center), (middle, height + AXIS as i32 - 16))?;

        for (title, y) in titles {
            let y = pixel(0.0, y).1;
            let shown = fit(title, SMALL, WIDTH as i32 - 2 * SIDE, 1);
            let rule = (SIDE + width(shown.first().map_or("", String::as_str), SMALL) + 20).min(right);
            put(area, &shown, (SMALL, MUTED, HPos::Left), (SIDE, y))?;
            line(area, &[(rule, y), (WIDTH as i32 - SIDE, y)], &[], GRID.stroke_width(2))?;
        }
        for Placed { row, texts, top, middle } in &rows {
            if let Some(region) = row.region {
                let corners = [pixel(region.low, top + 3), pixel(region.high, 2 * middle - top - 3)];
                area.draw(&Rectangle::new(corners, tint(RGBColor(0x00, 0x72, 0xb2), 0.16).filled()))
                    .map_err(failed)?;
            }
            let y = pixel(0.0, *middle).1;
            texts.draw(area, (SIDE + names, WIDTH as i32 - SIDE), y)?;
            if let (Shape::Bar(mark), Some(estimate)) = (row.shape, row.estimate) {
                let (zero, end) = (pixel(0.0, *middle).0, pixel(estimate.point, *middle).0);
                bar(area, mark, [(zero.min(end), y - BAR), (zero.max(end), y + BAR)])?;
            }
        }
        if let Some(reference) = self.reference {
            let [from, to] = [0, height].map(|y| pixel(reference, y));
            line(area, &[from, to], &[14.0, 10.0], INK.stroke_width(3))?;
        }
        for Placed { row, middle, .. } in &rows {
            let Some(estimate) = row.estimate else { continue };
            let on = |value: f64| pixel(value, *middle);
            if let Some(interval) = estimate.interval {
                whiskers(area, [on(interval.low), on(interval.high)])?;
            }
            point(area, row.shape, on(estimate.point))?;
        }
        Ok(())
    }
}

impl Texts {
    /// Draws the names to the left of `left`, and the values to the left of `right`, around the height `y`.
    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        (left, right): (i32, i32),
        y: i32,
    ) -> Result<(), PlotError> {
        let value = std::slice::from_ref(&self.value);
        for (x, large, small) in [(left, &self.label[..], &self.detail), (right, value, &self.outcome)] {
            let heights = [large.len() as i32 * line_height(BODY), small.len() as i32 * line_height(SMALL)];
            let top = y - (heights[0] + heights[1]) / 2;
            put(area, large, (BODY, INK, HPos::Right), (x, top + heights[0] / 2))?;
            put(area, small, (SMALL, MUTED, HPos::Right), (x, top + heights[0] + heights[1] / 2))?;
        }
        Ok(())
    }
}

/// A bar in the colour and hatching of `mark`.
fn bar<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    mark: Mark,
    corners: [(i32, i32); 2],
) -> Result<(), PlotError> {
    area.draw(&Rectangle::new(corners, tint(mark.colour(), 0.85).filled())).map_err(failed)?;
    let lines = if mark.shade == Shade::Full { WHITE.mix(0.6) } else { mark.outline().mix(0.6) };
    hatch(area, mark.pattern, corners, lines.stroke_width(4))?;
    area.draw(&Rectangle::new(corners, tint(mark.outline(), 0.85).stroke_width(2))).map_err(failed)
}

/// An interval between two pixels; a light outline keeps it visible on dark bars.
fn whiskers<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    [low, high]: [(i32, i32); 2],
) -> Result<(), PlotError> {
    let end = |(x, y): (i32, i32)| [(x, y - WHISKER), (x, y + WHISKER)];
    for (colour, width) in [(WHITE.mix(0.7), 9), (INK.mix(1.0), 4)] {
        for part in [[low, high], end(low), end(high)] {
            line(area, &part, &[], colour.stroke_width(width))?;
        }
    }
    Ok(())
}

fn point<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    shape: Shape,
    at: (i32, i32),
) -> Result<(), PlotError> {
    let disc =
        |radius: i32, colour: RGBColor| area.draw(&Circle::new(at, radius, colour.filled())).map_err(failed);
    match shape {
        Shape::Bar(_) => Ok(()),
        Shape::Point(mark) => {
            // A light outline keeps the marker apart from its interval.
            disc(15, WHITE)?;
            marker(area, mark, at)
        }
        Shape::Filled => disc(12, INK),
        Shape::Hollow => disc(12, INK).and_then(|()| disc(8, WHITE)),
    }
}
