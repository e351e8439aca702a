//! Breakout: break bricks with a ball and a paddle.
//!
//! The ball moves along diagonals and is reflected by walls, bricks and the paddle in the last row; where it
//! meets the paddle decides whether it goes straight back. A brick is worth 1 point, and when the ball comes
//! down to the paddle's row with no brick left, three new rows appear. A missed ball ends the episode. The game
//! does not grow harder.

use serde::{Deserialize, Serialize};

use crate::Game;
use crate::draws::Draws;
use crate::rules::{Action, Canvas, LAST, Rules, SIZE, direction, first_broken, on_grid};

const CHANNELS: usize = 4;
const PADDLE: usize = 0;
const BALL: usize = 1;
const TRAIL: usize = 2;
const BRICK: usize = 3;

/// The first row of bricks.
const WALL_TOP: usize = 1;
/// Rows of bricks.
const WALL_ROWS: usize = 3;

/// The state of a game of Breakout.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Breakout {
    paddle: i8,
    ball: Cell,
    /// Where the ball was a step ago.
    trail: Cell,
    rightward: bool,
    downward: bool,
    bricks: [[bool; SIZE]; WALL_ROWS],
    /// The ball broke a brick and has met bricks ever since: these it passes unharmed.
    inside_wall: bool,
    over: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Cell {
    y: i8,
    x: i8,
}

impl Breakout {
    /// The brick of a cell, if bricks can be there.
    fn brick(&mut self, cell: Cell) -> Option<&mut bool> {
        let row = usize::try_from(cell.y).ok()?.checked_sub(WALL_TOP)?;
        Some(&mut self.bricks.get_mut(row)?[cell.x as usize])
    }

    /// Takes the ball to row 9 at `next`: back from the paddle, or lost.
    fn meet_paddle(&mut self, next: &mut Cell) {
        if self.bricks.as_flattened().iter().all(|brick| !brick) {
            self.bricks = [[true; SIZE]; WALL_ROWS];
        }
        if self.ball.x == self.paddle {
            self.downward = false;
        } else if next.x == self.paddle {
            self.downward = false;
            self.rightward = !self.rightward;
        } else {
            self.over = true;
            return;
        }
        next.y = self.ball.y;
    }
}

impl Rules for Breakout {
    const GAME: Game = Game::Breakout;
    const CHANNELS: usize = CHANNELS;
    const MINIMAL_ACTIONS: &'static [Action] = &[Action::Noop, Action::Left, Action::Right];

    fn start(draws: &mut impl Draws) -> Self {
        let from_left = draws.below(2) == 0;
        let ball = Cell { y: 3, x: if from_left { 0 } else { LAST } };
        Breakout {
            paddle: 4,
            ball,
            trail: ball,
            rightward: from_left,
            downward: true,
            bricks: [[true; SIZE]; WALL_ROWS],
            inside_wall: false,
            over: false,
        }
    }

    fn act(&mut self, action: Action, _ramping: bool, _draws: &mut impl Draws) -> f32 {
        match action {
            Action::Left => self.paddle = (self.paddle - 1).max(0),
            Action::Right => self.paddle = (self.paddle + 1).min(LAST),
            _ => {}
        }

        let mut next = Cell {
            y: self.ball.y + if self.downward { 1 } else { -1 },
            x: self.ball.x + direction(self.rightward),
        };
        if !on_grid(next.x) {
            next.x = next.x.clamp(0, LAST);
            self.rightward = !self.rightward;
        }
        let mut reward = 0.0;
        let mut meets_brick = false;
        if next.y < 0 {
            next.y = 0;
            self.downward = true;
        } else if self.brick(next).is_some_and(|brick| *brick) {
            meets_brick = true;
            if !self.inside_wall {
                reward = 1.0;
                if let Some(brick) = self.brick(next) {
                    *brick = false;
                }
                next.y = self.ball.y;
                self.downward = !self.downward;
            }
        } else if next.y == LAST {
            self.meet_paddle(&mut next);
        }
        self.inside_wall = meets_brick;
        self.trail = self.ball;
        self.ball = next;
        reward
    }

    fn is_over(&self) -> bool {
        self.over
    }

    fn difficulty_ramp(&self) -> Option<u32> {
        None
    }

    fn observe(&self, observation: &mut [u8]) {
        let mut canvas = Canvas::<CHANNELS>::new(observation);
        canvas.mark(self.ball.y, self.ball.x, BALL);
        canvas.mark(LAST, self.paddle, PADDLE);
        canvas.mark(self.trail.y, self.trail.x, TRAIL);
        canvas.mark_rows(WALL_TOP, &self.bricks, BRICK);
    }

    fn check(&self) -> Result<(), &'static str> {
        let cell_on_grid = |cell: Cell| on_grid(cell.y) && on_grid(cell.x);
        first_broken(&[
            (on_grid(self.paddle), "the paddle is on the grid"),
            (cell_on_grid(self.ball) && cell_on_grid(self.trail), "the ball is on the grid"),
            (self.over == (self.ball.y == LAST), "the episode is over when the ball is in the last row"),
        ])
    }
}
