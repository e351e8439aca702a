//! The vector instructions that a run computes with.

use serde::{Deserialize, Serialize};

/// The instruction set of the CPU engine: `--set instruction_set=avx2`. `avx2` and `avx512` compute the same bits.
/// `portable` rounds a product before it is added, so that its runs diverge from the others after some updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstructionSet {
    /// The best set that the processor has.
    #[default]
    Auto,
    /// The instructions that every processor has.
    Portable,
    /// 256-bit vectors with fused multiply-add (x86-64-v3).
    Avx2,
    /// 512-bit vectors (x86-64-v4).
    Avx512,
}
