//! Bar charts: one aggregate per arm, with its interval.

use super::style::{BODY, GRID, INK, MUTED, Mark, SMALL, WIDTH, font, heading, heading_height, tint, width};
use super::{Picture, PlotError, failed};
use crate::statistics::Estimate;
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

/// A chart of horizontal bars, from top to bottom.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// Title.
    pub title: String,
    /// Caption below the title: the runs.
    pub caption: String,
    /// Label of the horizontal axis.
    pub measure: String,
    /// The bars; the value of the first [`Mark::Reference`] is drawn through all of them as a dashed line.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Name of the arm.
    pub label: String,
    /// Colour of the arm.
    pub mark: Mark,
    /// Length and interval of the bar; `None` is shown as "not available".
    pub estimate: Option<Estimate>,
}

const ROW: u32 = 72;
const AXIS: u32 = 96;
const BOTTOM: u32 = 24;

impl Bars {
    /// The range of the axis: all bars and intervals, and zero.
    fn range(&self) -> std::ops::Range<f64> {
        let ends = self.bars.iter().filter_map(|bar| bar.estimate).flat_map(|estimate| {
            let interval = estimate.interval;
            [estimate.point, interval.map_or(0.0, |i| i.low), interval.map_or(0.0, |i| i.high)]
        });
        let (low, high) = ends.fold((0.0_f64, 0.0_f64), |(low, high), x| (low.min(x), high.max(x)));
        // Without any bar the axis still shows one unit.
        let high = if high > low { high } else { 1.0 };
        let margin = 0.04 * (high - low);
        let low = if low < 0.0 { low - margin } else { 0.0 };
        low..high + margin
    }
}

impl Picture for Bars {
    fn size(&self) -> (u32, u32) {
        let rows = ROW * self.bars.len().max(1) as u32;
        (WIDTH, heading_height(&self.title, &self.caption) + rows + AXIS + BOTTOM)
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<(), PlotError> {
        heading(area, &self.title, &self.caption)?;
        let (_, body) = area.split_vertically(heading_height(&self.title, &self.caption));
        let (mut labels, mut values) = (0, 0);
        for bar in &self.bars {
            labels = labels.max(width(&body, &bar.label, BODY)?).min(WIDTH as i32 / 2);
            values = values.max(width(&body, &value(bar), BODY)?);
        }

        let count = self.bars.len().max(1) as f64;
        let mut chart = ChartBuilder::on(&body)
            .margin_left(60 + labels)
            .margin_right(70 + values)
            .margin_bottom(BOTTOM)
            .x_label_area_size(AXIS)
            .build_cartesian_2d(self.range(), count..0.0)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_labels(8)
            .x_label_formatter(&|x| format!("{x:.1}"))
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(2))
            .axis_style(MUTED.stroke_width(2))
            .label_style(font(SMALL, INK, HPos::Center))
            .x_desc(&self.measure)
            .axis_desc_style(font(SMALL, MUTED, HPos::Center))
            .draw()
            .map_err(failed)?;

        for (row, bar) in self.bars.iter().enumerate() {
            let middle = row as f64 + 0.5;
            let (_, y) = chart.backend_coord(&(0.0, middle));
            let (_, top) = body.get_base_pixel();
            let right = WIDTH as i32 - 40;
            let label = font(BODY, INK, HPos::Right);
            body.draw_text(&bar.label, &label, (40 + labels, y - top)).map_err(failed)?;
            body.draw_text(&value(bar), &label, (right, y - top)).map_err(failed)?;
            let Some(estimate) = bar.estimate else { continue };
            let colour = bar.mark.colour();
            let corners = [(0.0, middle - 0.33), (estimate.point, middle + 0.33)];
            let filled = tint(colour, if bar.mark.dashed() { 0.45 } else { 0.85 }).filled();
            chart.draw_series([Rectangle::new(corners, filled)]).map_err(failed)?;
            if bar.mark.dashed() {
                chart.draw_series([Rectangle::new(corners, colour.stroke_width(3))]).map_err(failed)?;
            }
        }
        let reference = self.bars.iter().find(|bar| bar.mark == Mark::Reference).and_then(|bar| bar.estimate);
        if let Some(Estimate { point, .. }) = reference {
            let line = [(point, 0.0), (point, count)];
            let dashes = DashedPathElement::new(line, 14, 10, INK.stroke_width(3));
            chart.draw_series([dashes]).map_err(failed)?;
        }
        for (row, bar) in self.bars.iter().enumerate() {
            let Some(interval) = bar.estimate.and_then(|estimate| estimate.interval) else { continue };
            let middle = row as f64 + 0.5;
            let whiskers = [
                vec![(interval.low, middle), (interval.high, middle)],
                vec![(interval.low, middle - 0.15), (interval.low, middle + 0.15)],
                vec![(interval.high, middle - 0.15), (interval.high, middle + 0.15)],
            ];
            // A light outline keeps whiskers visible on dark bars.
            for (colour, width) in [(WHITE.mix(0.7), 9), (INK.mix(1.0), 4)] {
                let lines =
                    whiskers.iter().map(|line| PathElement::new(line.clone(), colour.stroke_width(width)));
                chart.draw_series(lines).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// The text to the right of the bar.
fn value(bar: &Bar) -> String {
    bar.estimate.map_or_else(|| "not available".to_owned(), |estimate| estimate.to_string())
}
