//! A run computes with the instruction set of its own configuration, whatever else runs in the process.
#![cfg(feature = "minatar")]

mod common;

use common::{Leavings, SOFT_MOE, config, finish};
use softmoe_config::{InstructionSet, RunConfig};
use std::thread;

fn trained(instruction_set: InstructionSet) -> Leavings {
    let directory = tempfile::tempdir().unwrap();
    finish(&RunConfig { instruction_set, ..config(SOFT_MOE) }, directory.path())
}

#[test]
fn runs_of_different_sets_in_one_process_end_as_they_do_alone() {
    let available = softmoe_nets::kernels::InstructionSet::available();
    let best = match available.last().unwrap().name() {
        "avx512" => InstructionSet::Avx512,
        "avx2" => InstructionSet::Avx2,
        _ => return,
    };
    let alone = [InstructionSet::Portable, best].map(trained);
    assert_ne!(alone[0].weights, alone[1].weights, "`portable` used fused multiply-adds");
    let together = [InstructionSet::Portable, best].map(|set| thread::spawn(move || trained(set)));
    assert_eq!(together.map(|run| run.join().unwrap()), alone);
}
