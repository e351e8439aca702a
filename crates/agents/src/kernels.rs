//! The processor's instructions that a run computes with.

use crate::AgentError;
use softmoe_config::KernelsSpec;
use softmoe_nets::kernels::{self, InstructionSet};

/// Makes this process compute with the instructions that a run asks for.
///
/// # Errors
/// [`AgentError::Kernels`] if the processor lacks them.
pub fn choose(asked: KernelsSpec) -> Result<(), AgentError> {
    let set = match asked {
        KernelsSpec::Auto => None,
        KernelsSpec::Portable => Some(InstructionSet::Portable),
        KernelsSpec::Avx2 => Some(InstructionSet::Avx2),
        KernelsSpec::Avx512 => Some(InstructionSet::Avx512),
    };
    Ok(kernels::choose(set)?)
}
