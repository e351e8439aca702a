//! Times in words.

/// A time in the two units that matter, e.g. `12 min 5 s`.
pub(crate) fn time(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, hours, _, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_the_two_units_that_matter() {
        assert_eq!(time(0.2), "0 s");
        assert_eq!(time(59.6), "1 min 0 s");
        assert_eq!(time(3725.0), "1 h 2 min");
        assert_eq!(time(200_000.0), "2 d 7 h");
    }
}
