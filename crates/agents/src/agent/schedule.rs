//! The schedule of an agent: exploration, updates, target copies.

use softmoe_config::{AgentSteps, LearningConfig};

/// The schedule of an agent's random actions, updates and copies to the target network. Periods count agent steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Schedule {
    exploration: Exploration,
    /// Probability of a random action in evaluation.
    pub(super) epsilon_evaluation: f64,
    /// Transitions stored before the first update.
    pub(super) min_replay: u64,
    pub(super) update_period: AgentSteps,
    pub(super) target_period: AgentSteps,
    pub(super) clip_rewards: bool,
    pub(super) terminal_on_life_loss: bool,
}

/// The probability of a random action in training.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Exploration {
    /// Constant: noisy layers explore by themselves.
    Constant(f64),
    /// 1 for `warm_up` agent steps, then falling linearly to `last` over `period` agent steps.
    Linear { last: f64, warm_up: u64, period: u64 },
}

impl Schedule {
    pub(super) fn new(learning: &LearningConfig) -> Self {
        let last = learning.epsilon_train;
        let exploration = if learning.head().noisy() {
            Exploration::Constant(last)
        } else {
            let (warm_up, period) = (learning.min_replay, learning.epsilon_decay_period.0);
            Exploration::Linear { last, warm_up, period }
        };
        Schedule {
            exploration,
            epsilon_evaluation: learning.epsilon_evaluation,
            min_replay: learning.min_replay,
            update_period: learning.update_period,
            target_period: learning.target_period,
            clip_rewards: learning.clip_rewards,
            terminal_on_life_loss: learning.terminal_on_life_loss,
        }
    }

    /// The probability of a random action in training after `steps`.
    pub(super) fn epsilon(&self, AgentSteps(steps): AgentSteps) -> f64 {
        match self.exploration {
            Exploration::Constant(epsilon) => epsilon,
            Exploration::Linear { last, warm_up, period } => {
                let into_decay = steps.saturating_sub(warm_up).min(period);
                let left = (period - into_decay) as f64 / period.max(1) as f64;
                last + (1.0 - last) * left
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use softmoe_config::LearningConfig;

    /// Dopamine's `linearly_decaying_epsilon`, from its documentation:
    /// epsilon + clip((1 - epsilon) (period + warm-up - step) / period, 0, 1 - epsilon).
    fn closed_form(learning: &LearningConfig, step: f64) -> f64 {
        let period = learning.epsilon_decay_period.0 as f64;
        let range = 1.0 - learning.epsilon_train;
        let left = range * (period + learning.min_replay as f64 - step) / period;
        learning.epsilon_train + left.clamp(0.0, range)
    }

    #[test]
    fn epsilon_falls_in_a_straight_line_once_the_replay_is_warm() {
        let configs = [
            LearningConfig::dqn_atari(),
            LearningConfig::dqn_minatar(),
            LearningConfig { noisy: false, epsilon_train: 0.1, ..LearningConfig::der_atari() },
            LearningConfig {
                epsilon_decay_period: AgentSteps(1),
                min_replay: 0,
                ..LearningConfig::dqn_atari()
            },
        ];
        for learning in configs {
            let schedule = Schedule::new(&learning);
            let (warm_up, end) = (learning.min_replay, learning.min_replay + learning.epsilon_decay_period.0);
            assert_eq!(schedule.epsilon(AgentSteps(0)), 1.0);
            assert_eq!(schedule.epsilon(AgentSteps(warm_up)), 1.0);
            assert_eq!(schedule.epsilon(AgentSteps(end)), learning.epsilon_train);
            assert_eq!(schedule.epsilon(AgentSteps(u64::MAX)), learning.epsilon_train);
            for step in (0..=end + 10).step_by(37).chain(end.saturating_sub(3)..end + 3) {
                let want = closed_form(&learning, step as f64);
                assert!((schedule.epsilon(AgentSteps(step)) - want).abs() < 1e-12, "step {step}");
            }
        }
        // Half way: (1 + 0.01) / 2.
        let half = Schedule::new(&LearningConfig::dqn_atari()).epsilon(AgentSteps(145_000));
        assert!((half - 0.505).abs() < 1e-12, "{half}");
    }

    #[test]
    fn with_noisy_layers_epsilon_stays_where_it_is() {
        for config in [LearningConfig::rainbow_atari(), LearningConfig::der_minatar()] {
            let schedule = Schedule::new(&config);
            assert!([0, 1_000, 10_000_000].iter().all(|&step| schedule.epsilon(AgentSteps(step)) == 0.0));
        }
    }
}
