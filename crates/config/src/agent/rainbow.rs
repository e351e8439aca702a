//! Rainbow's hyperparameters, and those of DER, which is Rainbow with other numbers.

use super::LearningConfig;
use crate::{AgentSteps, HeadSpec, InterventionSpec};
use serde::{Deserialize, Serialize};

/// Rainbow's hyperparameters. Schedules count agent steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RainbowConfig {
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
    /// Largest return of the distribution's support; the smallest is its negative.
    pub v_max: f64,
    /// Atoms of the return distribution.
    pub atoms: usize,
    /// Noisy dense layers (Fortunato et al. 2018) instead of plain ones with epsilon-greedy exploration.
    pub noisy: bool,
    /// Separate value and advantage streams (Wang et al. 2016).
    pub dueling: bool,
    /// The online network chooses the bootstrap action (van Hasselt et al. 2016).
    pub double: bool,
    /// Exponent alpha of the loss in a priority (priorities are loss^alpha); 0 samples uniformly.
    pub priority_exponent: f64,
    /// Exponent beta of the importance weights.
    pub importance_exponent: f64,
    /// Probability of a random action in training, after its decay (0 with noisy layers, which explore).
    pub epsilon_train: f64,
    /// Agent steps after `min_replay` in which that probability falls from 1; with noisy layers it does not fall
    /// (MinAtar's if left out).
    #[serde(default = "decay_period_on_minatar")]
    pub epsilon_decay_period: AgentSteps,
    /// Probability of a random action in evaluation.
    pub epsilon_evaluation: f64,
    /// Whether rewards are clipped to [-1, 1] before they are learned from.
    pub clip_rewards: bool,
    /// Whether the loss of a life is learned from as the end of the episode, which goes on (false if left out).
    #[serde(default)]
    pub terminal_on_life_loss: bool,
    /// What is done to the weights while the agent learns (`none` if left out).
    #[serde(default)]
    pub intervention: InterventionSpec,
}

fn decay_period_on_minatar() -> AgentSteps {
    RainbowConfig::minatar().epsilon_decay_period
}

impl RainbowConfig {
    /// The head that Rainbow reads.
    pub const fn head(&self) -> HeadSpec {
        HeadSpec::Categorical { atoms: self.atoms, dueling: self.dueling, noisy: self.noisy }
    }

    /// Full Rainbow on Atari: `full_rainbow.gin` of Dopamine's `labs/moes`
    /// (google/dopamine at 5873f549), which agrees with table 2 of arXiv 2402.08609.
    pub const fn atari() -> Self {
        RainbowConfig {
            discount: 0.99,
            // Rewards.
            n_step: 3,
            // Agent steps: 80,000 frames.
            min_replay: 20_000,
            // Agent steps: 16 frames.
            update_period: AgentSteps(4),
            // Agent steps: 32,000 frames; in the gin file only.
            target_period: AgentSteps(8_000),
            // Transitions.
            batch_size: 32,
            // Frames of the agent, each of four of the game.
            replay_capacity: 1_000_000,
            replay_compressed: false,
            // Step size of Adam.
            learning_rate: 6.25e-5,
            adam_epsilon: 1.5e-4,
            // Return, of clipped rewards.
            v_max: 10.0,
            atoms: 51,
            noisy: true,
            dueling: true,
            double: true,
            // Priorities are sqrt(loss), weights 1 / sqrt(probability): `full_rainbow_agent.py`.
            priority_exponent: 0.5,
            importance_exponent: 0.5,
            // 0.01 in the gin file, which noisy layers set to 0.
            epsilon_train: 0.0,
            // Agent steps: 1 million frames; unused with noisy layers.
            epsilon_decay_period: AgentSteps(250_000),
            epsilon_evaluation: 0.001,
            // Dopamine's runner clips them.
            clip_rewards: true,
            terminal_on_life_loss: false,
            intervention: InterventionSpec::None,
        }
    }

    /// Full Rainbow on MinAtar: as on Atari, with replay, warm-up and target period a tenth of it or less, and
    /// the larger step size that Dopamine's MinAtar agents train with (2.5e-4), for games that are learnt
    /// in a hundredth of the frames.
    pub const fn minatar() -> Self {
        RainbowConfig {
            // Agent steps.
            min_replay: 5_000,
            // Agent steps.
            target_period: AgentSteps(1_000),
            // Frames.
            replay_capacity: 100_000,
            // Step size of Adam.
            learning_rate: 2.5e-4,
            // Agent steps; unused with noisy layers.
            epsilon_decay_period: AgentSteps(100_000),
            ..Self::atari()
        }
    }

    /// DER, data-efficient Rainbow (van Hasselt et al. 2019, arXiv 1906.05243), on Atari: `DER.gin` of Dopamine's
    /// `labs/moes` (google/dopamine at 5873f549), which agrees with table 4 of arXiv 2402.08609.
    ///
    /// Full Rainbow, but for the numbers below. DER's games have no sticky actions, which is the environment's to say.
    pub const fn der_atari() -> Self {
        RainbowConfig {
            // Rewards (Rainbow: 3).
            n_step: 10,
            // Agent steps (Rainbow: 20,000).
            min_replay: 1_600,
            // Agent steps: an update after each (Rainbow: every fourth).
            update_period: AgentSteps(1),
            // Agent steps (Rainbow: 8,000).
            target_period: AgentSteps(2_000),
            // Step size of Adam (Rainbow: 6.25e-5).
            learning_rate: 1e-4,
            // Agent steps (Rainbow: 250,000); noisy layers leave it unused.
            epsilon_decay_period: AgentSteps(2_000),
            // Rainbow: false.
            terminal_on_life_loss: true,
            ..Self::atari()
        }
    }

    /// DER on MinAtar: as on Atari, with the replay, warm-up, target period and decay of [`RainbowConfig::minatar`].
    /// MinAtar's games have no lives to lose.
    pub const fn der_minatar() -> Self {
        RainbowConfig {
            // Agent steps.
            min_replay: 5_000,
            // Agent steps.
            target_period: AgentSteps(1_000),
            // Frames.
            replay_capacity: 100_000,
            // Agent steps; noisy layers leave it unused.
            epsilon_decay_period: AgentSteps(100_000),
            ..Self::der_atari()
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
