//! Networks whose sizes fit compile. The compiler refuses all others, with a message that names the size expected.

use std::path::Path;
use std::process::Command;

/// Whether this compiler writes the messages of the files `tests/compile/fail/*.stderr`.
#[rustversion::stable(1.95)]
const COMPARES_MESSAGES: bool = true;
/// Whether this compiler writes the messages of the files `tests/compile/fail/*.stderr`.
#[rustversion::not(stable(1.95))]
const COMPARES_MESSAGES: bool = false;

/// The environment variable that names a directory of failing cases without messages.
const COPIES: &str = "SOFTMOE_COMPILE_FAIL_COPIES";

#[test]
fn networks_that_do_not_fit_are_refused() {
    if COMPARES_MESSAGES {
        check("tests/compile/fail");
    } else if let Ok(copies) = std::env::var(COPIES) {
        check(&copies);
    } else {
        fail_to_compile(Path::new("tests/compile/fail"));
    }
}

/// Cases that must compile, and the failing cases of a directory.
fn check(fail: &str) {
    let cases = trybuild::TestCases::new();
    // A passing case makes trybuild build where it would only check: the compiler compares sizes that one layer
    // computes from another's when it builds.
    cases.pass("tests/compile/pass/*.rs");
    cases.compile_fail(format!("{fail}/*.rs"));
}

/// Checks that every case fails to compile, with any message: this process again, on copies of the cases that trybuild
/// may write messages beside.
fn fail_to_compile(cases: &Path) {
    let copies = tempfile::tempdir().unwrap();
    let mut copied = 0;
    for case in std::fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()) {
        if case.extension().is_some_and(|extension| extension == "rs") {
            std::fs::copy(&case, copies.path().join(case.file_name().unwrap())).unwrap();
            copied += 1;
        }
    }
    assert!(copied > 0, "{} has no cases", cases.display());
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "--nocapture", "networks_that_do_not_fit_are_refused"]);
    again.env("TRYBUILD", "overwrite").env(COPIES, copies.path());
    assert!(again.status().unwrap().success(), "a case compiles, or a network that fits does not");
}
