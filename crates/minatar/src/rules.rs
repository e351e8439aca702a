//! What the five games have in common: a grid of ten by ten cells, six actions, boolean channels.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Game;
use crate::draws::Draws;

/// Cells a side of the grid.
pub(crate) const SIZE: usize = 10;

/// The last row and column.
pub(crate) const LAST: i8 = 9;

/// One of MinAtar's six actions, in the order of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Do nothing.
    Noop,
    /// Move left.
    Left,
    /// Move up.
    Up,
    /// Move right.
    Right,
    /// Move down.
    Down,
    /// Shoot.
    Fire,
}

impl Action {
    /// All six, by number.
    pub const ALL: [Action; 6] =
        [Action::Noop, Action::Left, Action::Up, Action::Right, Action::Down, Action::Fire];

    /// The action's name.
    pub const fn name(self) -> &'static str {
        match self {
            Action::Noop => "no-op",
            Action::Left => "left",
            Action::Up => "up",
            Action::Right => "right",
            Action::Down => "down",
            Action::Fire => "fire",
        }
    }
}

/// The rules of one game, and the state that they work on.
///
/// Sticky actions, choosing among minimal actions and saving are [`MinAtar`](super::MinAtar)'s. The rules say
/// which random numbers are drawn, and in which order.
pub trait Rules: Clone + Serialize + DeserializeOwned {
    /// Which game this is.
    const GAME: Game;

    /// Channels of an observation, each a map of zeros and ones.
    const CHANNELS: usize;

    /// The actions that make a difference in this game.
    const MINIMAL_ACTIONS: &'static [Action];

    /// The start of an episode.
    fn start(draws: &mut impl Draws) -> Self;

    /// Plays one step of an episode that is not over, and gives its reward.
    ///
    /// With `ramping` the game grows harder the longer the agent lives.
    fn act(&mut self, action: Action, ramping: bool, draws: &mut impl Draws) -> f32;

    /// Whether the episode is over.
    fn is_over(&self) -> bool;

    /// How many times the game has grown harder in this episode; `None` in a game that never does.
    fn difficulty_ramp(&self) -> Option<u32>;

    /// Writes the observation.
    ///
    /// # Shapes
    ///
    /// `observation`: `[10, 10, CHANNELS]`, zeros and ones.
    ///
    /// # Panics
    ///
    /// If `observation` has another length.
    fn observe(&self, observation: &mut [u8]);

    /// Whether an episode can get here.
    ///
    /// # Errors
    ///
    /// The rule that the state breaks.
    fn check(&self) -> Result<(), &'static str>;
}

/// The observation being written: rows of ten cells, `CHANNELS` bytes a cell.
pub(crate) struct Canvas<'a, const CHANNELS: usize> {
    cells: &'a mut [[u8; CHANNELS]],
}

impl<'a, const CHANNELS: usize> Canvas<'a, CHANNELS> {
    /// An empty canvas over `observation`.
    pub(crate) fn new(observation: &'a mut [u8]) -> Self {
        let length = SIZE * SIZE * CHANNELS;
        assert_eq!(observation.len(), length, "an observation of {SIZE}x{SIZE}x{CHANNELS} is {length} bytes");
        observation.fill(0);
        Canvas { cells: observation.as_chunks_mut().0 }
    }

    /// Sets `channel` of the cell in row `y`, column `x`.
    #[inline]
    pub(crate) fn mark(&mut self, y: i8, x: i8, channel: usize) {
        self.mark_cell(y as usize * SIZE + x as usize, channel);
    }

    /// Sets `channel` of the cell with the number `10 y + x`.
    #[inline]
    pub(crate) fn mark_cell(&mut self, cell: usize, channel: usize) {
        self.cells[cell][channel] = 1;
    }

    /// Sets `channel` of whole rows, from row `top` on.
    pub(crate) fn mark_rows(&mut self, top: usize, rows: &[[bool; SIZE]], channel: usize) {
        for (cell, set) in self.cells[top * SIZE..].iter_mut().zip(rows.as_flattened()) {
            cell[channel] = u8::from(*set);
        }
    }

    /// Sets `channel` of the cell that something at (`y`, `x`) has just left, if that is on the grid.
    #[inline]
    pub(crate) fn mark_trail(&mut self, y: i8, x: i8, rightward: bool, channel: usize) {
        let behind = x - direction(rightward);
        if on_grid(behind) {
            self.mark(y, behind, channel);
        }
    }
}

/// The change of column in one move.
#[inline]
pub(crate) fn direction(rightward: bool) -> i8 {
    if rightward { 1 } else { -1 }
}

/// Whether a row or column is one of the grid's.
#[inline]
pub(crate) fn on_grid(coordinate: i8) -> bool {
    (0..=LAST).contains(&coordinate)
}

/// The first broken one of a list of rules.
pub(crate) fn first_broken(rules: &[(bool, &'static str)]) -> Result<(), &'static str> {
    rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, rule)| Err(rule))
}
