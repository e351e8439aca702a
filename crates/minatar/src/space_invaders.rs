//! Space Invaders: shoot a block of aliens that comes down.
//!
//! The cannon moves along the last row and shoots upwards. The aliens move sideways together, and down when one
//! of them is at the edge; the nearest one shoots back. An alien is worth 1 point. The fewer are left the faster
//! they move, and each new wave is faster from the start. A bullet or an alien that reaches the cannon, or aliens
//! that have to move down from the last row, end the episode.

use serde::{Deserialize, Serialize};

use crate::Game;
use crate::draws::Draws;
use crate::rules::{Action, Canvas, LAST, Rules, SIZE, first_broken, on_grid};

const CHANNELS: usize = 6;
const CANNON: usize = 0;
const ALIEN: usize = 1;
const ALIEN_LEFT: usize = 2;
const ALIEN_RIGHT: usize = 3;
const FRIENDLY_BULLET: usize = 4;
const ENEMY_BULLET: usize = 5;

/// Steps from one shot of the cannon to the next.
const SHOT_INTERVAL: u8 = 5;
/// Steps from one shot of the aliens to the next.
const ALIEN_SHOT_INTERVAL: u8 = 10;
/// Steps between two moves of the first wave, while it has at least as many aliens.
const ALIEN_MOVE_INTERVAL: u8 = 12;
/// Waves after which the next one is no faster.
const MAX_RAMP: u8 = 6;

/// A set of cells: cell (y, x) is bit `10 y + x`.
type Cells = u128;

const GRID: Cells = (1 << (SIZE * SIZE)) - 1;
const FIRST_COLUMN: Cells = GRID / ((1 << SIZE) - 1);
const LAST_COLUMN: Cells = FIRST_COLUMN << LAST;
const LAST_ROW: Cells = ((1 << SIZE) - 1) << (SIZE * (SIZE - 1));
/// Rows 0 to 3, columns 2 to 7.
const WAVE: Cells = 0b0011111100_0011111100_0011111100_0011111100;

fn cell(y: i8, x: i8) -> Cells {
    1 << (y as usize * SIZE + x as usize)
}

/// One row down; what was in the last row is gone.
fn down(cells: Cells) -> Cells {
    (cells << SIZE) & GRID
}

/// One row down; the last row becomes the first.
fn down_around(cells: Cells) -> Cells {
    down(cells) | (cells >> (SIZE * (SIZE - 1)))
}

/// The numbers of the cells, in rising order.
fn numbers(mut cells: Cells) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (cells != 0).then(|| cells.trailing_zeros() as usize)?;
        cells &= cells - 1;
        Some(lowest)
    })
}

/// The state of a game of Space Invaders.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SpaceInvaders {
    cannon: i8,
    friendly_bullets: Cells,
    enemy_bullets: Cells,
    aliens: Cells,
    rightward: bool,
    /// Steps until the cannon can shoot.
    shot_timer: u8,
    /// Steps until the aliens move.
    alien_move_timer: u8,
    /// Steps until the aliens shoot.
    alien_shot_timer: u8,
    ramp: u8,
    over: bool,
}

impl SpaceInvaders {
    fn move_aliens(&mut self) {
        let edge = if self.rightward { LAST_COLUMN } else { FIRST_COLUMN };
        if self.aliens & edge != 0 {
            self.rightward = !self.rightward;
            self.over |= self.aliens & LAST_ROW != 0;
            self.aliens = down_around(self.aliens);
        } else if self.rightward {
            self.aliens <<= 1;
        } else {
            self.aliens >>= 1;
        }
    }

    /// The lowest alien of the column nearest to the cannon; of two such columns the left one's.
    fn nearest_alien(&self) -> Option<Cells> {
        (0..=LAST)
            .flat_map(|distance| [self.cannon - distance, self.cannon + distance])
            .filter(|x| on_grid(*x))
            .map(|x| self.aliens & (FIRST_COLUMN << x))
            .find(|column| *column != 0)
            .map(|column| 1 << column.ilog2())
    }
}

impl Rules for SpaceInvaders {
    const GAME: Game = Game::SpaceInvaders;
    const CHANNELS: usize = CHANNELS;
    const MINIMAL_ACTIONS: &'static [Action] = &[Action::Noop, Action::Left, Action::Right, Action::Fire];

    fn start(_draws: &mut impl Draws) -> Self {
        SpaceInvaders {
            cannon: 5,
            friendly_bullets: 0,
            enemy_bullets: 0,
            aliens: WAVE,
            rightward: false,
            shot_timer: 0,
            alien_move_timer: ALIEN_MOVE_INTERVAL,
            alien_shot_timer: ALIEN_SHOT_INTERVAL,
            ramp: 0,
            over: false,
        }
    }

    fn act(&mut self, action: Action, ramping: bool, _draws: &mut impl Draws) -> f32 {
        match action {
            Action::Fire if self.shot_timer == 0 => {
                self.friendly_bullets |= cell(LAST, self.cannon);
                self.shot_timer = SHOT_INTERVAL;
            }
            Action::Left => self.cannon = (self.cannon - 1).max(0),
            Action::Right => self.cannon = (self.cannon + 1).min(LAST),
            _ => {}
        }
        let cannon = cell(LAST, self.cannon);
        self.friendly_bullets >>= SIZE;
        self.enemy_bullets = down(self.enemy_bullets);
        self.over |= (self.enemy_bullets | self.aliens) & cannon != 0;

        if self.alien_move_timer == 0 {
            let interval = ALIEN_MOVE_INTERVAL - self.ramp;
            self.alien_move_timer = interval.min(self.aliens.count_ones() as u8);
            self.move_aliens();
            self.over |= self.aliens & cannon != 0;
        }
        if self.alien_shot_timer == 0 {
            self.alien_shot_timer = ALIEN_SHOT_INTERVAL;
            self.enemy_bullets |= self.nearest_alien().unwrap_or(0);
        }
        let hit = self.aliens & self.friendly_bullets;
        self.aliens ^= hit;
        self.friendly_bullets ^= hit;

        self.shot_timer = self.shot_timer.saturating_sub(1);
        self.alien_move_timer -= 1;
        self.alien_shot_timer -= 1;
        if self.aliens == 0 {
            if ramping && self.ramp < MAX_RAMP {
                self.ramp += 1;
            }
            self.aliens = WAVE;
        }
        hit.count_ones() as f32
    }

    fn is_over(&self) -> bool {
        self.over
    }

    fn difficulty_ramp(&self) -> Option<u32> {
        Some(self.ramp.into())
    }

    fn observe(&self, observation: &mut [u8]) {
        let mut canvas = Canvas::<CHANNELS>::new(observation);
        canvas.mark(LAST, self.cannon, CANNON);
        let facing = if self.rightward { ALIEN_RIGHT } else { ALIEN_LEFT };
        for number in numbers(self.aliens) {
            canvas.mark_cell(number, ALIEN);
            canvas.mark_cell(number, facing);
        }
        for number in numbers(self.friendly_bullets) {
            canvas.mark_cell(number, FRIENDLY_BULLET);
        }
        for number in numbers(self.enemy_bullets) {
            canvas.mark_cell(number, ENEMY_BULLET);
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        let everything = self.aliens | self.friendly_bullets | self.enemy_bullets;
        first_broken(&[
            (on_grid(self.cannon), "the cannon is on the grid"),
            (everything & !GRID == 0, "aliens and bullets are on the grid"),
            (self.aliens != 0, "a new wave comes when no alien is left"),
            (self.ramp <= MAX_RAMP, "the difficulty ramps 6 times at most"),
            (self.shot_timer <= SHOT_INTERVAL, "the cannon can shoot within 5 steps"),
            (self.alien_move_timer <= ALIEN_MOVE_INTERVAL, "the aliens move within 12 steps"),
            (self.alien_shot_timer <= ALIEN_SHOT_INTERVAL, "the aliens shoot within 10 steps"),
        ])
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    /// As in the Python package, whose `np.roll` takes the last row around to the first.
    #[test]
    fn aliens_that_must_leave_the_last_row_end_the_episode_and_come_back_on_top() {
        let mut draws = Xoshiro256PlusPlus::seed_from_u64(0);
        let mut game = SpaceInvaders::start(&mut draws);
        game.aliens = cell(9, 9) | cell(4, 7);
        (game.rightward, game.cannon, game.alien_move_timer) = (true, 2, 0);
        game.act(Action::Noop, true, &mut draws);
        assert!(game.over && !game.rightward);
        assert_eq!(game.aliens, cell(0, 9) | cell(5, 7));
    }
}
