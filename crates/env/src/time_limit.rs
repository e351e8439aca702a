//! Episodes that are truncated after a number of steps.

use serde::{Deserialize, Serialize};

use crate::environment::{Environment, SaveState, Step};
use crate::error::RestoreError;
use crate::render::{Render, RgbFrame};
use crate::spec::EnvironmentSpec;

/// An environment whose episodes are truncated after a number of steps.
///
/// A step that ends the episode by the environment's own rules is `terminal`, also if it is the last one allowed. An
/// episode that the environment itself truncates earlier stays truncated there.
#[derive(Clone, Debug)]
pub struct TimeLimit<E> {
    environment: E,
    max_episode_steps: u64,
    elapsed: u64,
}

impl<E: Environment> TimeLimit<E> {
    /// Truncates `environment`'s episodes after `max_episode_steps`.
    ///
    /// # Panics
    ///
    /// If `max_episode_steps` is 0: an episode has at least one step.
    pub fn new(environment: E, max_episode_steps: u64) -> Self {
        assert!(max_episode_steps > 0, "max_episode_steps is 0, but an episode has at least one step");
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
    type Element = E::Element;

    fn spec(&self) -> EnvironmentSpec {
        self.environment.spec()
    }

    fn reset(&mut self) {
        self.elapsed = 0;
        self.environment.reset();
    }

    fn step(&mut self, action: usize) -> Step {
        let step = self.environment.step(action);
        self.elapsed = self.elapsed.saturating_add(1);
        let is_over_time = !step.terminal && self.elapsed >= self.max_episode_steps;
        Step { truncated: step.truncated || is_over_time, ..step }
    }

    fn observe(&self, frame: &mut [E::Element]) {
        self.environment.observe(frame);
    }
}

impl<E: SaveState> SaveState for TimeLimit<E> {
    type State = TimeLimitState<E::State>;

    fn save(&self) -> Self::State {
        TimeLimitState { environment: self.environment.save(), elapsed: self.elapsed }
    }

    fn restore(&mut self, state: Self::State) -> Result<(), RestoreError> {
        self.environment.restore(state.environment)?;
        self.elapsed = state.elapsed;
        Ok(())
    }
}

impl<E: Render> Render for TimeLimit<E> {
    fn render(&self) -> RgbFrame {
        self.environment.render()
    }

    fn action_name(&self, action: usize) -> Option<&'static str> {
        self.environment.action_name(action)
    }
}
