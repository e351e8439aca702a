//! An agent: a learner, its replay, and the schedule of exploration, updates and target copies.

mod make;
mod mirror;
mod schedule;
mod state;

pub use state::AgentState;

use crate::diagnostics::{self, Diagnostic};
use crate::interventions;
use crate::seeds::{Role, Seeds};
use crate::{AgentError, Learner, Mode, Update};
use mirror::CpuMirror;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use schedule::Schedule;
use serde::{Deserialize, Serialize};
use softmoe_config::{AgentSteps, InterventionSpec};
use softmoe_env::{EnvironmentSpec, Step};
use softmoe_nets::weights::WeightsFile;
use softmoe_replay::{Batch, EpisodeEnd, Replay};
use std::time::Duration;

/// A value-based agent that learns from replayed transitions.
pub struct Agent {
    learner: Box<dyn Learner>,
    /// The learner's mirror on the CPU engine, if it computes elsewhere.
    mirror: Option<CpuMirror>,
    replay: Replay,
    batch: Batch,
    intervention: InterventionSpec,
    seeds: Seeds,
    schedule: Schedule,
    spec: EnvironmentSpec,
    steps: AgentSteps,
    updates: u64,
    /// Whether an update of `batch` is under way.
    is_updating: bool,
    losses: MeanLoss,
    clock: Clock,
    phases: Phases,
    exploration: Xoshiro256PlusPlus,
    sampling: Xoshiro256PlusPlus,
}

/// A monotonic clock: the time since a fixed instant.
pub type Clock = fn() -> Duration;

/// Times of the parts of training since the last request. All zero without a [`Clock`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Stepping the environment, outside the agent.
    pub environment: Duration,
    /// Choosing actions; on a device, this includes the wait for an earlier update.
    pub act: Duration,
    /// Drawing transitions from the replay.
    pub sample: Duration,
    /// Updates and interventions.
    pub update: Duration,
}

/// The losses since the last request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct MeanLoss {
    sum: f64,
    count: u64,
}

impl Agent {
    /// Times the agent's work by `clock` ([`take_phases`](Agent::take_phases)).
    pub fn time_by(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// Chooses an action in training. The weights are those after an update that is under way, even before it is known
    /// whether they are finite.
    ///
    /// # Panics
    /// If `state` does not have the length of a state.
    pub fn act(&mut self, state: &[u8]) -> usize {
        self.check_state(state);
        let started = (self.clock)();
        let action =
            random_action(&mut self.exploration, self.schedule.epsilon(self.steps), self.spec.actions)
                .unwrap_or_else(|| self.learner.act(state, Mode::Train));
        self.phases.act += (self.clock)() - started;
        action
    }

    /// Chooses an action in an evaluation, which has a random generator of its own.
    ///
    /// # Panics
    /// If `state` does not have the length of a state.
    pub fn act_in_evaluation(&mut self, state: &[u8], rng: &mut Xoshiro256PlusPlus) -> usize {
        self.check_state(state);
        random_action(rng, self.schedule.epsilon_evaluation, self.spec.actions)
            .unwrap_or_else(|| self.learner.act(state, Mode::Evaluate))
    }

    /// Checks the length of a state, also before a random action.
    fn check_state(&self, state: &[u8]) {
        assert_eq!(state.len(), self.spec.state_bytes(), "bytes of a state given to the agent");
    }

    /// Stores a transition and learns when an update is due. `frame` is the newest frame of the state in which `action`
    /// was chosen, `step` the result of that action.
    ///
    /// On a device the call starts an update without waiting for it. The next call finishes the update before it stores
    /// anything, so that the result equals that of an agent that waits. Call [`finish_update`](Agent::finish_update)
    /// before you look at the agent in between.
    ///
    /// # Shapes
    /// frame: (height, width, channels)
    ///
    /// # Errors
    /// [`AgentError::Input`], and nothing is stored, if `frame` does not have the length of a frame, if there is no
    /// such action, or if the reward is not a finite number. [`AgentError::Diverged`] if the loss of this update or of
    /// the previous one is not finite.
    pub fn learn(&mut self, frame: &[u8], action: usize, step: Step) -> Result<(), AgentError> {
        self.check_transition(frame, action, step)?;
        self.finish_update()?;
        let reward = if self.schedule.clip_rewards { step.reward.clamp(-1.0, 1.0) } else { step.reward };
        let end = match step {
            Step { terminal: true, .. } => EpisodeEnd::Terminal,
            Step { life_lost: true, .. } if self.schedule.terminal_on_life_loss => EpisodeEnd::Terminal,
            Step { truncated: true, .. } => EpisodeEnd::Truncated,
            _ => EpisodeEnd::Continues,
        };
        self.replay.push(frame, action as u8, reward, end);
        self.steps.0 += 1;
        if self.replay.pushed() > self.schedule.min_replay && self.replay.available() > 0 {
            if self.steps.0.is_multiple_of(self.schedule.update_period.0) {
                self.start_update()?;
            }
            if self.steps.0.is_multiple_of(self.schedule.target_period.0) {
                self.finish_update()?;
                self.learner.sync_target();
            }
        }
        Ok(())
    }

    fn check_transition(&self, frame: &[u8], action: usize, step: Step) -> Result<(), AgentError> {
        let frame_len = self.spec.frame_bytes();
        let wrong = |what, given: String, allowed| Err(AgentError::Input { what, given, allowed });
        if frame.len() != frame_len {
            return wrong("the number of bytes of a frame", frame.len().to_string(), frame_len.to_string());
        }
        if action >= self.spec.actions {
            return wrong("the action", action.to_string(), format!("below {}", self.spec.actions));
        }
        if !step.reward.is_finite() {
            return wrong("the reward", step.reward.to_string(), "a finite number".into());
        }
        Ok(())
    }

    /// Waits for the update that [`learn`](Agent::learn) began, if there is one.
    ///
    /// # Errors
    /// If its loss is not finite.
    pub fn finish_update(&mut self) -> Result<(), AgentError> {
        if !self.is_updating {
            return Ok(());
        }
        let started = (self.clock)();
        self.is_updating = false;
        if let Some(update) = self.learner.finish_update()? {
            let Update { loss, priorities } = update;
            self.replay.update_priorities(&self.batch.ids, priorities)?;
            self.count(loss);
        }
        self.phases.update += (self.clock)() - started;
        Ok(())
    }

    fn start_update(&mut self) -> Result<(), AgentError> {
        let started = (self.clock)();
        self.replay.sample(&mut self.sampling, &mut self.batch)?;
        let sampled = (self.clock)();
        self.phases.sample += sampled - started;
        match self.learner.start_update(&self.batch)? {
            Some(Update { loss, priorities }) => {
                self.replay.update_priorities(&self.batch.ids, priorities)?;
                self.count(loss);
            }
            None => self.is_updating = true,
        }
        self.phases.update += (self.clock)() - sampled;
        let is_due = |period| (self.updates + u64::from(self.is_updating)).is_multiple_of(period);
        if self.intervention.period().is_some_and(is_due) {
            self.finish_update()?;
            let started = (self.clock)();
            self.intervene()?;
            self.phases.update += (self.clock)() - started;
        }
        Ok(())
    }

    fn count(&mut self, loss: f32) {
        self.losses.sum += f64::from(loss);
        self.losses.count += 1;
        self.updates += 1;
    }

    /// Applies the intervention. Its random numbers follow from the number of updates alone.
    fn intervene(&mut self) -> Result<(), AgentError> {
        let mut rng = self.seeds.rng(Role::Intervention(self.updates));
        let mut batch = Batch::new(interventions::BATCH_SIZE, self.replay.layout());
        self.replay.sample(&mut rng, &mut batch)?;
        let Some(mirror) = &self.mirror else {
            return self.learner.intervene(self.intervention, &batch, &mut rng);
        };
        let mut mirror = mirror.of(&*self.learner)?;
        mirror.intervene(self.intervention, &batch, &mut rng)?;
        self.learner.restore(&mirror.state())
    }

    /// Diagnostics of learning, from transitions that `index` alone decides; empty before the first transition. The
    /// agent does not change, except that an update under way is finished.
    ///
    /// # Errors
    /// If a device fails, or an update under way is not finite.
    pub fn diagnose(&mut self, index: u64) -> Result<Vec<Diagnostic>, AgentError> {
        self.diagnose_as(Role::Diagnostics(index))
    }

    /// Diagnostics of the initial weights, where the next step is the one that makes the first update; else `None`. The agent does not
    /// change.
    ///
    /// # Errors
    /// If a device fails.
    pub fn diagnose_initially(&mut self) -> Result<Option<Vec<Diagnostic>>, AgentError> {
        let next = self.steps.0 + 1;
        let is_next = self.updates == 0
            && !self.is_updating
            && self.replay.pushed() >= self.schedule.min_replay
            && self.replay.available() > 0
            && next.is_multiple_of(self.schedule.update_period.0);
        if is_next { self.diagnose_as(Role::InitialDiagnostics).map(Some) } else { Ok(None) }
    }

    fn diagnose_as(&mut self, role: Role) -> Result<Vec<Diagnostic>, AgentError> {
        self.finish_update()?;
        if self.replay.available() == 0 {
            return Ok(Vec::new());
        }
        let mut batch = Batch::new(diagnostics::BATCH_SIZE, self.replay.layout());
        self.replay.sample(&mut self.seeds.rng(role), &mut batch)?;
        let mut found = match &self.mirror {
            None => self.learner.diagnose(&batch),
            Some(mirror) => mirror.of(&*self.learner)?.diagnose(&batch),
        };
        let priorities = || self.replay.ids().filter_map(|id| self.replay.priority(id));
        if priorities().next().is_some() {
            found.push(Diagnostic::new("priority/min", priorities().fold(f64::INFINITY, f64::min)));
            found.push(Diagnostic::new("priority/max", priorities().fold(0.0, f64::max)));
        }
        Ok(found)
    }

    /// The time that training took since the last call.
    pub fn take_phases(&mut self) -> Phases {
        std::mem::take(&mut self.phases)
    }

    /// The environment that the agent is for.
    pub fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    /// Whether the agent learns as if a lost life ended the episode.
    pub fn ends_with_a_life(&self) -> bool {
        self.schedule.terminal_on_life_loss
    }

    /// Agent steps so far.
    pub fn steps(&self) -> AgentSteps {
        self.steps
    }

    /// Updates so far, without one that is under way.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The mean loss of the updates since the last call, if there were any; without one that is under way.
    pub fn take_mean_loss(&mut self) -> Option<f64> {
        let MeanLoss { sum, count } = std::mem::take(&mut self.losses);
        (count > 0).then(|| sum / count as f64)
    }

    /// The learner, without an update that is under way.
    pub fn learner(&self) -> &dyn Learner {
        &*self.learner
    }

    /// Loads the weights of a file (see [`Learner::load_weights`]).
    ///
    /// # Errors
    /// If they belong to another network; the agent is then unchanged.
    pub fn load_weights(&mut self, file: &WeightsFile) -> Result<(), AgentError> {
        self.finish_update()?;
        self.learner.load_weights(file)
    }

    /// The replay, to be saved with the [`state`](Agent::state), without the priorities of an update that is under way.
    pub fn replay(&self) -> &Replay {
        &self.replay
    }
}

/// A uniformly random action with probability `epsilon`.
pub(crate) fn random_action(rng: &mut Xoshiro256PlusPlus, epsilon: f64, actions: usize) -> Option<usize> {
    (epsilon > 0.0 && rng.random::<f64>() <= epsilon).then(|| rng.random_range(0..actions))
}

#[cfg(test)]
mod tests;
