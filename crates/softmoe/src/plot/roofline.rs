//! Roofline plots (Williams, Waterman and Patterson 2009): the speed of loops beside the processor's limits.

use super::mark::Mark;
use super::style::{GRID, Heading, INK, MUTED};
use super::text::{BODY, SMALL, font};
use super::{Picture, PlotError, failed};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

/// A roofline plot with logarithmic axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Roofline {
    /// Title and caption: the machine.
    pub heading: Heading,
    /// Peak speed in 10^9 floating-point operations a second.
    pub peak_gigaflops: f64,
    /// Bandwidths of the memories.
    pub roofs: Vec<Roof>,
    /// The loops.
    pub kernels: Vec<Kernel>,
}

/// The bandwidth of a memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Roof {
    /// Name of the memory.
    pub label: String,
    /// 10^9 bytes a second.
    pub gigabytes_per_second: f64,
}

/// One loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// Its group in the legend.
    pub label: String,
    /// Its colour.
    pub mark: Mark,
    /// Arithmetic intensity: floating-point operations per byte moved.
    pub operations_per_byte: f64,
    /// 10^9 floating-point operations a second.
    pub gigaflops: f64,
}

const CHART: u32 = 1_000;
const ENTRY: u32 = 52;

impl Roofline {
    fn legend(&self) -> Vec<(&str, Mark)> {
        let mut entries: Vec<(&str, Mark)> = Vec::new();
        for kernel in &self.kernels {
            if !entries.iter().any(|(label, _)| *label == kernel.label) {
                entries.push((&kernel.label, kernel.mark));
            }
        }
        entries
    }

    /// Ranges of both axes, as powers of two: intensity and speed.
    fn ranges(&self) -> [std::ops::Range<f64>; 2] {
        let around = |values: Vec<f64>| {
            let positive = || values.iter().copied().filter(|value| value.is_finite() && *value > 0.0);
            let low = positive().reduce(f64::min).unwrap_or(1.0);
            let high = positive().reduce(f64::max).unwrap_or(1.0);
            low.log2().floor().exp2()..(high.log2().floor() + 1.0).exp2()
        };
        let intensities = self.kernels.iter().map(|kernel| kernel.operations_per_byte).collect();
        let speeds =
            self.kernels.iter().map(|kernel| kernel.gigaflops).chain([self.peak_gigaflops]).collect();
        [around(intensities), around(speeds)]
    }
}

impl Picture for Roofline {
    fn heading(&self) -> &Heading {
        &self.heading
    }

    fn height(&self) -> u32 {
        CHART + ENTRY * self.legend().len().div_ceil(2) as u32 + 30
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<(), PlotError> {
        let (chart_area, legend_area) = area.split_vertically(CHART);
        let (corner_x, corner_y) = area.get_base_pixel();
        let [xs, ys] = self.ranges();
        let mut chart = ChartBuilder::on(&chart_area)
            .margin_top(30)
            .margin_right(60)
            .margin_left(30)
            .x_label_area_size(100)
            .y_label_area_size(150)
            .build_cartesian_2d(xs.clone().log_scale().base(2.0), ys.clone().log_scale().base(2.0))
            .map_err(failed)?;
        let short = |value: &f64| format!("{}", (value * 1e3).round() / 1e3);
        chart
            .configure_mesh()
            .x_label_formatter(&short)
            .y_label_formatter(&short)
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(2))
            .axis_style(MUTED.stroke_width(2))
            .label_style(font(SMALL, INK, HPos::Center))
            .x_desc("floating-point operations for each byte that must be moved")
            .y_desc("10^9 operations a second")
            .axis_desc_style(font(SMALL, MUTED, HPos::Center))
            .draw()
            .map_err(failed)?;
        let peak = self.peak_gigaflops;
        for roof in &self.roofs {
            // Up to the intensity where arithmetic becomes the limit.
            let bend = (peak / roof.gigabytes_per_second).clamp(xs.start, xs.end);
            let start = xs.start.max(ys.start / roof.gigabytes_per_second);
            let line = [(start, start * roof.gigabytes_per_second), (bend, bend * roof.gigabytes_per_second)];
            chart.draw_series([PathElement::new(line, MUTED.stroke_width(4))]).map_err(failed)?;
            let (x, y) = chart.backend_coord(&line[0]);
            let text = format!("{}: {:.0} GB/s", roof.label, roof.gigabytes_per_second);
            area.draw_text(&text, &font(SMALL, MUTED, HPos::Left), (x - corner_x + 60, y - corner_y - 14))
                .map_err(failed)?;
        }
        let ceiling = [(xs.start, peak), (xs.end, peak)];
        chart.draw_series([PathElement::new(ceiling, INK.stroke_width(4))]).map_err(failed)?;
        let (x, y) = chart.backend_coord(&ceiling[0]);
        let text = format!("multiply-adds: {peak:.0} GFLOP/s");
        area.draw_text(&text, &font(SMALL, INK, HPos::Left), (x - corner_x + 14, y - corner_y - 24))
            .map_err(failed)?;
        let points = self.kernels.iter().map(|kernel| {
            Circle::new((kernel.operations_per_byte, kernel.gigaflops), 12, kernel.mark.colour().filled())
        });
        chart.draw_series(points).map_err(failed)?;
        for (index, (label, mark)) in self.legend().into_iter().enumerate() {
            let (x, y) = (80 + (index % 2) as i32 * 900, (index / 2) as i32 * ENTRY as i32 + 30);
            legend_area.draw(&Circle::new((x, y), 12, mark.colour().filled())).map_err(failed)?;
            legend_area.draw_text(label, &font(BODY, INK, HPos::Left), (x + 36, y)).map_err(failed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Kernel, Roof, Roofline};
    use crate::plot::{Dress, Family, Heading, Mark, to_pdf, to_png, to_svg};

    #[test]
    fn limits_and_loops_are_named() {
        let kernel = |operations_per_byte, gigaflops| Kernel {
            label: "dense layers".to_owned(),
            mark: Mark::of(Family::SoftMoe),
            operations_per_byte,
            gigaflops,
        };
        let picture = Roofline {
            heading: Heading { title: "Loops".to_owned(), caption: "one core".to_owned() },
            peak_gigaflops: 270.4,
            roofs: vec![Roof { label: "memory".to_owned(), gigabytes_per_second: 58.6 }],
            kernels: vec![kernel(0.2, 11.0), kernel(12.5, 259.0)],
        };
        let [intensities, speeds] = picture.ranges();
        assert_eq!((intensities, speeds), (0.125..16.0, 8.0..512.0));
        let svg = to_svg(&picture, Dress::Full).unwrap();
        for text in ["Loops", "one core", "multiply-adds: 270 GFLOP/s", "memory: 59 GB/s", "dense layers"] {
            assert!(svg.contains(text), "{text}");
        }
        assert_eq!(svg.matches("dense layers").count(), 1, "once in the legend");
        assert!(to_png(&picture, Dress::Full).unwrap().starts_with(b"\x89PNG"));
        assert!(to_pdf(&picture, Dress::Full).unwrap().starts_with(b"%PDF"));
        let bare = to_svg(&picture, Dress::Bare).unwrap();
        assert!(!bare.contains("Loops") && !bare.contains("one core") && bare.contains("dense layers"));
    }
}
