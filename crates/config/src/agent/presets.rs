//! Published hyperparameters: one base, and the changes of each preset.

use super::{LearningConfig, LossSpec};
use crate::names::{self, UnknownName};
use crate::{AgentConfig, AgentSteps, InterventionSpec};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

impl LearningConfig {
    /// DQN on Atari, the base of all presets: `dqn.gin` of Dopamine's `labs/moes` (google/dopamine at 5873f549), which
    /// agrees with table 1 of arXiv 2402.08609. Neither names every value; the others are the defaults of `JaxDQNAgent`.
    pub const fn dqn_atari() -> Self {
        LearningConfig {
            discount: 0.99,
            // Rewards.
            n_step: 1,
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
            learning_rate: 6.25e-5,
            adam_epsilon: 1.5e-4,
            // `loss_type` of `JaxDQNAgent`.
            loss: LossSpec::Mse,
            noisy: false,
            dueling: false,
            double: false,
            // Uniform.
            priority_exponent: 0.0,
            // Unused where sampling is uniform; Rainbow's value, for a `priority_exponent` set by hand.
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

    /// DQN on MinAtar: [`dqn_atari`](Self::dqn_atari) with five numbers of MinAtar's own DQN (Young and Tian 2019,
    /// arXiv 1903.03176, `examples/dqn.py`).
    pub const fn dqn_minatar() -> Self {
        // Step size of Adam; there of RMSProp.
        LearningConfig { learning_rate: 2.5e-4, ..Self::dqn_atari().shorter() }
    }

    /// Double DQN for classical control, where an observation is a few numbers: [`dqn_minatar`](Self::dqn_minatar) with
    /// our own changes, chosen on CartPole. No publication has them.
    pub const fn dqn_classic_control() -> Self {
        LearningConfig {
            // Long returns: bootstrapping from one step alone forgets what it has learned there.
            n_step: 10,
            min_replay: 1_000,
            update_period: AgentSteps(1),
            target_period: AgentSteps(500),
            batch_size: 64,
            replay_capacity: 50_000,
            adam_epsilon: 1e-6,
            loss: LossSpec::Huber,
            double: true,
            epsilon_train: 0.05,
            epsilon_decay_period: AgentSteps(10_000),
            epsilon_evaluation: 0.0,
            clip_rewards: false,
            ..Self::dqn_minatar()
        }
    }

    /// Full Rainbow on Atari (Hessel et al. 2018, arXiv 1710.02298): `full_rainbow.gin` of Dopamine's `labs/moes`
    /// (google/dopamine at 5873f549), which agrees with table 2 of arXiv 2402.08609.
    pub const fn rainbow_atari() -> Self {
        LearningConfig {
            // Rewards.
            n_step: 3,
            // Return, of clipped rewards.
            loss: LossSpec::C51 { v_max: 10.0, atoms: 51 },
            noisy: true,
            dueling: true,
            double: true,
            // Priorities are sqrt(loss), weights 1 / sqrt(probability): `full_rainbow_agent.py`.
            priority_exponent: 0.5,
            importance_exponent: 0.5,
            // 0.01 in the gin file, which noisy layers set to 0.
            epsilon_train: 0.0,
            ..Self::dqn_atari()
        }
    }

    /// Full Rainbow on MinAtar: [`rainbow_atari`](Self::rainbow_atari) with a smaller replay, a shorter warm-up and target
    /// period, and the step size of Dopamine's MinAtar agents. MinAtar's games are learned in a hundredth of the frames.
    pub const fn rainbow_minatar() -> Self {
        LearningConfig { learning_rate: 2.5e-4, ..Self::rainbow_atari().shorter() }
    }

    /// DER, data-efficient Rainbow (van Hasselt et al. 2019, arXiv 1906.05243), on Atari: `DER.gin` of Dopamine's
    /// `labs/moes` (google/dopamine at 5873f549), which agrees with table 4 of arXiv 2402.08609.
    ///
    /// DER's games have no sticky actions. The environment's configuration decides this.
    pub const fn der_atari() -> Self {
        LearningConfig {
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
            ..Self::rainbow_atari()
        }
    }

    /// DER on MinAtar: [`der_atari`](Self::der_atari) with the replay, warm-up, target period and decay of
    /// [`rainbow_minatar`](Self::rainbow_minatar). MinAtar's games have no lives.
    pub const fn der_minatar() -> Self {
        Self::der_atari().shorter()
    }

    /// Replay, warm-up and periods for MinAtar's shorter runs.
    const fn shorter(self) -> Self {
        LearningConfig {
            // Agent steps.
            min_replay: 5_000,
            // Agent steps.
            target_period: AgentSteps(1_000),
            // Frames.
            replay_capacity: 100_000,
            // Agent steps.
            epsilon_decay_period: AgentSteps(100_000),
            ..self
        }
    }
}

/// Algorithm of an agent, whose published hyperparameters depend on the suite of games.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// DQN (Mnih et al. 2015).
    Dqn,
    /// Full Rainbow (Hessel et al. 2018).
    Rainbow,
    /// Data-efficient Rainbow (van Hasselt et al. 2019).
    Der,
}

/// As in a file, e.g. `der`.
impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Algorithm::Dqn => "dqn",
            Algorithm::Rainbow => "rainbow",
            Algorithm::Der => "der",
        })
    }
}

/// Published hyperparameters, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentPreset {
    /// [`LearningConfig::dqn_minatar`].
    DqnMinatar,
    /// [`LearningConfig::dqn_atari`].
    DqnAtari,
    /// [`LearningConfig::rainbow_minatar`].
    RainbowMinatar,
    /// [`LearningConfig::rainbow_atari`].
    RainbowAtari,
    /// [`LearningConfig::der_minatar`].
    DerMinatar,
    /// [`LearningConfig::der_atari`].
    DerAtari,
}

impl AgentPreset {
    /// All of them.
    pub const ALL: [AgentPreset; 6] = [
        AgentPreset::DqnMinatar,
        AgentPreset::DqnAtari,
        AgentPreset::RainbowMinatar,
        AgentPreset::RainbowAtari,
        AgentPreset::DerMinatar,
        AgentPreset::DerAtari,
    ];

    /// The name in files and on the command line, e.g. `rainbow_minatar`.
    pub const fn name(self) -> &'static str {
        match self {
            AgentPreset::DqnMinatar => "dqn_minatar",
            AgentPreset::DqnAtari => "dqn_atari",
            AgentPreset::RainbowMinatar => "rainbow_minatar",
            AgentPreset::RainbowAtari => "rainbow_atari",
            AgentPreset::DerMinatar => "der_minatar",
            AgentPreset::DerAtari => "der_atari",
        }
    }

    /// The algorithm.
    pub const fn algorithm(self) -> Algorithm {
        match self {
            AgentPreset::DqnMinatar | AgentPreset::DqnAtari => Algorithm::Dqn,
            AgentPreset::RainbowMinatar | AgentPreset::RainbowAtari => Algorithm::Rainbow,
            AgentPreset::DerMinatar | AgentPreset::DerAtari => Algorithm::Der,
        }
    }

    /// The preset of `algorithm` for the same games.
    #[must_use]
    pub const fn with(self, algorithm: Algorithm) -> Self {
        let is_minatar =
            matches!(self, AgentPreset::DqnMinatar | AgentPreset::RainbowMinatar | AgentPreset::DerMinatar);
        match (algorithm, is_minatar) {
            (Algorithm::Dqn, true) => AgentPreset::DqnMinatar,
            (Algorithm::Dqn, false) => AgentPreset::DqnAtari,
            (Algorithm::Rainbow, true) => AgentPreset::RainbowMinatar,
            (Algorithm::Rainbow, false) => AgentPreset::RainbowAtari,
            (Algorithm::Der, true) => AgentPreset::DerMinatar,
            (Algorithm::Der, false) => AgentPreset::DerAtari,
        }
    }

    /// The hyperparameters of that name.
    pub const fn config(self) -> AgentConfig {
        AgentConfig::Learning(match self {
            AgentPreset::DqnMinatar => LearningConfig::dqn_minatar(),
            AgentPreset::DqnAtari => LearningConfig::dqn_atari(),
            AgentPreset::RainbowMinatar => LearningConfig::rainbow_minatar(),
            AgentPreset::RainbowAtari => LearningConfig::rainbow_atari(),
            AgentPreset::DerMinatar => LearningConfig::der_minatar(),
            AgentPreset::DerAtari => LearningConfig::der_atari(),
        })
    }
}

impl fmt::Display for AgentPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The preset of that name.
///
/// # Errors
///
/// [`UnknownName`] if there is none.
impl FromStr for AgentPreset {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        names::by_name("agent", name, &AgentPreset::ALL, AgentPreset::name)
    }
}
