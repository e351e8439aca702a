//! What an environment implements: stepping, and saving where it can.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::element::FrameElement;
use crate::error::RestoreError;
use crate::spec::EnvironmentSpec;

/// The result of one action.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Step {
    /// The reward, in the environment's own points.
    pub reward: f32,
    /// The episode ended by the environment's rules: the value of what follows is 0.
    pub terminal: bool,
    /// A life was lost and the episode goes on. Always false in an environment without lives.
    pub life_lost: bool,
    /// The episode was cut off, e.g. by a [`TimeLimit`](crate::TimeLimit), and could have gone on: the value of
    /// what follows is bootstrapped. Never true together with `terminal`.
    pub truncated: bool,
}

impl Step {
    /// Whether the episode is over, by the environment's rules or by truncation.
    pub const fn ends_episode(&self) -> bool {
        self.terminal || self.truncated
    }
}

/// A sequential decision problem with frames as observations and a fixed number of actions.
///
/// A new environment is at the start of an episode. After a step that [ends the episode](Step::ends_episode), call
/// [`reset`](Environment::reset). The random generator is not reset, so episodes differ.
///
/// An environment with numbers instead of pixels has frames of `f32`:
///
/// ```
/// use softmoe_env::{Element, Environment, EnvironmentSpec, Step};
///
/// /// A point on a line, pushed to the left (0) or to the right (1), which should stay within 1 of the origin.
/// struct Line {
///     position: f32,
/// }
///
/// impl Environment for Line {
///     type Element = f32;
///
///     fn spec(&self) -> EnvironmentSpec {
///         EnvironmentSpec { frame: [1, 1, 1], stack: 1, actions: 2, element: Element::Float }
///     }
///
///     fn reset(&mut self) {
///         self.position = 0.0;
///     }
///
///     fn step(&mut self, action: usize) -> Step {
///         self.position += if action == 1 { 0.25 } else { -0.25 };
///         Step { reward: 1.0, terminal: self.position.abs() > 1.0, ..Step::default() }
///     }
///
///     fn observe(&self, frame: &mut [f32]) {
///         frame[0] = self.position;
///     }
/// }
///
/// let mut line = Line { position: 0.0 };
/// let mut frame = [0.0];
/// line.step(1);
/// line.observe(&mut frame);
/// assert_eq!(frame, [0.25]);
/// ```
pub trait Environment {
    /// The type of one value of a frame: `u8` or `f32`, as [`EnvironmentSpec::element`] says.
    type Element: FrameElement;

    /// Shape of the observations and number of actions. It never changes.
    fn spec(&self) -> EnvironmentSpec;

    /// Starts a new episode.
    fn reset(&mut self);

    /// Takes one action.
    ///
    /// # Panics
    ///
    /// If `action` is not below [`EnvironmentSpec::actions`].
    fn step(&mut self, action: usize) -> Step;

    /// Writes the current frame. Every value is written.
    ///
    /// # Shapes
    ///
    /// `frame`: [`EnvironmentSpec::frame`], (height, width, channels), row-major.
    ///
    /// # Panics
    ///
    /// If `frame` has another length.
    fn observe(&self, frame: &mut [Self::Element]);
}

/// An environment whose whole state can be saved and restored, random generator included.
pub trait SaveState: Environment {
    /// The whole state.
    type State: Serialize + DeserializeOwned;

    /// The whole state. An environment that [restores](SaveState::restore) it continues identically.
    fn save(&self) -> Self::State;

    /// Continues from a saved state.
    ///
    /// # Errors
    ///
    /// If this environment cannot have saved the state. The environment is then unchanged.
    fn restore(&mut self, state: Self::State) -> Result<(), RestoreError>;
}
