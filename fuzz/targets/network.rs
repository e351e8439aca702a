//! A network's text, as `softmoe-run describe -` reads it: a network that is read survives writing and reading, and is
//! described or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use softmoe::description::Description;
use softmoe_config::Architecture;

fuzz_target!(|text: &str| {
    let Ok(architecture) = text.trim().parse::<Architecture>() else { return };
    let again = architecture.to_string().parse::<Architecture>().expect("what was written is read");
    // NaN is not equal to itself.
    assert_eq!(format!("{again:?}"), format!("{architecture:?}"));
    if let Ok(description) = Description::of(&architecture) {
        let _ = (description.table(100), serde_json::to_string(&description).expect("numbers and names"));
    }
});
