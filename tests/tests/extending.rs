//! `docs/extending.md` shows what is compiled and run: every block is in the file that is named above it.

use std::fs;
use std::path::Path;

/// The blocks of Rust in the document, each with the path above it.
fn blocks(document: &str) -> Vec<(&str, &str)> {
    let mut blocks = Vec::new();
    let mut rest = document;
    while let Some((before, after)) = rest.split_once("```rust\n") {
        let path = before.trim_end().rsplit('\n').next().unwrap_or_default().trim_matches('`');
        let (block, after) = after.split_once("```").expect("a block that ends");
        blocks.push((path, block));
        rest = after;
    }
    blocks
}

#[test]
fn the_blocks_of_the_document_are_the_files_that_are_built() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let document = fs::read_to_string(root.join("docs/extending.md")).unwrap();
    let blocks = blocks(&document);
    assert_eq!(blocks.len(), 5);
    let mut lines = 0;
    for (path, block) in blocks {
        let file = fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let is_whole = path.ends_with("attention.rs");
        assert!(if is_whole { file == block } else { file.contains(block) }, "{path} has not:\n{block}");
        let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
        lines += block.lines().filter(is_code).count();
    }
    assert!(lines < 60, "{lines} lines of code");
}
