//! Games of the Atari 2600. Without the feature `atari`, or where emulator and ROMs are not set up, these tests say so and pass; they fail
//! instead once `SOFTMOE_REQUIRE_ATARI` is 1.

#[cfg(feature = "atari")]
mod parity;
#[cfg(feature = "atari")]
mod play;
#[cfg(feature = "atari")]
mod restore;
#[cfg(feature = "atari")]
mod robust;

use std::io::Write;

/// Says that a test is skipped, past the capture of output, or fails where it must run.
fn skip(test: &str, reason: &str) {
    assert!(std::env::var_os("SOFTMOE_REQUIRE_ATARI").is_none_or(|value| value != "1"), "{test}: {reason}");
    let _ = writeln!(std::io::stderr(), "{test}: SKIPPED, {reason}");
}

/// Whether the emulator's files are there; otherwise says that `test` is skipped.
#[cfg(feature = "atari")]
fn is_set_up(test: &str) -> bool {
    let found = softmoe_env::atari::Files::find();
    if let Err(error) = &found {
        skip(test, &error.to_string());
    }
    found.is_ok()
}

#[cfg(not(feature = "atari"))]
#[test]
fn parity_of_atari_needs_the_feature() {
    skip("the tests of Atari", "this build lacks the feature `atari` of softmoe-env");
}
