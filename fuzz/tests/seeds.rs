//! The seeds of the corpora are files of the present formats: inputs that reach what is behind header and checksum.

#[path = "../targets/common.rs"]
mod common;

use common::{checkpoint_of, rows_of, try_input};
use std::fs;
use std::path::{Path, PathBuf};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

#[test]
fn every_seed_of_a_checkpoint_is_restored() {
    for name in ["file", "stream", "body", "body-compressed"] {
        let input = fs::read(corpus("checkpoint").join(name)).unwrap();
        assert!(try_input(&input, checkpoint_of), "{name}: cargo run --release --example seeds");
    }
    for name in ["file", "file-with-checksum", "body"] {
        let input = fs::read(corpus("rows").join(name)).unwrap();
        assert!(try_input(&input, rows_of), "{name}: cargo run --release --example seeds");
    }
}

/// How many inputs of a directory of them are restored, to be told of what a run has collected: the variable
/// `SOFTMOE_CORPUS` names the directory that has a directory of each target.
#[test]
#[ignore = "to be asked of a collected corpus"]
fn inputs_that_are_restored() {
    let root = std::env::var_os("SOFTMOE_CORPUS").map_or_else(|| corpus(""), PathBuf::from);
    for (target, files) in [("checkpoint", checkpoint_of as fn(&[u8]) -> _), ("rows", rows_of)] {
        let inputs: Vec<Vec<u8>> = fs::read_dir(root.join(target))
            .unwrap()
            .map(|entry| fs::read(entry.unwrap().path()).unwrap())
            .collect();
        let restored = inputs.iter().filter(|input| try_input(input, files)).count();
        println!("{target}: {restored} of {} inputs are restored", inputs.len());
    }
}
