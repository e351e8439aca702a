//! Which of the processor's instructions a run computes with.

use serde::{Deserialize, Serialize};

/// The instructions of the CPU engine's kernels: `--set kernels=avx2`. `avx2` and `avx512` compute the same to the bit; `portable`
/// rounds products before it adds them, so that its runs part from theirs after a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KernelsSpec {
    /// The best that the processor has.
    #[default]
    Auto,
    /// What every processor has.
    Portable,
    /// 256-bit vectors with fused multiply-add (x86-64-v3).
    Avx2,
    /// 512-bit vectors (x86-64-v4).
    Avx512,
}
