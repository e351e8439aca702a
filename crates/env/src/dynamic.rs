//! The same interface where the game is only known at run time.

use crate::environment::{Environment, RestoreError, Step};
use crate::frame::RgbFrame;

/// An [`Environment`] behind a box: its state is bytes, its shape a value.
///
/// Every `Environment` that can be sent to another thread is one.
pub trait DynEnvironment: Send {
    /// Height, width and channels of an observation.
    fn shape(&self) -> [usize; 3];

    /// How many actions there are: [`step`](DynEnvironment::step) takes `0..actions()`.
    fn actions(&self) -> usize;

    /// Starts a new episode.
    fn reset(&mut self);

    /// Takes one action.
    ///
    /// # Panics
    ///
    /// If `action` is not below [`actions`](DynEnvironment::actions).
    fn step(&mut self, action: usize) -> Step;

    /// Writes what the agent sees now.
    ///
    /// # Shapes
    ///
    /// `observation`: [`shape`](DynEnvironment::shape), `[height, width, channels]`, row-major, the channel
    /// fastest. Every byte is written.
    ///
    /// # Panics
    ///
    /// If `observation` is not as long as the product of `shape`.
    fn observe(&self, observation: &mut [u8]);

    /// The current frame for human eyes.
    fn render(&self) -> RgbFrame;

    /// The whole state, random generator included, in the [postcard](https://postcard.jamesmunns.com) format.
    ///
    /// # Panics
    ///
    /// If the environment's state is of a type that postcard cannot write (a sequence of unknown length);
    /// those of this crate are not.
    fn save(&self) -> Vec<u8>;

    /// Continues from a saved state.
    ///
    /// # Errors
    ///
    /// If the bytes are not a state that this environment saved; the environment is then left as it was.
    fn restore(&mut self, state: &[u8]) -> Result<(), RestoreError>;
}

impl<E: Environment + Send> DynEnvironment for E {
    fn shape(&self) -> [usize; 3] {
        E::SHAPE
    }

    fn actions(&self) -> usize {
        Environment::actions(self)
    }

    fn reset(&mut self) {
        Environment::reset(self);
    }

    fn step(&mut self, action: usize) -> Step {
        Environment::step(self, action)
    }

    fn observe(&self, observation: &mut [u8]) {
        Environment::observe(self, observation);
    }

    fn render(&self) -> RgbFrame {
        Environment::render(self)
    }

    fn save(&self) -> Vec<u8> {
        postcard::to_stdvec(&Environment::save(self)).expect("postcard writes every state of a known length")
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), RestoreError> {
        let undecodable = |reason: String| RestoreError::Undecodable { reason };
        let (state, rest) =
            postcard::take_from_bytes(state).map_err(|error| undecodable(error.to_string()))?;
        if !rest.is_empty() {
            return Err(undecodable(format!("{} bytes follow the end of the state", rest.len())));
        }
        Environment::restore(self, state)
    }
}
