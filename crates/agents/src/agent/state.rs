//! Saving and restoring an agent.

use super::{Agent, MeanLoss};
use crate::AgentError;
use crate::replay_config::ReplayConfig;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use softmoe_config::AgentSteps;
use softmoe_replay::Replay;

/// The state of an agent without its replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentState {
    steps: AgentSteps,
    updates: u64,
    losses: MeanLoss,
    learner: Vec<u8>,
    exploration: Xoshiro256PlusPlus,
    sampling: Xoshiro256PlusPlus,
}

impl AgentState {
    /// Agent steps made.
    pub fn steps(&self) -> AgentSteps {
        self.steps
    }

    /// The state of the agent's learner ([`Learner::state`](crate::Learner::state)).
    pub(crate) fn learner(&self) -> &[u8] {
        &self.learner
    }
}

impl Agent {
    /// The state without the replay, from which [`restore`](Agent::restore) continues bit for bit.
    ///
    /// # Panics
    /// If an update is under way, as it would be lost: call [`finish_update`](Agent::finish_update) first.
    pub fn state(&self) -> AgentState {
        assert!(!self.is_updating, "an update is under way: call `finish_update` before `state`");
        AgentState {
            steps: self.steps,
            updates: self.updates,
            losses: self.losses,
            learner: self.learner.state(),
            exploration: self.exploration.clone(),
            sampling: self.sampling.clone(),
        }
    }

    /// Continues from a saved state and replay.
    ///
    /// # Errors
    /// If they belong to another agent; the agent is then unchanged.
    pub fn restore(&mut self, state: AgentState, replay: Replay) -> Result<(), AgentError> {
        let (layout, sampling) = (*self.replay.layout(), self.replay.sampling());
        check_replay(&replay, &ReplayConfig { layout, sampling, storage: replay.storage() })?;
        self.restore_state(state)?;
        self.replay = replay;
        Ok(())
    }

    pub(super) fn restore_state(&mut self, state: AgentState) -> Result<(), AgentError> {
        self.learner.restore(&state.learner)?;
        self.is_updating = false;
        (self.steps, self.updates, self.losses) = (state.steps, state.updates, state.losses);
        (self.exploration, self.sampling) = (state.exploration, state.sampling);
        Ok(())
    }
}

/// Checks that a replay has the agent's layout and sampling.
pub(super) fn check_replay(replay: &Replay, config: &ReplayConfig) -> Result<(), AgentError> {
    if *replay.layout() != config.layout || replay.sampling() != config.sampling {
        return Err(AgentError::State("its replay has another layout".into()));
    }
    Ok(())
}
