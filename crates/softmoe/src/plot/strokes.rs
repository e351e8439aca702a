//! Lines with dashes, markers, and hatching.

use super::mark::{Mark, Marker, Pattern};
use super::{PlotError, failed};
use plotters::coord::Shift;
use plotters::prelude::*;

/// Half the width of a marker.
const MARKER: i32 = 10;
/// Distance between lines of hatching.
const HATCH: i32 = 24;

/// Draws the line through `points` (pixels) in `dashes`, lengths of strokes and gaps in turn; a solid line without any.
pub(super) fn line<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    points: &[(i32, i32)],
    dashes: &[f64],
    style: ShapeStyle,
) -> Result<(), PlotError> {
    for stroke in strokes(points, dashes) {
        area.draw(&PathElement::new(stroke, style)).map_err(failed)?;
    }
    Ok(())
}

/// The strokes of the line through `points`. The pattern goes on around corners.
fn strokes(points: &[(i32, i32)], dashes: &[f64]) -> Vec<Vec<(i32, i32)>> {
    if dashes.is_empty() {
        return vec![points.to_vec()];
    }
    let whole = |(x, y): (f64, f64)| (x.round() as i32, y.round() as i32);
    let mut strokes = Vec::new();
    let mut stroke: Vec<(i32, i32)> = points.first().copied().into_iter().collect();
    let (mut part, mut left) = (0, dashes[0]);
    for pair in points.windows(2) {
        let [from, to] = [pair[0], pair[1]].map(|(x, y)| (f64::from(x), f64::from(y)));
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let share = done / length;
            let at = whole((from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1)));
            if part % 2 == 0 {
                stroke.push(at);
                strokes.push(std::mem::take(&mut stroke));
            } else {
                stroke = vec![at];
            }
            part += 1;
            left = dashes[part % dashes.len()];
        }
        left -= length - done;
        if part % 2 == 0 {
            stroke.push(pair[1]);
        }
    }
    if stroke.len() > 1 {
        strokes.push(stroke);
    }
    strokes
}

/// Draws the marker of `mark` at a pixel.
pub(super) fn marker<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    mark: Mark,
    (x, y): (i32, i32),
) -> Result<(), PlotError> {
    let (colour, r) = (mark.colour(), MARKER);
    let polygon = |corners: &[(i32, i32)]| {
        let corners: Vec<(i32, i32)> = corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
        area.draw(&Polygon::new(corners, colour.filled())).map_err(failed)
    };
    match mark.marker {
        Marker::Circle => area.draw(&Circle::new((x, y), r - 1, colour.filled())).map_err(failed),
        Marker::Square => polygon(&[(1 - r, 1 - r), (r - 1, 1 - r), (r - 1, r - 1), (1 - r, r - 1)]),
        Marker::Triangle => polygon(&[(0, -r - 2), (r + 1, r - 2), (-r - 1, r - 2)]),
        Marker::Diamond => polygon(&[(0, -r - 3), (r + 3, 0), (0, r + 3), (-r - 3, 0)]),
        Marker::Cross => {
            let style = colour.stroke_width(6);
            line(area, &[(x - r, y - r), (x + r, y + r)], &[], style)?;
            line(area, &[(x - r, y + r), (x + r, y - r)], &[], style)
        }
    }
}

/// Hatches the rectangle from `(left, top)` to `(right, bottom)` with `pattern`; a solid one is left as it is.
pub(super) fn hatch<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    pattern: Pattern,
    [(left, top), (right, bottom)]: [(i32, i32); 2],
    style: ShapeStyle,
) -> Result<(), PlotError> {
    let height = bottom - top;
    let (rising, falling) = match pattern {
        Pattern::Solid => (false, false),
        Pattern::Dashed => (true, false),
        Pattern::Dotted => (false, true),
        Pattern::DashDotted => (true, true),
    };
    let mut start = left - height + HATCH / 2;
    while start < right {
        let (from, to) = (start.max(left), (start + height).min(right));
        if from < to {
            // Along a rising line x - start is the height above the bottom.
            let [low, high] = [bottom - (from - start), bottom - (to - start)];
            if rising {
                line(area, &[(from, low), (to, high)], &[], style)?;
            }
            if falling {
                let mirrored = |y: i32| top + bottom - y;
                line(area, &[(from, mirrored(low)), (to, mirrored(high))], &[], style)?;
            }
        }
        start += HATCH;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::strokes;

    #[test]
    fn dashes_go_on_around_corners() {
        let corner = [(0, 0), (25, 0), (25, 25)];
        assert_eq!(strokes(&corner, &[]), [corner.to_vec()]);
        let dashed = strokes(&corner, &[10.0, 10.0]);
        assert_eq!(
            dashed,
            [vec![(0, 0), (10, 0)], vec![(20, 0), (25, 0), (25, 5)], vec![(25, 15), (25, 25)]]
        );
        assert_eq!(strokes(&[(0, 0), (100, 0)], &[20.0, 10.0, 5.0, 10.0]).len(), 5);
        assert!(strokes(&[(0, 0)], &[10.0, 10.0]).is_empty());
    }
}
