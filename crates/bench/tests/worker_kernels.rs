//! Runs with the instructions that their configuration names.
#![cfg(unix)]

mod worker;

use softmoe_config::{KernelsSpec, RunConfig};
use softmoe_nets::kernels::InstructionSet;
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

/// Vectors of any length add in the same order. Only the portable instructions round a product before it is added.
#[test]
fn every_set_of_instructions_trains() {
    let of = |set: InstructionSet| weights(spec(set));
    let portable = of(InstructionSet::Portable);
    assert!(portable == of(InstructionSet::Portable), "two portable runs differ");
    let mut fused = InstructionSet::available().into_iter().filter(|&set| set != InstructionSet::Portable);
    if let Some(first) = fused.next() {
        let first = of(first);
        assert!(portable != first, "`portable` computed with fused multiply-adds");
        assert!(fused.all(|set| of(set) == first), "vectors of another length compute something else");
        if std::env::var_os("SOFTMOE_KERNELS").is_none() {
            assert!(weights(KernelsSpec::Auto) == first, "`auto` is not the best set");
        }
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
