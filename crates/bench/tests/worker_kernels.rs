//! Runs with the instructions that their configuration names.
#![cfg(unix)]

mod worker;

use softmoe_nets::kernels::InstructionSet;
use softmoe_spec::{KernelsSpec, RunConfig};
use std::fs;
use worker::{Run, SOFT_MOE, assert_says, config};

fn spec(set: InstructionSet) -> KernelsSpec {
    match set {
        InstructionSet::Portable => KernelsSpec::Portable,
        InstructionSet::Avx2 => KernelsSpec::Avx2,
        InstructionSet::Avx512 => KernelsSpec::Avx512,
    }
}

/// The weights that a run with these instructions ends with, as bytes.
fn weights(kernels: KernelsSpec) -> Vec<u8> {
    let run = Run::new(&RunConfig { kernels, ..config(SOFT_MOE) });
    run.finish();
    fs::read(run.files().weights()).unwrap()
}

/// What is named is what computes: a set is always equal to itself, the best one to `auto`, and no two are equal, for
/// they round differently.
#[test]
fn every_set_of_instructions_trains() {
    let sets = InstructionSet::available();
    let of_sets: Vec<_> = sets.iter().map(|&set| weights(spec(set))).collect();
    for (place, &set) in sets.iter().enumerate() {
        assert!(of_sets[place] == weights(spec(set)), "two runs with {set} differ");
        assert!(!of_sets[..place].contains(&of_sets[place]), "{set} computed as another");
    }
    if std::env::var_os("SOFTMOE_KERNELS").is_none() {
        assert!(of_sets.last() == Some(&weights(KernelsSpec::Auto)), "`auto` is not the best set");
    }
}

#[test]
fn instructions_that_are_not_there_are_refused() {
    let Some(missing) =
        InstructionSet::ALL.into_iter().find(|set| !InstructionSet::available().contains(set))
    else {
        return;
    };
    let run = Run::new(&RunConfig { kernels: spec(missing), ..config(SOFT_MOE) });
    let ended = run.work();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_says(&ended.stderr, &["cannot run on this processor", "`portable`"]);
}
