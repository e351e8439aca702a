//! The learner of an agent on the CPU engine, for an agent whose own learner computes elsewhere.

use crate::learner::UpdateSettings;
use crate::seeds::Seeds;
use crate::{AgentError, Learner, devices, networks};
use softmoe_config::error::with_causes;
use softmoe_config::{AgentConfig, Architecture, Device, InterventionSpec};
use softmoe_nets::kernels::InstructionSet;

/// The parts of a CPU learner for an agent on a device, used for interventions and diagnostics.
#[derive(Clone, Debug)]
pub(super) struct CpuMirror {
    config: AgentConfig,
    architecture: Architecture,
    update: UpdateSettings,
    seeds: Seeds,
    pub(super) instruction_set: InstructionSet,
}

impl CpuMirror {
    /// `None` if the CPU engine does not have the network, and nothing needs it.
    pub(super) fn new(
        config: &AgentConfig,
        architecture: &Architecture,
        update: &UpdateSettings,
        seeds: Seeds,
    ) -> Result<Option<Self>, AgentError> {
        let intervention = config.learning().map(|learning| learning.intervention).unwrap_or_default();
        match (networks::build(architecture), intervention) {
            (Ok(_), _) => Ok(Some(CpuMirror {
                config: config.clone(),
                architecture: architecture.clone(),
                update: update.clone(),
                seeds,
                instruction_set: InstructionSet::default(),
            })),
            (Err(_), InterventionSpec::None) => Ok(None),
            (Err(error), _) => Err(AgentError::Device(format!(
                "`agent.intervention` is {intervention}, which is followed on the CPU engine, and that has not the \
                 network ({}); leave it out: `--set agent.intervention=none`",
                with_causes(&error)
            ))),
        }
    }

    /// The learner on the CPU engine, in the state of `learner`.
    pub(super) fn of(&self, learner: &dyn Learner) -> Result<Box<dyn Learner>, AgentError> {
        let CpuMirror { config, architecture, update, seeds, instruction_set } = self;
        let mut mirror = devices::learner(Device::Cpu, config, architecture, update.clone(), *seeds)?;
        mirror.use_instruction_set(*instruction_set);
        mirror.restore(&learner.state())?;
        Ok(mirror)
    }
}
