//! Curves: sections of panels, each with a few lines that are labelled at their ends.

use super::axis::Axis;
use super::labels::places;
use super::mark::Mark;
use super::strokes::{line, marker};
use super::style::{GRID, Heading, INK, MUTED, SIDE, WIDTH};
use super::text::{BODY, SMALL, fit, font, line_height, put, width};
use super::{Picture, PlotError, failed};
use crate::statistics::Interval;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

/// Most lines that can be told apart in one panel.
pub const MOST_LINES: usize = 6;

/// A figure of curves.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// Title and caption.
    pub heading: Heading,
    /// Label of the horizontal axes.
    pub across: String,
    /// Label of the vertical axes.
    pub up: String,
    /// The sections, from top to bottom.
    pub sections: Vec<Section>,
}

/// Panels with the same arms, in as many rows as they need.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// The title; none if it is empty.
    pub title: String,
    /// The panels.
    pub panels: Vec<Panel>,
}

/// One panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// The title, e.g. a game; none if it is empty.
    pub title: String,
    /// The lines, at most [`MOST_LINES`].
    pub lines: Vec<Line>,
    /// A value to compare with, drawn as a dotted line.
    pub level: Option<Level>,
}

/// A value for comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Its name.
    pub label: String,
    /// The value.
    pub value: f64,
}

/// One arm.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Name of the arm.
    pub label: String,
    /// Colour, dashes and markers of the arm.
    pub mark: Mark,
    /// The points, in order of `x`.
    pub points: Vec<Point>,
}

/// One point of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Place along the horizontal axis.
    pub x: f64,
    /// The value.
    pub y: f64,
    /// The band around it.
    pub band: Option<Interval>,
}

const PANEL: i32 = 680;
const TITLED: i32 = 64;
/// Space of a panel above and below its chart.
const ABOVE: u32 = 68;
const BELOW: u32 = 112;
/// Between the end of a line and its label.
const LEADER: i32 = 34;
/// Length of the line before a label.
const SAMPLE: i32 = 44;
/// Largest width of a label, beside the only panel of a section and otherwise.
const LABEL_ALONE: i32 = 460;
const LABEL: i32 = 350;
/// Most markers on a line.
const MARKERS: usize = 10;

impl Section {
    fn columns(&self) -> i32 {
        self.panels.len().clamp(1, 2) as i32
    }

    fn rows(&self) -> i32 {
        (self.panels.len() as i32 + self.columns() - 1) / self.columns()
    }

    fn titled(&self) -> i32 {
        if self.title.is_empty() { 0 } else { TITLED }
    }
}

impl Picture for Curves {
    fn heading(&self) -> &Heading {
        &self.heading
    }

    fn height(&self) -> u32 {
        let heights = self.sections.iter().map(|section| section.titled() + PANEL * section.rows());
        heights.sum::<i32>().max(PANEL) as u32
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<(), PlotError> {
        let mut top = 0;
        for section in &self.sections {
            if !section.title.is_empty() {
                let y = top + TITLED / 2;
                let title = fit(&section.title, SMALL, WIDTH as i32 - 2 * SIDE - 40, 1);
                put(area, &title, (SMALL, MUTED, HPos::Left), (SIDE, y))?;
                let rule = SIDE + width(title.first().map_or("", String::as_str), SMALL) + 20;
                line(area, &[(rule, y), (WIDTH as i32 - SIDE, y)], &[], GRID.stroke_width(2))?;
            }
            top += section.titled();
            let wide = (WIDTH as i32 - SIDE) / section.columns();
            for (index, panel) in section.panels.iter().enumerate() {
                let (row, column) = (index as i32 / section.columns(), index as i32 % section.columns());
                let x = SIDE / 2 + column * wide;
                let y = top + row * PANEL;
                let place = area.clone().shrink((x, y), (wide, PANEL));
                let most = if section.columns() == 1 { LABEL_ALONE } else { LABEL };
                panel.draw(
                    &place,
                    most,
                    (self.across.as_str(), if column == 0 { self.up.as_str() } else { "" }),
                )?;
            }
            top += PANEL * section.rows();
        }
        Ok(())
    }
}

/// The label at the end of a line.
struct EndLabel {
    text: Vec<String>,
    /// The end of the line.
    end: (i32, i32),
    mark: Option<Mark>,
}

impl Panel {
    /// The axes, across and up.
    fn axes(&self, wide: i32) -> [Axis; 2] {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let xs = points().map(|point| point.x);
        let (left, right) = xs.fold((0.0_f64, 0.0_f64), |(low, high), x| (low.min(x), high.max(x)));
        let ys = points().flat_map(|point| {
            let band = point.band.unwrap_or(Interval { low: point.y, high: point.y });
            [point.y, band.low, band.high]
        });
        let ys = ys.chain(self.level.as_ref().map(|level| level.value));
        let (low, high) = ys.fold((0.0_f64, 0.0_f64), |(low, high), y| (low.min(y), high.max(y)));
        let margin = 0.04 * (high - low);
        let low = if low < 0.0 { low - margin } else { 0.0 };
        [Axis::new(left..right, if wide < 1200 { 4 } else { 8 }), Axis::new(low..high + margin, 6)]
    }

    /// Labels are at most `most` pixels wide.
    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        most: i32,
        (across, up): (&str, &str),
    ) -> Result<(), PlotError> {
        let wide = area.dim_in_pixel().0 as i32;
        let [xs, ys] = self.axes(wide);
        let names = self.lines.iter().map(|line| line.label.as_str());
        let names = names.chain(self.level.as_ref().map(|level| level.label.as_str()));
        let texts: Vec<Vec<String>> = names.map(|name| fit(name, SMALL, most, 2)).collect();
        let widest = texts.iter().flatten().map(|text| width(text, SMALL)).max().unwrap_or(0);
        let numbers = ys.ticks().into_iter().map(|tick| width(&ys.label(tick), SMALL)).max().unwrap_or(0);
        let left = 62 + numbers + 24;
        let right = LEADER + SAMPLE + 12 + widest + 20;
        let mut chart = ChartBuilder::on(area)
            .margin_top(ABOVE)
            .margin_right(right)
            .margin_left(left - numbers - 16)
            .x_label_area_size(48)
            .margin_bottom(BELOW - 48)
            .y_label_area_size(numbers + 16)
            .build_cartesian_2d(xs.range.clone(), ys.range.clone())
            .map_err(failed)?;
        chart
            .configure_mesh()
            .x_labels(xs.most)
            .y_labels(ys.most)
            .x_label_formatter(&|x| xs.label(*x))
            .y_label_formatter(&|y| ys.label(*y))
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(2))
            .axis_style(MUTED.stroke_width(2))
            .label_style(font(SMALL, INK, HPos::Center))
            .draw()
            .map_err(failed)?;
        let (corner_x, corner_y) = area.get_base_pixel();
        let pixel = |x: f64, y: f64| {
            let (x, y) = chart.backend_coord(&(x, y));
            (x - corner_x, y - corner_y)
        };
        let (start, bottom) = pixel(xs.range.start, ys.range.start);
        let (end, top) = pixel(xs.range.end, ys.range.end);
        let centre = (start + end) / 2;
        // Above the chart, but within the panel.
        let one_line = fit(&self.title, BODY, wide - 40, 1);
        let (title, size) = if one_line.concat() == self.title {
            (one_line, BODY)
        } else {
            (fit(&self.title, SMALL, wide - 40, 2), SMALL)
        };
        let half = 20 + title.iter().map(|text| width(text, size)).max().unwrap_or(0) / 2;
        put(area, &title, (size, INK, HPos::Center), (centre.clamp(half, (wide - half).max(half)), 34))?;
        put(area, &fit(across, SMALL, wide - 40, 1), (SMALL, MUTED, HPos::Center), (centre, bottom + 74))?;
        if !up.is_empty() {
            let style = font(SMALL, MUTED, HPos::Center).transform(FontTransform::Rotate270);
            area.draw_text(up, &style, (26, (top + bottom) / 2)).map_err(failed)?;
        }

        if self.lines.is_empty() {
            let middle = (centre, (top + bottom) / 2);
            put(area, &["not available".to_owned()], (SMALL, MUTED, HPos::Center), middle)?;
        }
        for arm in &self.lines {
            let band = |end: fn(Interval) -> f64| {
                arm.points.iter().filter_map(move |p| p.band.map(|band| (p.x, end(band))))
            };
            let outline = band(|band| band.high).chain(band(|band| band.low).rev());
            let outline: Vec<(i32, i32)> = outline.map(|(x, y)| pixel(x, y)).collect();
            if outline.len() >= 4 {
                area.draw(&Polygon::new(outline, arm.mark.outline().mix(0.11))).map_err(failed)?;
            }
        }
        if let Some(level) = &self.level {
            let y = pixel(0.0, level.value).1;
            draw_line(area, None, &[(start, y), (end, y)])?;
        }
        let mut labels = Vec::new();
        // Where lines end at the same height, the label of the one that was higher on average comes first.
        let average =
            |arm: &Line| arm.points.iter().map(|point| point.y).sum::<f64>() / arm.points.len().max(1) as f64;
        let mut arms: Vec<(&Line, &Vec<String>)> = self.lines.iter().zip(&texts).collect();
        arms.sort_by(|(left, _), (right, _)| average(right).total_cmp(&average(left)));
        for (arm, text) in arms {
            let points: Vec<(i32, i32)> = arm.points.iter().map(|point| pixel(point.x, point.y)).collect();
            draw_line(area, Some(arm.mark), &points)?;
            let step = points.len().div_ceil(MARKERS).max(1);
            for &at in points.iter().rev().step_by(step) {
                marker(area, arm.mark, at)?;
            }
            if let Some(&end) = points.last() {
                labels.push(EndLabel { text: text.clone(), end, mark: Some(arm.mark) });
            }
        }
        if let (Some(level), Some(text)) = (&self.level, texts.last()) {
            labels.push(EndLabel { text: text.clone(), end: (end, pixel(0.0, level.value).1), mark: None });
        }
        draw_labels(area, labels, end, (top, bottom))
    }
}

/// Draws the labels to the right of the chart, which ends at `right`, without overlap.
fn draw_labels<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    mut labels: Vec<EndLabel>,
    right: i32,
    (top, bottom): (i32, i32),
) -> Result<(), PlotError> {
    let height = |label: &EndLabel| f64::from(label.text.len() as i32 * line_height(SMALL) + 4);
    let (top, bottom) = (f64::from(top - 40), f64::from(bottom + 40));
    if labels.iter().map(height).sum::<f64>() > bottom - top {
        labels.iter_mut().for_each(|label| label.text = fit(&label.text.join(" "), SMALL, LABEL, 1));
    }
    let wanted: Vec<(f64, f64)> =
        labels.iter().map(|label| (f64::from(label.end.1), height(label))).collect();
    for (label, y) in labels.iter().zip(places(&wanted, top, bottom)) {
        let (y, x) = (y.round() as i32, right + LEADER);
        let colour = label.mark.map_or(MUTED, Mark::outline);
        line(area, &[label.end, (right + 6, label.end.1), (x, y)], &[], colour.mix(0.5).stroke_width(2))?;
        draw_line(area, label.mark, &[(x, y), (x + SAMPLE, y)])?;
        if let Some(mark) = label.mark {
            marker(area, mark, (x + SAMPLE / 2, y))?;
        }
        put(area, &label.text, (SMALL, colour, HPos::Left), (x + SAMPLE + 12, y))?;
    }
    Ok(())
}

/// A line in the colour and dashes of `mark`, dotted and muted without one.
fn draw_line<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    mark: Option<Mark>,
    points: &[(i32, i32)],
) -> Result<(), PlotError> {
    match mark {
        Some(mark) => line(area, points, mark.pattern.dashes(), mark.colour().stroke_width(5)),
        None => line(area, points, &[4.0, 9.0], MUTED.stroke_width(3)),
    }
}
