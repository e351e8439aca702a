//! Printing, to a reader who may have gone: `cargo xtask reproduce fig3 --dry-run | head -1`.
//!
//! A line that nobody reads any more is no reason to stop the runs, as `println!` would.

use std::fmt::Arguments;
use std::io::{self, IsTerminal, Write};

/// A line on standard output.
pub(crate) fn line(text: Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// A line on standard error.
pub(crate) fn error_line(text: Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// A line on standard output; on a terminal, what does not fit its width is indented by `indent` in lines below.
pub(crate) fn wrapped(indent: usize, text: &str) {
    let width = if io::stdout().is_terminal() {
        terminal_size::terminal_size().map_or(usize::MAX, |(width, _)| usize::from(width.0))
    } else {
        usize::MAX
    };
    line(format_args!("{}", wrap(text, indent, width)));
}

/// `text` in lines of at most `width` characters where its words allow it, all but the first indented.
fn wrap(text: &str, indent: usize, width: usize) -> String {
    let mut lines = String::new();
    let mut length = 0;
    // Several spaces, as before a column, stay: they make empty words.
    for (index, word) in text.split(' ').enumerate() {
        let letters = word.chars().count();
        if index > 0 && length > indent && length + 1 + letters > width {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            length = indent;
        } else if index > 0 {
            lines.push(' ');
            length += 1;
        }
        lines.push_str(word);
        length += letters;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn words_go_to_the_next_line_where_they_do_not_fit() {
        let text = "  arms  random, flat, softmoe-4";
        assert_eq!(wrap(text, 8, 100), text);
        assert_eq!(wrap(text, 8, 21), "  arms  random, flat,\n        softmoe-4");
        assert_eq!(wrap(text, 8, 20), "  arms  random,\n        flat,\n        softmoe-4");
        // A word that is wider than the terminal is not broken.
        assert_eq!(wrap(text, 8, 3), "  arms  random,\n        flat,\n        softmoe-4");
    }
}
