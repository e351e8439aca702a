//! Numbers as the messages of every program write them.

/// A whole number with commas.
///
/// ```
/// use softmoe_config::words::thousands;
///
/// assert_eq!((thousands(999_u64), thousands(1_760_000_u64)), ("999".to_owned(), "1,760,000".to_owned()));
/// ```
pub fn thousands(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things whose plural ends in "s".
///
/// ```
/// use softmoe_config::words::count;
///
/// assert_eq!((count(1_usize, "run"), count(2_000_usize, "run")), ("1 run".to_owned(), "2,000 runs".to_owned()));
/// ```
pub fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}

/// Bytes in gigabytes, with two digits after the first that says something.
///
/// ```
/// use softmoe_config::words::gigabytes;
///
/// assert_eq!((gigabytes(2_214_000_000), gigabytes(40_400_000)), ("2.21 GB".to_owned(), "0.040 GB".to_owned()));
/// ```
pub fn gigabytes(bytes: u64) -> String {
    let gigabytes = bytes as f64 / 1e9;
    if gigabytes < 0.1 { format!("{gigabytes:.3} GB") } else { format!("{gigabytes:.2} GB") }
}
