//! Lines of a terminal that fit its width: short names, narrow bars, sparklines.

use crate::time::time;
use softmoe_config::Phase;
use std::time::Duration;

/// Characters of bars and sparklines: blocks where the terminal has them, ASCII elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Glyphs {
    /// Whether the terminal shows Unicode.
    unicode: bool,
}

impl Glyphs {
    /// Blocks.
    pub(crate) const UNICODE: Glyphs = Glyphs { unicode: true };
    /// Characters of every terminal.
    pub(crate) const ASCII: Glyphs = Glyphs { unicode: false };

    /// The characters that `stream` can show, by the locale and the kind of terminal.
    pub(crate) fn of(stream: supports_unicode::Stream) -> Self {
        if supports_unicode::on(stream) { Glyphs::UNICODE } else { Glyphs::ASCII }
    }

    /// A bar of `width` characters, filled up to `share` of 1.
    pub(crate) fn bar(self, share: f64, width: usize) -> String {
        let (full, empty) = if self.unicode { ("█", "░") } else { ("#", ".") };
        let filled = ((share.clamp(0.0, 1.0) * width as f64).floor() as usize).min(width);
        full.repeat(filled) + &empty.repeat(width - filled)
    }

    /// The values as heights between the least and the greatest of them, at most `width`: means of neighbours where there are more.
    pub(crate) fn sparkline(self, values: &[f64], width: usize) -> String {
        let levels: &[char] = match self.unicode {
            true => &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            false => &['_', '.', '-', '=', '+', '*', '#', '@'],
        };
        let values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        let points = values.len().min(width);
        let mean = |point: usize| {
            let part = &values[point * values.len() / points..(point + 1) * values.len() / points];
            part.iter().sum::<f64>() / part.len() as f64
        };
        let means: Vec<f64> = (0..points).map(mean).collect();
        let least = means.iter().copied().fold(f64::INFINITY, f64::min);
        let most = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let level = |mean: &f64| {
            let height = if most > least { (mean - least) / (most - least) } else { 0.5 };
            levels[(height * (levels.len() - 1) as f64).round() as usize]
        };
        means.iter().map(level).collect()
    }

    /// `text`, or its beginning and a mark where it is longer than `width` characters.
    pub(crate) fn cut(self, text: &str, width: usize) -> String {
        if text.chars().count() <= width {
            return text.to_owned();
        }
        let mark = if self.unicode { "…" } else { "~" };
        text.chars().take(width.saturating_sub(1)).chain(mark.chars().take(width)).collect()
    }
}

/// State of a run in its line.
#[derive(Clone, Debug)]
pub(crate) struct RunLine<'a> {
    pub(crate) arm: &'a str,
    pub(crate) game: &'a str,
    pub(crate) seed: u64,
    /// What is done of the run, up to 1.
    pub(crate) share: f64,
    /// Agent steps a second.
    pub(crate) speed: Option<f64>,
    /// The phase; in another one than training it stands in the place of the speed.
    pub(crate) phase: Phase,
    /// Mean returns of the evaluations so far.
    pub(crate) returns: &'a [f64],
}

/// Characters of a run's bar, of a speed, of a return, of a sparkline.
const BAR: usize = 8;
const SPEED: usize = 6;
const RETURN: usize = 7;
const SPARKLINE: usize = 8;
/// Fewest characters of a name.
const NAME: usize = 12;

impl RunLine<'_> {
    /// A line of at most `width` characters. On a narrow terminal the sparkline is left out first, then the return.
    pub(crate) fn render(&self, glyphs: Glyphs, width: usize) -> String {
        let always = 1 + BAR + 1 + 4 + 1 + SPEED;
        let with_return = width >= NAME + always + 1 + RETURN;
        let with_sparkline = width >= NAME + always + 1 + RETURN + 1 + SPARKLINE;
        let mut rest = width.saturating_sub(always);
        rest -= if with_return { 1 + RETURN } else { 0 };
        rest -= if with_sparkline { 1 + SPARKLINE } else { 0 };
        let name = self.name(glyphs, rest);
        let speed = match (self.phase, self.speed) {
            (Phase::Evaluate, _) => "eval".to_owned(),
            (Phase::Checkpoint, _) => "save".to_owned(),
            (Phase::Train, Some(speed)) if speed > 0.0 => format!("{}/s", short(speed)),
            (Phase::Train, _) => String::new(),
        };
        let percent = (self.share.clamp(0.0, 1.0) * 100.0).floor();
        let mut line = format!("{name:<rest$} {} {percent:>3}% {speed:>SPEED$}", glyphs.bar(self.share, BAR));
        if with_return {
            let latest = self.returns.last().map(|value| decimal(*value)).unwrap_or_default();
            line += &format!(" {latest:>RETURN$}");
        }
        if with_sparkline {
            line += &format!(" {}", glyphs.sparkline(self.returns, SPARKLINE));
        }
        glyphs.cut(line.trim_end(), width)
    }

    /// Arm, game and seed in `width` characters: a long game is cut first, then the arm.
    fn name(&self, glyphs: Glyphs, width: usize) -> String {
        let RunLine { arm, game, seed, .. } = *self;
        let seed = seed.to_string();
        let others = arm.chars().count() + seed.len() + 2;
        let game = glyphs.cut(game, width.saturating_sub(others).max(5));
        let arm = glyphs.cut(arm, width.saturating_sub(game.chars().count() + seed.len() + 2));
        glyphs.cut(&format!("{arm} {game} {seed}"), width)
    }
}

/// The line of all runs, at most `width` characters: the time that is left is never cut off before the bar is.
pub(crate) fn overall(
    glyphs: Glyphs,
    width: usize,
    share: f64,
    (ended, runs): (usize, usize),
    elapsed: Duration,
    time_left: Option<&str>,
) -> String {
    let left = time_left.map_or("time left unknown".into(), |time| format!("about {time} left"));
    let percent = (share.clamp(0.0, 1.0) * 100.0).floor();
    let elapsed = time(elapsed.as_secs_f64());
    let words = format!("{percent:>3}%  {left}  {ended} of {runs} runs  {elapsed}");
    let bar = width.saturating_sub(words.chars().count() + 1).min(24);
    let line = if bar >= 4 { format!("{} {words}", glyphs.bar(share, bar)) } else { words };
    glyphs.cut(&line, width)
}

/// A count in at most four characters, e.g. `950`, `6.9k`, `12k`, `1.2M`.
pub(crate) fn short(number: f64) -> String {
    let units = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    // 999.6 is 1.0k: the unit is chosen after rounding.
    match units.iter().find(|(size, _)| number >= size * 0.9995) {
        Some((size, unit)) if number / size < 9.95 => format!("{:.1}{unit}", number / size),
        Some((size, unit)) => format!("{:.0}{unit}", number / size),
        None => format!("{number:.0}"),
    }
}

/// A return in at most seven characters, if it is not enormous.
fn decimal(value: f64) -> String {
    match value.abs() {
        size if size < 999.995 => format!("{value:.2}"),
        size if size < 99_999.5 => format!("{value:.0}"),
        _ => format!("{}{}", if value < 0.0 { "-" } else { "" }, short(value.abs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: RunLine<'static> = RunLine {
        arm: "expert-choice-4-p-equals-m",
        game: "space_invaders",
        seed: 12,
        share: 0.456,
        speed: Some(6_885.0),
        phase: Phase::Train,
        returns: &[3.0, 12.5, 24.17],
    };

    #[test]
    fn a_runs_line_fits_and_says_everything_on_80_columns() {
        for glyphs in [Glyphs::UNICODE, Glyphs::ASCII] {
            let line = LONG.render(glyphs, 79);
            assert!(line.chars().count() <= 79, "{line}");
            for part in ["expert-choice-4-p-equals-m space_inv", " 12 ", " 45%", "6.9k/s", "24.17"] {
                assert!(line.contains(part), "`{part}` is not in {line}");
            }
        }
        assert_eq!(
            RunLine { arm: "flat", game: "breakout", seed: 0, ..LONG }.render(Glyphs::UNICODE, 79),
            "flat breakout 0                           ███░░░░░  45% 6.9k/s   24.17 ▁▄█"
        );
        assert!(LONG.render(Glyphs::ASCII, 79).is_ascii());
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let extremes = RunLine { returns: &[-1e300, 1e12], speed: Some(9.99e8), share: 7.0, ..LONG };
        let hours = Duration::from_secs(123_456_789);
        for width in 1..200 {
            for glyphs in [Glyphs::UNICODE, Glyphs::ASCII] {
                for line in [LONG.render(glyphs, width), extremes.render(glyphs, width)] {
                    assert!(line.chars().count() <= width, "{width}: {line}");
                }
                let line = overall(glyphs, width, 0.5, (9_999, 10_000), hours, Some("1000 d 23 h"));
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn the_time_that_is_left_is_seen_on_80_columns() {
        let line = overall(Glyphs::ASCII, 79, 0.5, (27, 60), Duration::from_secs(725), Some("14 min 10 s"));
        let expected = "###########............  50%  about 14 min 10 s left  27 of 60 runs  12 min 5 s";
        assert_eq!(line, expected);
        let hours = Duration::from_secs(500_000);
        let line = overall(Glyphs::UNICODE, 79, 0.5, (9_999, 10_000), hours, Some("100 d 23 h"));
        assert!(line.contains("about 100 d 23 h left  9999 of 10000 runs  5 d 18 h"), "{line}");
    }

    #[test]
    fn a_sparkline_shows_the_course_of_its_values() {
        let rising: Vec<f64> = (0..8).map(f64::from).collect();
        assert_eq!(Glyphs::UNICODE.sparkline(&rising, 8), "▁▂▃▄▅▆▇█");
        assert_eq!(Glyphs::ASCII.sparkline(&rising, 8), "_.-=+*#@");
        // Twice as many are averaged in pairs; one that is not a number is left out.
        let twice: Vec<f64> = (0..16).map(|i| f64::from(i / 2)).chain([f64::NAN]).collect();
        assert_eq!(Glyphs::UNICODE.sparkline(&twice, 8), "▁▂▃▄▅▆▇█");
        assert_eq!(Glyphs::UNICODE.sparkline(&[2.0; 3], 8), "▅▅▅");
        assert_eq!(Glyphs::UNICODE.sparkline(&[], 8), "");
    }

    #[test]
    fn counts_are_short() {
        for (number, text) in [
            (0.4, "0"),
            (950.0, "950"),
            (999.6, "1.0k"),
            (6_885.0, "6.9k"),
            (9_960.0, "10k"),
            (1.25e6, "1.2M"),
        ] {
            assert_eq!(short(number), text);
        }
        assert_eq!(decimal(-3.456), "-3.46");
        assert_eq!(decimal(12_345.6), "12346");
        assert_eq!(decimal(-2_500_000.0), "-2.5M");
    }
}
