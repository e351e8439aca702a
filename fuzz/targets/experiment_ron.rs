//! `experiments/*.ron`: a valid experiment resolves into runs, or is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use softmoe_config::{Experiment, file};
use std::path::Path;

fuzz_target!(|text: &str| {
    let Ok(experiment) = file::parse::<Experiment>(Path::new("experiment.ron"), text) else { return };
    if experiment.validate().is_err() {
        return;
    }
    let arms: Vec<&str> = experiment.arm_names().collect();
    for (name, profile) in &experiment.profiles {
        // Many seeds are many runs of the same values.
        let mut profile = profile.clone();
        profile.seeds = profile.seeds.min(2);
        let _ = experiment.resolve(name, &profile, &arms);
        for arm in &arms {
            let _ = experiment.architecture(name, arm, None, None, &[]);
        }
    }
    for name in experiment.drawings.keys() {
        for arm in &arms {
            let _ = experiment.drawn(name, arm);
        }
    }
});
