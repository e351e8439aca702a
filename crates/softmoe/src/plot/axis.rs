//! Ranges and tick labels of axes.

use plotters::coord::ranged1d::Ranged;
use plotters::coord::types::RangedCoordf64;
use std::ops::Range;

/// A range of an axis with its ticks, each with a label of its own.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    /// The range; never empty.
    pub(super) range: Range<f64>,
    /// Largest number of ticks: more than asked for where that would be a single one.
    pub(super) most: usize,
    /// Decimals that tell neighbouring ticks apart.
    decimals: usize,
}

/// Smallest width of a range, and the same relative to its values: narrower ones have no room for ticks between
/// adjacent numbers.
const NARROWEST: f64 = 1e-12;
const NARROWEST_SHARE: f64 = 1e-9;
/// From here on, numbers are written with an exponent.
const MOST_DECIMALS: usize = 6;

impl Axis {
    /// An axis over `range` with at most `most` ticks. A range of one value begins or ends at 0; one that is too narrow is made wider.
    pub(super) fn new(range: Range<f64>, most: usize) -> Self {
        let finite = |value: f64| if value.is_finite() { value } else { 0.0 };
        let (low, high) = (finite(range.start.min(range.end)), finite(range.end.max(range.start)));
        let narrowest = NARROWEST.max(NARROWEST_SHARE * low.abs().max(high.abs()));
        let range = match high - low {
            0.0 if low == 0.0 => 0.0..1.0,
            0.0 => low.min(0.0)..high.max(0.0),
            width if width <= narrowest => low - narrowest..high + narrowest,
            _ => low..high,
        };
        // A range that is little wider than a step may have a single tick. More of them have smaller steps.
        let at_most = |most: usize| RangedCoordf64::from(range.clone()).key_points(most);
        let most = (most..=4 * most).find(|&most| at_most(most).len() >= 2).unwrap_or(most);
        let ticks = at_most(most);
        let step = match ticks.as_slice() {
            [first, second, ..] => second - first,
            _ => range.end - range.start,
        };
        // The steps are 1, 2 or 5 times a power of ten.
        let decimals = (-(step * 1.001).log10()).ceil().max(0.0) as usize;
        Axis { range, most, decimals }
    }

    /// The values of the ticks.
    pub(super) fn ticks(&self) -> Vec<f64> {
        RangedCoordf64::from(self.range.clone()).key_points(self.most)
    }

    /// Decimals of numbers that are compared along the axis, at least two.
    pub(super) fn precision(&self) -> usize {
        self.decimals.clamp(2, MOST_DECIMALS)
    }

    /// The label of a tick: `0.25`, `500`, `20k`, `1.5M`, `2e-7`.
    pub(super) fn label(&self, value: f64) -> String {
        let largest = self.range.start.abs().max(self.range.end.abs());
        let (divisor, unit): (f64, &str) = match value.abs() {
            size if size >= 1e6 => (1e6, "M"),
            size if size >= 1e4 || (size >= 1e3 && largest >= 1e4) => (1e3, "k"),
            _ => (1.0, ""),
        };
        if self.decimals > MOST_DECIMALS && largest < 1e-3 {
            // A rest of the sum of steps is no number of its own.
            let step = 10_f64.powi(-(self.decimals as i32));
            return if value.abs() < step / 2.0 { "0".to_owned() } else { trimmed_exponent(value) };
        }
        let decimals = self.decimals + divisor.log10() as usize;
        let text = format!("{:.decimals$}", value / divisor);
        let text = match text.contains('.') {
            // Labels without a unit all have the same decimals.
            true if !unit.is_empty() => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            _ => text,
        };
        let zero = text.chars().all(|character| matches!(character, '-' | '0' | '.'));
        format!("{}{unit}", if zero { text.trim_start_matches('-') } else { &text })
    }
}

/// `2e-7`, `2.5e-7`.
fn trimmed_exponent(value: f64) -> String {
    let text = format!("{value:.3e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(range: Range<f64>) -> Vec<String> {
        let axis = Axis::new(range, 6);
        axis.ticks().into_iter().map(|tick| axis.label(tick)).collect()
    }

    #[test]
    fn labels_have_the_decimals_that_they_need() {
        assert_eq!(labels(0.0..1.2), ["0.0", "0.5", "1.0"]);
        assert_eq!(labels(0.0..0.9), ["0.0", "0.2", "0.4", "0.6", "0.8"]);
        assert_eq!(labels(0.0..0.035), ["0.00", "0.01", "0.02", "0.03"]);
        assert_eq!(labels(0.0..35_000.0), ["0", "10k", "20k", "30k"]);
        assert_eq!(labels(0.0..2_100_000.0), ["0", "500k", "1M", "1.5M", "2M"]);
        assert_eq!(labels(0.0..600.0), ["0", "200", "400", "600"]);
        assert_eq!(labels(0.5..0.5), ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
    }

    proptest! {
        /// However narrow the range: at least two ticks, and no two labels alike.
        #[test]
        fn ticks_are_distinct(low in -1e7..1e7_f64, exponent in -12..8_i32, mantissa in 1.0..10.0_f64) {
            let labels = labels(low..low + mantissa * 10_f64.powi(exponent));
            prop_assert!(labels.len() >= 2, "{labels:?}");
            for pair in labels.windows(2) {
                prop_assert_ne!(&pair[0], &pair[1]);
            }
        }

        #[test]
        fn ticks_near_zero_are_distinct(exponent in -11..300_i32, mantissa in 1.0..10.0_f64) {
            let labels = labels(0.0..mantissa * 10_f64.powi(exponent));
            prop_assert!(labels.len() >= 2, "{labels:?}");
            for pair in labels.windows(2) {
                prop_assert_ne!(&pair[0], &pair[1]);
            }
        }
    }

    #[test]
    fn a_range_little_wider_than_a_step_has_two_ticks() {
        let low = -9_696_613.246_404_262;
        assert!(labels(low..low + 0.146_233_646_847_651_65).len() >= 2);
    }

    #[test]
    fn an_empty_range_is_made_wider() {
        for value in [0.0, 1.0, -3.5, 1e12] {
            let Range { start, end } = Axis::new(value..value, 6).range;
            assert!(start < end && start <= value && value <= end);
        }
        assert_eq!(Axis::new(f64::NAN..f64::INFINITY, 6).range, 0.0..1.0);
    }
}
