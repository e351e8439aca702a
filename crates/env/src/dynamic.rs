//! The boxed form of an environment that is known at run time only.

use crate::element::sealed::Bytes;
use crate::environment::{Environment, SaveState, Step};
use crate::error::{RestoreError, decode};
use crate::render::Render;
use crate::spec::EnvironmentSpec;

/// A boxed [`Environment`], with frames and saved states as bytes.
///
/// Every `Environment` that implements [`SaveState`] and can be sent to another thread is one.
pub trait DynEnvironment: Send {
    /// Shape of the observations and number of actions.
    fn spec(&self) -> EnvironmentSpec;

    /// Starts a new episode.
    fn reset(&mut self);

    /// Takes one action.
    ///
    /// # Panics
    ///
    /// If `action` is not below [`EnvironmentSpec::actions`].
    fn step(&mut self, action: usize) -> Step;

    /// Writes the current frame. Every byte is written; a float takes four, little-endian.
    ///
    /// # Shapes
    ///
    /// `frame`: [`EnvironmentSpec::frame`], (height, width, channels), row-major;
    /// [`frame_bytes`](EnvironmentSpec::frame_bytes) bytes.
    ///
    /// # Panics
    ///
    /// If `frame` has another length.
    fn observe(&self, frame: &mut [u8]);

    /// The whole state, random generator included, in the [postcard](https://postcard.jamesmunns.com) format.
    ///
    /// # Panics
    ///
    /// If postcard cannot write the environment's type of state, e.g. a sequence of unknown length.
    fn save(&self) -> Vec<u8>;

    /// Continues from a saved state.
    ///
    /// # Errors
    ///
    /// If the bytes are not a state that this environment saved, or if more bytes follow. The environment is then
    /// unchanged.
    fn restore(&mut self, state: &[u8]) -> Result<(), RestoreError>;
}

impl<E: SaveState + Send> DynEnvironment for E {
    fn spec(&self) -> EnvironmentSpec {
        Environment::spec(self)
    }

    fn reset(&mut self) {
        Environment::reset(self);
    }

    fn step(&mut self, action: usize) -> Step {
        Environment::step(self, action)
    }

    fn observe(&self, frame: &mut [u8]) {
        E::Element::fill(frame, |frame| Environment::observe(self, frame));
    }

    fn save(&self) -> Vec<u8> {
        postcard::to_stdvec(&SaveState::save(self)).expect("postcard writes every state of a known length")
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), RestoreError> {
        SaveState::restore(self, decode(state)?)
    }
}

/// A [`DynEnvironment`] that also draws itself. A box of it becomes a box of `DynEnvironment` by coercion.
pub trait RenderedEnvironment: DynEnvironment + Render {}

impl<E: DynEnvironment + Render> RenderedEnvironment for E {}
