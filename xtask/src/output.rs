//! Printing, to a reader who may have gone: `cargo xtask reproduce fig3 --dry-run | head -1`.
//!
//! A line that nobody reads any more is no reason to stop the runs, as `println!` would.

use std::borrow::Cow;
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

/// A line on standard output; on a terminal, words that do not fit its width go to lines below, indented by `indent`.
pub(crate) fn wrapped(indent: usize, text: &str) {
    let terminal = io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
    match terminal {
        Some((width, _)) => line(format_args!("{}", wrap(text, indent, usize::from(width.0)))),
        None => line(format_args!("{text}")),
    }
}

/// `word` as a shell reads it as one word.
pub(crate) fn quoted(word: &str) -> String {
    // Settings stay readable: an equals sign is quoted by none but the strictest.
    if !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "._-=,:/+@%".contains(c)) {
        return word.to_owned();
    }
    // Only a zero byte cannot be quoted, and no argument has one.
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), Cow::into_owned)
}

/// `text` in lines of at most `width` characters where its words allow it, all but the first indented.
fn wrap(text: &str, indent: usize, width: usize) -> String {
    let indent = " ".repeat(indent);
    let options = textwrap::Options::new(width).subsequent_indent(&indent).break_words(false);
    textwrap::fill(text, options.word_splitter(textwrap::WordSplitter::NoHyphenation))
}

#[cfg(test)]
mod tests {
    use super::{quoted, wrap};

    #[test]
    fn a_word_is_quoted_where_a_shell_would_split_or_expand_it() {
        assert_eq!(quoted("agent.n_step=5"), "agent.n_step=5");
        assert_eq!(quoted("mit Leerzeichen"), "'mit Leerzeichen'");
        assert_eq!(quoted("network.body.slots=fraction(0.1)"), "'network.body.slots=fraction(0.1)'");
    }

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
