//! How an agent is made: from a configuration, from a saved state, or over a learner of one's own.

use super::mirror::CpuMirror;
use super::schedule::Schedule;
use super::state::check_replay;
use super::{Agent, AgentState, MeanLoss, Phases};
use crate::learner::{UpdateSettings, unfollowed};
use crate::replay_config::{ReplayConfig, learning_of};
use crate::seeds::{Role, Seeds};
use crate::{AgentError, Learner, devices};
use softmoe_config::{AgentConfig, AgentSteps, Architecture, Device, LearningConfig};
use softmoe_env::{EnvironmentSpec, MOST_ACTIONS};
use softmoe_nets::kernels::InstructionSet;
use softmoe_replay::{Batch, Replay};
use std::time::Duration;

impl Agent {
    /// The agent of `config` for an environment, on the CPU engine.
    ///
    /// # Errors
    /// If `config` is the random policy, which learns nothing; if the network is not in this build, does not fit the
    /// states and actions of the environment, or does not have the agent's head ([`LearningConfig::head`]); if a
    /// setting cannot be followed.
    pub fn new(
        config: &AgentConfig,
        architecture: &Architecture,
        spec: &EnvironmentSpec,
        seeds: Seeds,
    ) -> Result<Self, AgentError> {
        Self::new_on(Device::Cpu, config, architecture, spec, seeds)
    }

    /// The same on any device.
    ///
    /// # Errors
    /// As [`new`](Agent::new), or if the device is not in this build, is not present, or cannot run this agent.
    pub fn new_on(
        device: Device,
        config: &AgentConfig,
        architecture: &Architecture,
        spec: &EnvironmentSpec,
        seeds: Seeds,
    ) -> Result<Self, AgentError> {
        let replay = ReplayConfig::new(config, spec)?.make()?;
        Self::on(device, config, architecture, spec, seeds, replay)
    }

    /// An agent that continues from a saved state and its replay, bit for bit. It allocates no other replay.
    ///
    /// # Errors
    /// As [`new_on`](Agent::new_on), or if state and replay belong to another agent.
    pub fn resume(
        device: Device,
        config: &AgentConfig,
        architecture: &Architecture,
        spec: &EnvironmentSpec,
        seeds: Seeds,
        state: AgentState,
        replay: Replay,
    ) -> Result<Self, AgentError> {
        check_replay(&replay, &ReplayConfig::new(config, spec)?)?;
        let mut agent = Self::on(device, config, architecture, spec, seeds, replay)?;
        agent.restore_state(state)?;
        Ok(agent)
    }

    fn on(
        device: Device,
        config: &AgentConfig,
        architecture: &Architecture,
        spec: &EnvironmentSpec,
        seeds: Seeds,
        replay: Replay,
    ) -> Result<Self, AgentError> {
        let learning = learning_of(config)?;
        if (architecture.observation, architecture.actions) != (spec.state(), spec.actions) {
            return Err(AgentError::Setting {
                setting: "network",
                given: format!(
                    "for states {:?} and {} actions",
                    architecture.observation, architecture.actions
                ),
                allowed: format!("for those of the environment, {:?} and {}", spec.state(), spec.actions),
            });
        }
        if architecture.head != learning.head() {
            let (given, allowed) = (architecture.head.to_string(), learning.head().to_string());
            return Err(AgentError::Setting { setting: "head", given, allowed });
        }
        let update = UpdateSettings::new(&learning, spec.element);
        let mirror = match device {
            Device::Cpu => None,
            _ => CpuMirror::new(config, architecture, &update, seeds)?,
        };
        let learner = devices::learner(device, config, architecture, update, seeds)?;
        Self::assemble(learner, mirror, &learning, spec, seeds, replay)
    }

    /// The same agent with the instruction set `set` on the CPU engine, instead of the default set.
    #[must_use]
    pub fn with_instruction_set(mut self, set: InstructionSet) -> Self {
        self.learner.use_instruction_set(set);
        if let Some(mirror) = &mut self.mirror {
            mirror.instruction_set = set;
        }
        self
    }

    /// An agent over any learner, e.g. one of another library or of your own network.
    ///
    /// `config` decides the agent's schedule and replay. The learner uses the rest of it: the loss, the optimizer, the
    /// head ([`UpdateSettings::new`]).
    ///
    /// # Errors
    /// If `config` is the random policy; if the environment has no action, or more than [`MOST_ACTIONS`]; if the
    /// learner does not follow the intervention of `config` ([`Learner::follows`]); if the replay's settings are
    /// invalid.
    pub fn with_learner(
        learner: Box<dyn Learner>,
        config: &AgentConfig,
        spec: &EnvironmentSpec,
        seeds: Seeds,
    ) -> Result<Self, AgentError> {
        let learning = learning_of(config)?;
        if !learner.follows(learning.intervention) {
            return Err(unfollowed(learning.intervention));
        }
        let replay = ReplayConfig::of(&learning, spec).make()?;
        Self::assemble(learner, None, &learning, spec, seeds, replay)
    }

    fn assemble(
        learner: Box<dyn Learner>,
        mirror: Option<CpuMirror>,
        learning: &LearningConfig,
        spec: &EnvironmentSpec,
        seeds: Seeds,
        replay: Replay,
    ) -> Result<Self, AgentError> {
        if !(1..=MOST_ACTIONS).contains(&spec.actions) {
            let (given, allowed) = (spec.actions.to_string(), format!("between 1 and {MOST_ACTIONS}"));
            return Err(AgentError::Setting { setting: "actions", given, allowed });
        }
        Ok(Agent {
            learner,
            mirror,
            intervention: learning.intervention,
            seeds,
            batch: Batch::new(learning.batch_size, replay.layout()),
            replay,
            schedule: Schedule::new(learning),
            spec: *spec,
            steps: AgentSteps(0),
            updates: 0,
            is_updating: false,
            losses: MeanLoss::default(),
            clock: || Duration::ZERO,
            phases: Phases::default(),
            exploration: seeds.rng(Role::Exploration),
            sampling: seeds.rng(Role::Replay),
        })
    }
}
