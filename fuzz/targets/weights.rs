//! `weights.safetensors`: a file that is read names a network that can be described; others are refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use softmoe_nets::weights::WeightsFile;
use softmoe_config::Architecture;

fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = WeightsFile::read(bytes) else { return };
    if let Ok(architecture) = file.architecture().parse::<Architecture>() {
        let _ = architecture.validate();
        let _ = softmoe::description::Description::of(&architecture);
    }
});
