//! An agent: a learner, the replay it learns from, and when it does what.

mod schedule;

use crate::devices;
use crate::learner::UpdateSettings;
use crate::seeds::{Role, Seeds};
use crate::{AgentError, Learner, Mode};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use schedule::Schedule;
use serde::{Deserialize, Serialize};
use softmoe_env::Step;
use softmoe_nets::AdamSettings;
use softmoe_nets::weights::WeightsFile;
use softmoe_replay::{Batch, Draws, EpisodeEnd, Layout, Replay, Sampling, Storage};
use softmoe_spec::{AgentConfig, AgentSteps, Architecture, Device, LearningConfig};

/// A value-based agent that learns from replayed transitions.
pub struct Agent {
    learner: Box<dyn Learner>,
    replay: Replay,
    batch: Batch,
    schedule: Schedule,
    actions: usize,
    steps: AgentSteps,
    updates: u64,
    losses: MeanLoss,
    exploration: Xoshiro256PlusPlus,
    sampling: Xoshiro256PlusPlus,
}

/// The losses since they were last asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct MeanLoss {
    sum: f64,
    count: u64,
}

/// The state of an agent, but for its replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentState {
    steps: AgentSteps,
    updates: u64,
    losses: MeanLoss,
    learner: Vec<u8>,
    exploration: Xoshiro256PlusPlus,
    sampling: Xoshiro256PlusPlus,
}

impl Agent {
    /// The agent of `config` on the CPU engine.
    ///
    /// # Errors
    /// If `config` is the random policy, which learns nothing; if the network is not in this build or has another head
    /// than the agent's ([`LearningConfig::head`]); if a setting cannot be followed.
    pub fn new(config: &AgentConfig, architecture: &Architecture, seeds: Seeds) -> Result<Self, AgentError> {
        Self::new_on(Device::Cpu, config, architecture, seeds)
    }

    /// The same on any device.
    ///
    /// # Errors
    /// As [`new`](Agent::new), or if the device is not in this build or not there, or not for this agent.
    pub fn new_on(
        device: Device,
        config: &AgentConfig,
        architecture: &Architecture,
        seeds: Seeds,
    ) -> Result<Self, AgentError> {
        let Some(learning) = config.learning() else {
            let (given, allowed) = ("`random`".to_owned(), "an agent that learns".to_owned());
            return Err(AgentError::Setting { setting: "agent", given, allowed });
        };
        let LearningConfig { head, batch_size, priority_exponent, .. } = learning;
        if architecture.head != head {
            let (given, allowed) = (architecture.head.to_string(), head.to_string());
            return Err(AgentError::Setting { setting: "head", given, allowed });
        }
        let Architecture { observation: shape, actions, .. } = *architecture;
        let layout = Layout {
            capacity: learning.replay_capacity,
            frame_len: shape.iter().product(),
            stack: 1,
            n_step: learning.n_step,
            discount: learning.discount,
        };
        let update = UpdateSettings {
            batch_size,
            bootstrap_discount: layout.bootstrap_discount(),
            double: learning.double,
            priority_exponent,
            importance_exponent: learning.importance_exponent,
            optimizer: AdamSettings::new(learning.learning_rate, learning.adam_epsilon),
        };
        let storage = if learning.replay_compressed { Storage::Compressed } else { Storage::Plain };
        let learner = devices::learner(device, config, architecture, update, seeds)?;
        let uniform = priority_exponent == 0.0;
        let sampling = if uniform { Sampling::Uniform } else { Sampling::Prioritized(Draws::Stratified) };
        Ok(Agent {
            learner,
            batch: Batch::new(batch_size, &layout),
            replay: Replay::with_storage(layout, sampling, storage)?,
            schedule: Schedule::new(&learning),
            actions,
            steps: AgentSteps(0),
            updates: 0,
            losses: MeanLoss::default(),
            exploration: seeds.rng(Role::Exploration),
            sampling: seeds.rng(Role::Replay),
        })
    }

    /// Chooses an action to learn from, for an observation (height, width, channels).
    pub fn act(&mut self, observation: &[u8]) -> usize {
        random_action(&mut self.exploration, self.schedule.epsilon(self.steps), self.actions)
            .unwrap_or_else(|| self.learner.act(observation, Mode::Train))
    }

    /// Chooses an action to be judged by, with a generator other than training's.
    pub fn act_in_evaluation(&mut self, observation: &[u8], rng: &mut Xoshiro256PlusPlus) -> usize {
        random_action(rng, self.schedule.epsilon_evaluation, self.actions)
            .unwrap_or_else(|| self.learner.act(observation, Mode::Evaluate))
    }

    /// Stores what `action` on `observation` brought, and learns when it is time to.
    ///
    /// # Errors
    /// If the loss is no longer finite.
    pub fn observe(&mut self, observation: &[u8], action: usize, step: Step) -> Result<(), AgentError> {
        let reward = if self.schedule.clip_rewards { step.reward.clamp(-1.0, 1.0) } else { step.reward };
        let end = match step {
            Step { terminal: true, .. } => EpisodeEnd::Terminal,
            Step { life_lost: true, .. } if self.schedule.terminal_on_life_loss => EpisodeEnd::Terminal,
            Step { truncated: true, .. } => EpisodeEnd::Truncated,
            _ => EpisodeEnd::Continues,
        };
        self.replay.push(observation, action as u8, reward, end);
        self.steps.0 += 1;
        if self.replay.pushed() > self.schedule.min_replay && self.replay.available() > 0 {
            if self.steps.0.is_multiple_of(self.schedule.update_period.0) {
                self.update()?;
            }
            if self.steps.0.is_multiple_of(self.schedule.target_period.0) {
                self.learner.sync_target();
            }
        }
        Ok(())
    }

    fn update(&mut self) -> Result<(), AgentError> {
        self.replay.sample(&mut self.sampling, &mut self.batch)?;
        let update = self.learner.update(&self.batch)?;
        self.replay.update_priorities(&self.batch.ids, update.priorities)?;
        self.losses.sum += f64::from(update.loss);
        self.losses.count += 1;
        self.updates += 1;
        Ok(())
    }

    /// Agent steps so far.
    pub fn steps(&self) -> AgentSteps {
        self.steps
    }

    /// Updates so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The mean loss of the updates since the last call, if there were any.
    pub fn take_mean_loss(&mut self) -> Option<f64> {
        let MeanLoss { sum, count } = std::mem::take(&mut self.losses);
        (count > 0).then(|| sum / count as f64)
    }

    /// The learner.
    pub fn learner(&self) -> &dyn Learner {
        &*self.learner
    }

    /// Takes the weights of a file (see [`Learner::load_weights`]).
    ///
    /// # Errors
    /// If they are of another network; the agent is then as before.
    pub fn load_weights(&mut self, file: &WeightsFile) -> Result<(), AgentError> {
        self.learner.load_weights(file)
    }

    /// The replay, to be saved beside the [`state`](Agent::state).
    pub fn replay(&self) -> &Replay {
        &self.replay
    }

    /// Everything but the replay that [`restore`](Agent::restore) needs to go on bit for bit.
    pub fn state(&self) -> AgentState {
        AgentState {
            steps: self.steps,
            updates: self.updates,
            losses: self.losses,
            learner: self.learner.state(),
            exploration: self.exploration.clone(),
            sampling: self.sampling.clone(),
        }
    }

    /// Goes on from a saved state and replay.
    ///
    /// # Errors
    /// If they are those of another agent; the agent is then as before.
    pub fn restore(&mut self, state: AgentState, replay: Replay) -> Result<(), AgentError> {
        if replay.layout() != self.replay.layout() || replay.sampling() != self.replay.sampling() {
            return Err(AgentError::State("its replay has another layout".into()));
        }
        self.learner.restore(&state.learner)?;
        self.replay = replay;
        (self.steps, self.updates, self.losses) = (state.steps, state.updates, state.losses);
        (self.exploration, self.sampling) = (state.exploration, state.sampling);
        Ok(())
    }
}

/// A uniformly random action with probability `epsilon`.
fn random_action(rng: &mut Xoshiro256PlusPlus, epsilon: f64, actions: usize) -> Option<usize> {
    (epsilon > 0.0 && rng.random::<f64>() <= epsilon).then(|| rng.random_range(0..actions))
}

#[cfg(test)]
mod tests;
