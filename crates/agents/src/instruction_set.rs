//! The kernels' instruction set, from the setting of a run.

use crate::AgentError;
use softmoe_config::InstructionSet as Configured;
use softmoe_nets::kernels::InstructionSet;

/// The instruction set of `configured`; `auto` is the default, [`InstructionSet::default`].
///
/// # Errors
/// [`AgentError::InstructionSet`] if this processor does not have it.
pub fn instruction_set(configured: Configured) -> Result<InstructionSet, AgentError> {
    let name = match configured {
        Configured::Auto => return Ok(InstructionSet::default()),
        Configured::Portable => "portable",
        Configured::Avx2 => "avx2",
        Configured::Avx512 => "avx512",
    };
    Ok(name.parse::<InstructionSet>()?)
}
