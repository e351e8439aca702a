//! What a game looks like to an agent.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::frame::RgbFrame;

/// What one action brought about.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Step {
    /// The reward of the action, in the game's own points.
    pub reward: f32,
    /// The episode is over by the game's rules: nothing follows, so nothing is to be bootstrapped.
    pub terminal: bool,
    /// A life was lost and the episode goes on; never in a game without lives.
    pub life_lost: bool,
    /// The episode was cut off by a [`TimeLimit`](crate::TimeLimit) and could have gone on; never together with
    /// `terminal`.
    pub truncated: bool,
}

/// A game with a u8 image as observation and a fixed number of actions.
///
/// A new environment is at the start of an episode. After a step that is `terminal` or `truncated` call
/// [`reset`](Environment::reset); randomness goes on from where it is, so that episodes differ.
pub trait Environment {
    /// Height, width and channels of an observation.
    const SHAPE: [usize; 3];

    /// The whole state, random generator included.
    type State: Serialize + DeserializeOwned;

    /// How many actions there are: [`step`](Environment::step) takes `0..actions()`.
    fn actions(&self) -> usize;

    /// Starts a new episode.
    fn reset(&mut self);

    /// Takes one action.
    ///
    /// # Panics
    ///
    /// If `action` is not below [`actions`](Environment::actions).
    fn step(&mut self, action: usize) -> Step;

    /// Writes what the agent sees now.
    ///
    /// # Shapes
    ///
    /// `observation`: [`SHAPE`](Environment::SHAPE), `[height, width, channels]`, row-major, the channel
    /// fastest. Every byte is written.
    ///
    /// # Panics
    ///
    /// If `observation` is not as long as the product of `SHAPE`.
    fn observe(&self, observation: &mut [u8]);

    /// The current frame for human eyes.
    fn render(&self) -> RgbFrame;

    /// The whole state: an environment that [`restore`](Environment::restore)s it continues identically.
    fn save(&self) -> Self::State;

    /// Continues from a saved state.
    ///
    /// # Errors
    ///
    /// If the state cannot be one that this environment saved; the environment is then left as it was.
    fn restore(&mut self, state: Self::State) -> Result<(), RestoreError>;
}

/// Why a saved state was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The bytes do not decode.
    #[error(
        "these bytes are not a saved state of this environment: {reason}; give the bytes that `save` returned \
         for the same game"
    )]
    Undecodable {
        /// What the decoder met.
        reason: String,
    },
    /// The state decodes and breaks a rule of the game.
    #[error("this saved state of {environment} cannot be: {rule}; it was changed after `save` returned it")]
    Impossible {
        /// Which environment refused it.
        environment: &'static str,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The state is that of another game.
    #[error("this is a saved state of {found}, and the environment plays {expected}")]
    OtherGame {
        /// The game that the state is of.
        found: &'static str,
        /// The game of the environment.
        expected: &'static str,
    },
}
