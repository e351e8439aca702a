//! Numbers as every program writes and reads them.

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

/// A share of the score of the arm labelled `unit`, or of a unit that is 1.
///
/// ```
/// use softmoe_config::words::share;
///
/// assert_eq!((share(0.2, None), share(0.125, Some("flat"))), ("0.2".to_owned(), "12.5% of flat's score".to_owned()));
/// ```
pub fn share(share: f64, unit: Option<&str>) -> String {
    match unit {
        None => share.to_string(),
        // To a tenth of a percent: 0.1 x 100 is not quite 10.
        Some(unit) => format!("{}% of {unit}'s score", (1000.0 * share).round() / 10.0),
    }
}

/// A whole number as a person types it: `40000`, `40_000`, `1e6`, `100k`, `2.5M`, `1G`. None for other text, for a fraction and for a number
/// that is too large.
///
/// ```
/// use softmoe_config::words::whole_number;
///
/// assert_eq!([whole_number("1e6"), whole_number("100k"), whole_number("2.5M")], [Some(1_000_000), Some(100_000), Some(2_500_000)]);
/// assert_eq!([whole_number("1.5"), whole_number("-1"), whole_number("")], [None; 3]);
/// ```
pub fn whole_number(text: &str) -> Option<u64> {
    let text = text.trim().replace('_', "");
    let letter = |letters: &[char], zeros: i32| text.strip_suffix(letters).map(|number| (number, zeros));
    let (number, zeros) = letter(&['k', 'K'], 3)
        .or_else(|| letter(&['M'], 6))
        .or_else(|| letter(&['G'], 9))
        .or_else(|| {
            let (number, exponent) = text.split_once(['e', 'E'])?;
            Some((number, exponent.parse().ok()?))
        })
        .unwrap_or((text.as_str(), 0));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    let zeros = u32::try_from(zeros.checked_sub(i32::try_from(fraction.len()).ok()?)?).ok()?;
    // `parse` takes a sign.
    let is_digits = digits.chars().all(|c| c.is_ascii_digit());
    digits.parse::<u64>().ok().filter(|_| is_digits)?.checked_mul(10_u64.checked_pow(zeros)?)
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
