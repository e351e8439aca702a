//! CartPole-v1 as the agent meets it: observations in bytes, a time limit, training, judgement.

use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_agents::{Agent, AgentError};
use softmoe_config::{AgentSteps, LearningConfig, LossSpec};
use softmoe_env::{Element, EnvironmentSpec, Step};

/// A cart that is pushed to the left or to the right, so that the pole on it does not fall.
pub(crate) trait CartPole {
    /// Starts a new episode; episodes differ.
    fn reset(&mut self);

    /// Position and velocity of the cart, angle and angular velocity of the pole.
    fn state(&self) -> [f32; 4];

    /// Pushes to the left (0) or to the right (1): whether the pole has fallen or the cart has left the track.
    fn push(&mut self, action: usize) -> bool;
}

pub(crate) const ACTIONS: usize = 2;
/// Steps of an episode at most, and so its largest return.
const TIME_LIMIT: u32 = 500;
/// Four f32 in bytes: the replay keeps bytes, and does not ask what they mean.
pub(crate) const OBSERVATION_LEN: usize = 16;
/// What the numbers of a state are divided by, to be of about one size: the bounds of the position and of the angle, and
/// usual velocities.
const SCALES: [f32; 4] = [2.4, 2.0, 0.21, 2.0];

fn observation(cart_pole: &dyn CartPole) -> [u8; OBSERVATION_LEN] {
    let mut bytes = [0; OBSERVATION_LEN];
    let scaled = cart_pole.state().into_iter().zip(SCALES).map(|(number, scale)| number / scale);
    for (bytes, number) in bytes.chunks_exact_mut(4).zip(scaled) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

/// Four floats and two actions.
pub(crate) const SPEC: EnvironmentSpec =
    EnvironmentSpec { frame: [1, 1, 4], stack: 1, actions: ACTIONS, element: Element::Float };

/// Double DQN, with numbers that suit a small problem.
pub(crate) fn config() -> LearningConfig {
    LearningConfig {
        discount: 0.99,
        // Long returns: bootstrapping from one step alone forgets what it has learned here.
        n_step: 10,
        min_replay: 1_000,
        update_period: AgentSteps(1),
        target_period: AgentSteps(500),
        batch_size: 64,
        replay_capacity: 50_000,
        learning_rate: 2.5e-4,
        adam_epsilon: 1e-6,
        loss: LossSpec::Huber,
        double: true,
        epsilon_train: 0.05,
        epsilon_decay_period: AgentSteps(10_000),
        epsilon_evaluation: 0.0,
        clip_rewards: false,
        ..LearningConfig::dqn_minatar()
    }
}

/// Trains for `steps` agent steps; `report` hears of every ten thousand, with the mean return of the episodes in them.
pub(crate) fn train(
    agent: &mut Agent,
    cart_pole: &mut dyn CartPole,
    AgentSteps(steps): AgentSteps,
    mut report: impl FnMut(u64, f64),
) -> Result<(), AgentError> {
    let (mut steps_of_episode, mut returns) = (0, Vec::new());
    cart_pole.reset();
    for step in 1..=steps {
        let before = observation(cart_pole);
        let action = agent.act(&before);
        let terminal = cart_pole.push(action);
        steps_of_episode += 1;
        // The end of the time is no end of the game: what would have followed is bootstrapped.
        let truncated = !terminal && steps_of_episode == TIME_LIMIT;
        agent.learn(&before, action, Step { reward: 1.0, terminal, truncated, ..Step::default() })?;
        if terminal || truncated {
            returns.push(f64::from(std::mem::take(&mut steps_of_episode)));
            cart_pole.reset();
        }
        if step.is_multiple_of(10_000) {
            report(step, mean(&std::mem::take(&mut returns)));
        }
    }
    Ok(())
}

/// The mean return of the greedy policy over `episodes` episodes.
pub(crate) fn evaluate(agent: &mut Agent, cart_pole: &mut dyn CartPole, seeds: Seeds, episodes: u32) -> f64 {
    let mut rng: Xoshiro256PlusPlus = seeds.rng(Role::EvaluationActions(0));
    let mut episode_return = || {
        cart_pole.reset();
        let mut falls = || {
            let action = agent.act_in_evaluation(&observation(cart_pole), &mut rng);
            cart_pole.push(action)
        };
        f64::from((1..=TIME_LIMIT).find(|_| falls()).unwrap_or(TIME_LIMIT))
    };
    mean(&(0..episodes).map(|_| episode_return()).collect::<Vec<_>>())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
