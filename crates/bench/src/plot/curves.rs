//! Learning curves: one panel per game, one line per arm.

use super::style::{BODY, GRID, INK, MUTED, Mark, SMALL, WIDTH, font, heading, heading_height, width};
use super::{Picture, PlotError, failed};
use crate::statistics::Interval;
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

/// A figure of learning curves.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// Title.
    pub title: String,
    /// Caption below the title: the runs, and the meaning of lines and bands.
    pub caption: String,
    /// The panels, row by row.
    pub panels: Vec<Panel>,
}

/// One game.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Name of the game.
    pub title: String,
    /// The lines.
    pub lines: Vec<Line>,
    /// The random policy's mean return, drawn as a dotted line.
    pub random: Option<f64>,
}

/// One arm.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Name of the arm.
    pub label: String,
    /// Colour and dashes of the arm.
    pub mark: Mark,
    /// The points in order of agent steps.
    pub points: Vec<Point>,
}

/// One point of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Agent steps trained.
    pub agent_steps: f64,
    /// Mean evaluation return.
    pub mean: f64,
    /// The band around it.
    pub band: Option<Interval>,
}

const PANEL: u32 = 640;
const ENTRY: u32 = 56;
/// Length of the line before a name in the legend.
const SAMPLE: i32 = 90;
const RANDOM_LABEL: &str = "random policy";

impl Curves {
    fn columns(&self) -> usize {
        match self.panels.len() {
            0 | 1 => 1,
            2 | 4 => 2,
            _ => 3,
        }
    }

    fn rows(&self) -> usize {
        self.panels.len().div_ceil(self.columns()).max(1)
    }

    /// Name and mark of every arm, in the order in which they first appear; no mark for the random policy.
    fn legend(&self) -> Vec<(&str, Option<Mark>)> {
        let mut entries: Vec<(&str, Option<Mark>)> = Vec::new();
        for line in self.panels.iter().flat_map(|panel| &panel.lines) {
            if !entries.iter().any(|(label, _)| *label == line.label) {
                entries.push((&line.label, Some(line.mark)));
            }
        }
        if self.panels.iter().any(|panel| panel.random.is_some()) {
            entries.push((RANDOM_LABEL, None));
        }
        entries
    }

    /// Columns of the legend, if a character is 0.62 em wide.
    fn legend_columns(&self) -> usize {
        let longest = self.legend().iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        let entry = f64::from(SAMPLE) + 60.0 + 0.62 * BODY * longest as f64;
        ((f64::from(WIDTH) - 80.0) / entry).floor().clamp(1.0, 4.0) as usize
    }

    fn draw_legend<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<(), PlotError> {
        let legend = self.legend();
        let columns = self.legend_columns();
        let rows = legend.len().div_ceil(columns);
        let mut widest = 0;
        for (label, _) in &legend {
            widest = widest.max(width(area, label, BODY)?);
        }
        for (index, (label, mark)) in legend.into_iter().enumerate() {
            let x = 60 + (index / rows) as i32 * (SAMPLE + widest + 80);
            let y = (index % rows) as i32 * ENTRY as i32 + 34;
            draw_line(area, mark, vec![(x, y), (x + SAMPLE, y)])?;
            let style = font(BODY, INK, HPos::Left);
            area.draw_text(label, &style, (x + SAMPLE + 20, y)).map_err(failed)?;
        }
        Ok(())
    }
}

impl Picture for Curves {
    fn size(&self) -> (u32, u32) {
        let legend = ENTRY * self.legend().len().div_ceil(self.legend_columns()) as u32 + 30;
        let heading = heading_height(&self.title, &self.caption);
        (WIDTH, heading + PANEL * self.rows() as u32 + legend)
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<(), PlotError> {
        heading(area, &self.title, &self.caption)?;
        let (_, body) = area.split_vertically(heading_height(&self.title, &self.caption));
        let (panels, legend) = body.split_vertically(PANEL * self.rows() as u32);
        let areas = panels.split_evenly((self.rows(), self.columns()));
        for (index, (panel, area)) in self.panels.iter().zip(areas).enumerate() {
            panel.draw(&area, index % self.columns() == 0)?;
        }
        self.draw_legend(&legend)
    }
}

impl Panel {
    fn range(&self) -> (std::ops::Range<f64>, std::ops::Range<f64>) {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let longest = points().map(|point| point.agent_steps).fold(0.0, f64::max);
        let ends = points().flat_map(|point| {
            let band = point.band.unwrap_or(Interval { low: point.mean, high: point.mean });
            [point.mean, band.low, band.high]
        });
        let low = ends.clone().chain(self.random).fold(0.0, f64::min);
        let high = ends.chain(self.random).fold(low + 1e-3, f64::max);
        let margin = 0.04 * (high - low);
        let low = if low < 0.0 { low - margin } else { 0.0 };
        (0.0..longest.max(1.0), low..high + margin)
    }

    /// Only the `leftmost` panel of a row labels the vertical axis.
    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>, leftmost: bool) -> Result<(), PlotError> {
        let (xs, ys) = self.range();
        let decimals = if ys.end - ys.start < 5.0 { 1 } else { 0 };
        let width = area.dim_in_pixel().0 as i32;
        area.draw_text(&self.title, &font(BODY, INK, HPos::Center), (width / 2 + 40, 34)).map_err(failed)?;
        let mut chart = ChartBuilder::on(area)
            .margin_top(64)
            .margin_right(44)
            .margin_left(16)
            .x_label_area_size(92)
            .margin_bottom(24)
            .y_label_area_size(130)
            .build_cartesian_2d(xs, ys)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .x_labels(if width < 800 { 4 } else { 6 })
            .y_labels(6)
            .x_label_formatter(&|steps| steps_label(*steps))
            .y_label_formatter(&|value| format!("{value:.decimals$}"))
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(2))
            .axis_style(MUTED.stroke_width(2))
            .label_style(font(SMALL, INK, HPos::Center))
            .x_desc("agent steps")
            .y_desc(if leftmost { "mean evaluation return" } else { "" })
            .axis_desc_style(font(SMALL, MUTED, HPos::Center))
            .draw()
            .map_err(failed)?;
        for line in &self.lines {
            let band = |end: fn(Interval) -> f64| {
                line.points.iter().filter_map(move |p| p.band.map(|band| (p.agent_steps, end(band))))
            };
            let outline: Vec<(f64, f64)> =
                band(|band| band.high).chain(band(|band| band.low).rev()).collect();
            if outline.len() >= 4 {
                chart.draw_series([Polygon::new(outline, line.mark.colour().mix(0.13))]).map_err(failed)?;
            }
        }
        let plot = chart.plotting_area().strip_coord_spec();
        let (left, top) = plot.get_base_pixel();
        let pixel = |point: (f64, f64)| {
            let (x, y) = chart.backend_coord(&point);
            (x - left, y - top)
        };
        if let Some(random) = self.random {
            let end = chart.x_range().end;
            draw_line(&plot, None, vec![pixel((0.0, random)), pixel((end, random))])?;
        }
        for line in &self.lines {
            let points = line.points.iter().map(|point| pixel((point.agent_steps, point.mean)));
            draw_line(&plot, Some(line.mark), points.collect())?;
        }
        Ok(())
    }
}

/// A line in the colour and dashes of `mark`, dotted and muted without one; a single point becomes a dot.
fn draw_line<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    mark: Option<Mark>,
    pixels: Vec<(i32, i32)>,
) -> Result<(), PlotError> {
    let colour = mark.map_or(MUTED, Mark::colour);
    let style = colour.stroke_width(if mark.is_some() { 5 } else { 3 });
    match (mark, pixels.as_slice()) {
        (_, &[point]) => area.draw(&Circle::new(point, 8, colour.filled())),
        (None, _) => area.draw(&DashedPathElement::new(pixels, 4, 9, style)),
        (Some(mark), _) if mark.dashed() => area.draw(&DashedPathElement::new(pixels, 18, 9, style)),
        _ => area.draw(&PathElement::new(pixels, style)),
    }
    .map_err(failed)
}

/// `200k`, `1.5M`, `500`.
fn steps_label(steps: f64) -> String {
    let (value, unit) = match steps {
        _ if steps >= 1e6 => (steps / 1e6, "M"),
        _ if steps >= 1e3 => (steps / 1e3, "k"),
        _ => (steps, ""),
    };
    format!("{}{unit}", (value * 10.0).round() / 10.0)
}
