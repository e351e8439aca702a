//! The power of a comparison: how often it can be decided, before any run.

use crate::Uncertainty;
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};

/// Points of the integral over the estimated standard error; the error of a power is then about 0.001.
const POINTS: usize = 100;

impl Uncertainty {
    /// The probability that the interval at the level `confidence` lies within `range` (as
    /// [`Contrast::lies_within`](crate::Contrast::lies_within)) where the true value is `truth`, for normal samples whose true
    /// standard error is this one.
    ///
    /// A difference of two methods on two tasks with three runs each, whose scores have a standard deviation of 0.15:
    ///
    /// ```
    /// use softmoe_statistics::Uncertainty;
    ///
    /// let planned = Uncertainty::planned(&[1.0, -1.0], 2, 3, 0.15).expect("three runs");
    /// let power = planned.power((0.0, f64::INFINITY), 0.2, 0.95);
    /// assert_eq!(format!("{power:.2}"), "0.53");
    /// ```
    pub fn power(&self, range: (f64, f64), truth: f64, confidence: f64) -> f64 {
        let normal = Normal::standard();
        // The estimate must lie at least `half` within the range.
        let given = |half: f64| {
            let cdf = |at: f64| match at - truth {
                distance if self.standard_error > 0.0 => normal.cdf(distance / self.standard_error),
                distance => f64::from(u8::from(distance >= 0.0)),
            };
            (cdf(range.1 - half) - cdf(range.0 + half)).max(0.0)
        };
        let half = self.half_width(confidence);
        match ChiSquared::new(self.degrees_of_freedom) {
            Ok(chi) if self.degrees_of_freedom.is_finite() => {
                let estimated = (0..POINTS).map(|k| {
                    let quantile = chi.inverse_cdf((k as f64 + 0.5) / POINTS as f64);
                    given(half * (quantile / self.degrees_of_freedom).sqrt())
                });
                estimated.sum::<f64>() / POINTS as f64
            }
            _ => given(half),
        }
    }
}

/// A power with the difference that it assumes, in words; `None` for no difference.
///
/// ```
/// use softmoe_statistics::power_in_words;
///
/// assert_eq!(power_in_words(0.548, Some("0.2")), "55% if the difference is 0.2");
/// assert_eq!(power_in_words(0.001, None), "<1% if there is no difference");
/// ```
pub fn power_in_words(power: f64, truth: Option<&str>) -> String {
    let percent = match (100.0 * power).round() {
        100.0 => ">99%".to_owned(),
        0.0 => "<1%".to_owned(),
        percent => format!("{percent}%"),
    };
    match truth {
        None => format!("{percent} if there is no difference"),
        Some(truth) => format!("{percent} if the difference is {truth}"),
    }
}
