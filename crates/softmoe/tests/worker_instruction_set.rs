//! Runs with the instruction set that their configuration names.
#![cfg(unix)]

mod worker;

use softmoe_config::{InstructionSet, RunConfig};
use softmoe_nets::kernels::InstructionSet as Available;
use std::fs;
use worker::{Run, SOFT_MOE, assert_says, config};

const SETS: [InstructionSet; 3] = [InstructionSet::Portable, InstructionSet::Avx2, InstructionSet::Avx512];

fn is_available(set: InstructionSet) -> bool {
    let name = match set {
        InstructionSet::Auto | InstructionSet::Portable => "portable",
        InstructionSet::Avx2 => "avx2",
        InstructionSet::Avx512 => "avx512",
    };
    Available::available().iter().any(|set| set.name() == name)
}

/// The weights that a run with this set ends with, as bytes.
fn weights(instruction_set: InstructionSet) -> Vec<u8> {
    let run = Run::new(&RunConfig { instruction_set, ..config(SOFT_MOE) });
    run.finish();
    fs::read(run.files().weights()).unwrap()
}

/// Vectors of any length add in the same order. Only the portable set rounds a product before it is added.
#[test]
fn every_instruction_set_trains() {
    let portable = weights(InstructionSet::Portable);
    assert!(portable == weights(InstructionSet::Portable), "two portable runs differ");
    let mut fused = SETS.into_iter().skip(1).filter(|&set| is_available(set));
    if let Some(first) = fused.next() {
        let first = weights(first);
        assert!(portable != first, "`portable` used fused multiply-adds");
        assert!(fused.all(|set| weights(set) == first), "vectors of another length compute something else");
        if std::env::var_os("SOFTMOE_INSTRUCTION_SET").is_none() {
            assert!(weights(InstructionSet::Auto) == first, "`auto` is not the best set");
        }
    }
}

#[test]
fn a_set_that_the_processor_does_not_have_is_refused() {
    let Some(missing) = SETS.into_iter().find(|&set| !is_available(set)) else {
        return;
    };
    let run = Run::new(&RunConfig { instruction_set: missing, ..config(SOFT_MOE) });
    let ended = run.work();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_says(&ended.stderr, &["not available on this processor", "`portable`"]);
}
