//! Numbers for pictures on the page, with fewer points and digits than in the files.

/// Digits of a number that is only drawn.
const DIGITS: usize = 5;

/// `value` with five significant digits. A whole number, such as a number of agent steps, stays as it is.
pub(super) fn rounded(value: f64) -> f64 {
    if value.fract() == 0.0 {
        return value;
    }
    format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(value)
}

/// Positions of at most `most` of `length` points, equally spaced, the first and the last among them.
pub(super) fn thin(length: usize, most: usize) -> Vec<usize> {
    let most = most.max(2);
    if length <= most {
        return (0..length).collect();
    }
    (0..most).map(|k| k * (length - 1) / (most - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_five_digits() {
        assert_eq!(
            [1.234_567_8, -0.000_123_456_78, 123_456.0].map(rounded),
            [1.2346, -0.000_123_46, 123_456.0]
        );
        assert_eq!(rounded(0.0), 0.0);
    }

    #[test]
    fn a_long_line_keeps_its_ends() {
        assert_eq!(thin(3, 5), [0, 1, 2]);
        assert_eq!(thin(100, 5), [0, 24, 49, 74, 99]);
        assert!(thin(0, 5).is_empty());
    }
}
