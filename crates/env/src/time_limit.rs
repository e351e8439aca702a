//! Episodes that are cut off after a number of steps.

use serde::{Deserialize, Serialize};

use crate::environment::{Environment, RestoreError, Step};
use crate::frame::RgbFrame;

/// An environment whose episodes are truncated after a number of steps.
///
/// The last step allowed is `truncated`, unless the game ends the episode in that very step, which is then
/// `terminal`.
#[derive(Clone, Debug)]
pub struct TimeLimit<E> {
    environment: E,
    max_episode_steps: u64,
    elapsed: u64,
}

impl<E: Environment> TimeLimit<E> {
    /// Cuts `environment`'s episodes off after `max_episode_steps`.
    ///
    /// # Panics
    ///
    /// If `max_episode_steps` is 0: an episode has at least one step.
    pub fn new(environment: E, max_episode_steps: u64) -> Self {
        assert!(max_episode_steps > 0, "max_episode_steps is 0, and an episode has at least one step");
        TimeLimit { environment, max_episode_steps, elapsed: 0 }
    }

    /// The environment inside.
    pub fn inner(&self) -> &E {
        &self.environment
    }
}

/// The state of a [`TimeLimit`] and of the environment in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TimeLimitState<S> {
    environment: S,
    elapsed: u64,
}

impl<E: Environment> Environment for TimeLimit<E> {
    const SHAPE: [usize; 3] = E::SHAPE;
    type State = TimeLimitState<E::State>;

    fn actions(&self) -> usize {
        self.environment.actions()
    }

    fn reset(&mut self) {
        self.elapsed = 0;
        self.environment.reset();
    }

    fn step(&mut self, action: usize) -> Step {
        let step = self.environment.step(action);
        self.elapsed = self.elapsed.saturating_add(1);
        Step { truncated: !step.terminal && self.elapsed >= self.max_episode_steps, ..step }
    }

    fn observe(&self, observation: &mut [u8]) {
        self.environment.observe(observation);
    }

    fn render(&self) -> RgbFrame {
        self.environment.render()
    }

    fn save(&self) -> Self::State {
        TimeLimitState { environment: self.environment.save(), elapsed: self.elapsed }
    }

    fn restore(&mut self, state: Self::State) -> Result<(), RestoreError> {
        self.environment.restore(state.environment)?;
        self.elapsed = state.elapsed;
        Ok(())
    }
}
