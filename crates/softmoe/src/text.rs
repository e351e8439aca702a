//! Tables and paragraphs of a width.

use comfy_table::{ContentArrangement, Table, presets};

/// Columns of text where there is no terminal.
const COLUMNS: u16 = 100;

/// Columns of the terminal on standard output, or 100 without one.
pub fn columns() -> u16 {
    Table::new().width().unwrap_or(COLUMNS)
}

/// An empty table of at most `columns` characters.
pub(crate) fn table(columns: u16) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(columns);
    table
}

/// `text` in lines of at most `columns` characters, where its words allow it.
pub(crate) fn wrapped(text: &str, columns: u16) -> String {
    let options = textwrap::Options::new(usize::from(columns)).break_words(false);
    textwrap::fill(text, options.word_splitter(textwrap::WordSplitter::NoHyphenation))
}
