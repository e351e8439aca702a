//! DQN's hyperparameters.

use super::LearningConfig;
use crate::{AgentSteps, HeadSpec, InterventionSpec};
use serde::{Deserialize, Serialize};

/// DQN's hyperparameters. Schedules count agent steps.
///
/// Those that no published DQN has (noisy and dueling layers, double targets, priorities) are off in every preset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DqnConfig {
    /// Discount gamma of one agent step.
    pub discount: f64,
    /// Rewards summed before bootstrapping, n.
    pub n_step: usize,
    /// Agent steps before the first update.
    pub min_replay: u64,
    /// Agent steps between two updates.
    pub update_period: AgentSteps,
    /// Agent steps between two copies of the online network into the target network.
    pub target_period: AgentSteps,
    /// Transitions in an update.
    pub batch_size: usize,
    /// Frames that the replay holds.
    pub replay_capacity: usize,
    /// Whether it holds them compressed, which takes time and saves memory, and changes no result (false if left out).
    #[serde(default)]
    pub replay_compressed: bool,
    /// Adam's step size.
    pub learning_rate: f64,
    /// Adam's epsilon, outside the root.
    pub adam_epsilon: f64,
    /// The loss of a temporal-difference error.
    pub loss: LossSpec,
    /// Noisy dense layers (Fortunato et al. 2018) instead of plain ones with epsilon-greedy exploration.
    pub noisy: bool,
    /// Separate value and advantage streams (Wang et al. 2016).
    pub dueling: bool,
    /// The online network chooses the bootstrap action (van Hasselt et al. 2016).
    pub double: bool,
    /// Exponent alpha of the loss in a priority (priorities are loss^alpha); 0 samples uniformly.
    pub priority_exponent: f64,
    /// Exponent beta of the importance weights, which are all 1 where sampling is uniform.
    pub importance_exponent: f64,
    /// Probability of a random action in training, after its decay (0 with noisy layers, which explore).
    pub epsilon_train: f64,
    /// Agent steps after `min_replay` in which that probability falls from 1; with noisy layers it does not fall.
    pub epsilon_decay_period: AgentSteps,
    /// Probability of a random action in evaluation.
    pub epsilon_evaluation: f64,
    /// Whether rewards are clipped to [-1, 1] before they are learned from.
    pub clip_rewards: bool,
    /// Whether the loss of a life is learned from as the end of the episode, which goes on.
    pub terminal_on_life_loss: bool,
    /// What is done to the weights while the agent learns (`none` if left out).
    #[serde(default)]
    pub intervention: InterventionSpec,
}

/// The loss of a temporal-difference error e.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossSpec {
    /// e^2, without 1/2: the release's usual one.
    Mse,
    /// e^2 / 2 within 1, |e| - 1/2 beyond (Mnih et al. 2015 clip the error so).
    Huber,
}

impl DqnConfig {
    /// The head that DQN reads.
    pub const fn head(&self) -> HeadSpec {
        HeadSpec::Q { dueling: self.dueling, noisy: self.noisy }
    }

    /// DQN on Atari: `dqn.gin` of Dopamine's `labs/moes` (google/dopamine at 5873f549), which agrees with table 1 of
    /// arXiv 2402.08609; what neither names is the usual value of `JaxDQNAgent` there.
    pub const fn atari() -> Self {
        DqnConfig {
            discount: 0.99,
            n_step: 1,
            // Agent steps: 80,000 frames.
            min_replay: 20_000,
            // Agent steps: 16 frames.
            update_period: AgentSteps(4),
            // Agent steps: 32,000 frames; in the gin file only.
            target_period: AgentSteps(8_000),
            batch_size: 32,
            replay_capacity: 1_000_000,
            replay_compressed: false,
            learning_rate: 6.25e-5,
            adam_epsilon: 1.5e-4,
            // `loss_type` of `JaxDQNAgent`.
            loss: LossSpec::Mse,
            noisy: false,
            dueling: false,
            double: false,
            // Uniform.
            priority_exponent: 0.0,
            // Unused where sampling is uniform; Rainbow's, for those who set `priority_exponent`.
            importance_exponent: 0.5,
            epsilon_train: 0.01,
            // Agent steps: 1 million frames.
            epsilon_decay_period: AgentSteps(250_000),
            epsilon_evaluation: 0.001,
            // Dopamine's runner clips them.
            clip_rewards: true,
            terminal_on_life_loss: false,
            intervention: InterventionSpec::None,
        }
    }

    /// DQN on MinAtar: as on Atari, but for five numbers of MinAtar's own DQN (Young and Tian 2019, arXiv 1903.03176,
    /// `examples/dqn.py`).
    pub const fn minatar() -> Self {
        DqnConfig {
            // Agent steps.
            min_replay: 5_000,
            // Agent steps.
            target_period: AgentSteps(1_000),
            // Frames.
            replay_capacity: 100_000,
            // Step size of Adam (there of RMSProp).
            learning_rate: 2.5e-4,
            // Agent steps.
            epsilon_decay_period: AgentSteps(100_000),
            ..Self::atari()
        }
    }

    /// What it has in common with other agents.
    pub const fn learning(&self) -> LearningConfig {
        LearningConfig {
            head: self.head(),
            discount: self.discount,
            n_step: self.n_step,
            min_replay: self.min_replay,
            update_period: self.update_period,
            target_period: self.target_period,
            batch_size: self.batch_size,
            replay_capacity: self.replay_capacity,
            replay_compressed: self.replay_compressed,
            learning_rate: self.learning_rate,
            adam_epsilon: self.adam_epsilon,
            double: self.double,
            priority_exponent: self.priority_exponent,
            importance_exponent: self.importance_exponent,
            epsilon_train: self.epsilon_train,
            epsilon_decay_period: self.epsilon_decay_period,
            epsilon_evaluation: self.epsilon_evaluation,
            clip_rewards: self.clip_rewards,
            terminal_on_life_loss: self.terminal_on_life_loss,
            intervention: self.intervention,
        }
    }
}
