//! The program that writes the page.

mod runs;

use assert_cmd::Command;
use runs::run;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A module without any function.
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

fn softmoe_demo(directory: &Path, arguments: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("softmoe-demo"));
    let output = command.current_dir(directory).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// A directory with a module, and the directory of a run.
fn workplace() -> (TempDir, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("program.wasm"), MODULE).unwrap();
    (directory, run("soft_moe(experts: 2)", "breakout"))
}

#[test]
fn a_page_holds_the_program_the_agents_and_nothing_from_elsewhere() {
    let (directory, run) = workplace();
    let path = run.path().to_str().unwrap();
    let arguments = ["page", "--program", "program.wasm", "--out", "new/index.html", path];
    let (succeeded, stdout, stderr) = softmoe_demo(directory.path(), &arguments);
    assert!(succeeded, "{stderr}");
    assert!(stdout.contains("with weights of 8 bits") && stdout.contains("new/index.html: 0."), "{stdout}");
    let page = fs::read_to_string(directory.path().join("new/index.html")).unwrap();
    assert!(!page.contains("{{"), "a placeholder is left");
    let without_names = page.replace("http://www.w3.org/2000/svg", "");
    for foreign in ["http://", "https://", "src=", "<link"] {
        assert!(!without_names.contains(foreign), "the page has {foreign}");
    }
    // The same every time.
    let (succeeded, ..) = softmoe_demo(directory.path(), &arguments);
    assert!(succeeded && page == fs::read_to_string(directory.path().join("new/index.html")).unwrap());

    // All bits: a larger page, and no second score.
    let of_all_bits = ["page", "--program", "program.wasm", "--out", "full.html", "--bits", "32", path];
    let (succeeded, stdout, stderr) = softmoe_demo(directory.path(), &of_all_bits);
    assert!(succeeded && !stdout.contains("with weights of 8 bits"), "{stdout}{stderr}");
    let length = |page: &str| fs::metadata(directory.path().join(page)).unwrap().len();
    assert!(length("full.html") > length("new/index.html"));

    let arguments = ["actions", "new/index.html", "--steps", "50"];
    let (succeeded, stdout, stderr) = softmoe_demo(directory.path(), &arguments);
    assert!(succeeded, "{stderr}");
    let played: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(played[0]["actions"].as_array().unwrap().len(), 50);
}

#[test]
fn bad_input_leaves_the_page_as_it_was() {
    let (directory, run) = workplace();
    let run = run.path().to_str().unwrap();
    fs::write(directory.path().join("index.html"), "before").unwrap();
    fs::write(directory.path().join("text.wasm"), "text").unwrap();
    fs::create_dir(directory.path().join("empty")).unwrap();
    // A score that cannot be read is not passed over.
    let damaged = self::run("flat()", "breakout");
    fs::write(damaged.path().join("done.ron"), "(").unwrap();
    let damaged = damaged.path().to_str().unwrap();
    let refused: [(&[&str], &str); 7] = [
        (&["page", "--program", "program.wasm", damaged], "done.ron"),
        (&["page", "--program", "text.wasm", run], "text.wasm is no WebAssembly module"),
        (&["page", "--program", "none.wasm", run], "cannot read the program none.wasm"),
        (&["page", "--program", "program.wasm", "empty"], "cannot pack empty: cannot read empty/run.ron"),
        (&["page", "--program", "program.wasm", run, run], "of another run that was named"),
        (&["page", "--program", "program.wasm"], "<RUN>"),
        (
            &["actions", "index.html"],
            "index.html is not a page of `cargo xtask demo`: it has no element `agents`",
        ),
    ];
    for (arguments, message) in refused {
        let (succeeded, stdout, stderr) = softmoe_demo(directory.path(), arguments);
        assert!(!succeeded && stderr.contains(message), "{arguments:?}: {stdout}{stderr}");
    }
    assert_eq!(fs::read_to_string(directory.path().join("index.html")).unwrap(), "before");
}
