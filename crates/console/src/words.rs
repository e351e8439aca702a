//! Arguments in a form that a shell reads as they were.

use std::borrow::Cow;
use std::ffi::OsStr;

/// A command line of these words, e.g. one that a message tells to type.
///
/// ```
/// use softmoe_console::words::command_line;
///
/// let words = ["cargo", "xtask", "reproduce", "fig3", "--out", "my runs"];
/// assert_eq!(command_line(words), "cargo xtask reproduce fig3 --out 'my runs'");
/// ```
pub fn command_line(words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
    words.into_iter().map(|word| quoted(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// `word` as a shell reads it as one word.
///
/// ```
/// use softmoe_console::words::quoted;
///
/// assert_eq!(quoted("agent.n_step=5"), "agent.n_step=5");
/// assert_eq!(quoted("network.body.slots=fraction(0.1)"), "'network.body.slots=fraction(0.1)'");
/// ```
pub fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    let Some(text) = word.to_str() else { return with_escapes(word.as_encoded_bytes()) };
    // Settings stay readable: an equals sign is quoted by none but the strictest.
    let is_plain = |c: char| c.is_alphanumeric() || "._-=,:/+@%".contains(c);
    // A shell expands an equals sign (zsh) in front of a word.
    if !text.is_empty() && !text.starts_with('=') && text.chars().all(is_plain) {
        return text.to_owned();
    }
    if text.chars().any(char::is_control) {
        return with_escapes(text.as_bytes());
    }
    // Only a zero byte cannot be quoted, and no argument has one.
    shlex::try_quote(text).map_or_else(|_| text.to_owned(), Cow::into_owned)
}

/// Bytes that are not UTF-8 or that a terminal would not print, in the quotes of bash, zsh, ksh and POSIX.1-2024: `$'\377'`.
fn with_escapes(bytes: &[u8]) -> String {
    let escaped = |byte: &u8| match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        byte => format!("\\{byte:03o}"),
    };
    format!("$'{}'", bytes.iter().map(escaped).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_split_or_expand_it() {
        assert_eq!(quoted("agent.n_step=5"), "agent.n_step=5");
        assert_eq!(quoted("mit Leerzeichen"), "'mit Leerzeichen'");
        assert_eq!(quoted("=ls"), "'=ls'");
        assert_eq!(quoted(""), "''");
    }

    /// Read by a shell, each word is what it was.
    #[cfg(unix)]
    #[test]
    fn a_shell_reads_the_words_back() {
        use std::os::unix::ffi::OsStrExt;
        let words: [&[u8]; 8] = [
            b"plain",
            b"two words",
            b"it's",
            b"network.body=soft_moe(experts: 4)",
            b"~/$HOME/`x`*!\"",
            b"a\nb\x1b",
            b"not utf-8 \xff\x80'\\1",
            "größe=ñ".as_bytes(),
        ];
        let line = command_line(words.map(OsStr::from_bytes));
        let script = format!("printf '%s\\0' {line}");
        let output = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
        let read: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
        assert_eq!(&read[..words.len()], words, "{line}");
    }
}
