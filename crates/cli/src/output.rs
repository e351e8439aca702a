//! Printing: lines for a reader who may have gone, and lines of the terminal's width.

use std::io::{self, IsTerminal};

pub(crate) use softmoe_console::output::{error_line, line};

/// A line on standard output; on a terminal, words that do not fit its width go to lines below, indented by `indent`.
pub(crate) fn wrapped(indent: usize, text: &str) {
    let terminal = io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
    match terminal {
        Some((width, _)) => line(format_args!("{}", wrap(text, indent, usize::from(width.0)))),
        None => line(format_args!("{text}")),
    }
}

/// Whether standard error is a terminal that can move its cursor. Elsewhere progress is told in lines.
pub(crate) fn can_draw() -> bool {
    let can_move = std::env::var_os("TERM").is_some_and(|name| !name.is_empty() && name != "dumb");
    io::stderr().is_terminal() && (can_move || cfg!(windows))
}

/// `text` in lines of at most `width` characters where its words allow it, all but the first indented.
fn wrap(text: &str, indent: usize, width: usize) -> String {
    let indent = " ".repeat(indent);
    let options = textwrap::Options::new(width).subsequent_indent(&indent).break_words(false);
    textwrap::fill(text, options.word_splitter(textwrap::WordSplitter::NoHyphenation))
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
        assert_eq!(wrap("  arms  flat, expert-choice-4", 4, 12), "  arms\n    flat,\n    expert-choice-4");
    }
}
