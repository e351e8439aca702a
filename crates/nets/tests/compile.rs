//! Networks that fit compile; those that do not are refused, with a message that names the size expected.

#[rustversion::attr(not(stable(1.95)), ignore = "the messages are those of Rust 1.95")]
#[test]
fn networks_that_do_not_fit_are_refused() {
    let cases = trybuild::TestCases::new();
    // A case that passes makes trybuild build instead of check: sizes that one layer computes from another's are
    // compared only then.
    cases.pass("tests/compile/pass/*.rs");
    cases.compile_fail("tests/compile/fail/*.rs");
}
