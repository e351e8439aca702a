//! Asterix: collect gold, avoid enemies.
//!
//! The player moves freely over rows 1 to 8. Each of these rows is a lane in which one thing at a time, gold or
//! an enemy, runs from one side to the other. Gold is worth 1 point; touching an enemy ends the episode. Things
//! appear more often and run faster as time passes.

use serde::{Deserialize, Serialize};

use crate::Game;
use crate::draws::Draws;
use crate::rules::{Action, Canvas, LAST, Rules, direction, first_broken, on_grid};

const CHANNELS: usize = 4;
const PLAYER: usize = 0;
const ENEMY: usize = 1;
const TRAIL: usize = 2;
const GOLD: usize = 3;

/// Steps between two ramps of the difficulty, less two.
const RAMP_INTERVAL: i8 = 100;
/// Ramps after which neither interval can shrink further.
const MAX_RAMP: u8 = 9;

/// The state of a game of Asterix.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asterix {
    player_y: i8,
    player_x: i8,
    /// What runs along rows 1 to 8.
    lanes: [Option<Runner>; 8],
    /// Steps until something new appears.
    spawn_timer: u8,
    /// Steps until everything moves.
    move_timer: u8,
    /// Steps until the next ramp, which happens a step after 0.
    ramp_timer: i8,
    ramp: u8,
    over: bool,
}

/// An enemy or gold on its lane.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Runner {
    x: i8,
    rightward: bool,
    gold: bool,
}

impl Asterix {
    /// Steps between two appearances.
    fn spawn_interval(&self) -> u8 {
        10 - self.ramp
    }

    /// Steps between two moves: every second ramp shortens it.
    fn move_interval(&self) -> u8 {
        5 - self.ramp / 2
    }

    /// Puts something on a free lane. Kind and direction are drawn even if no lane is free.
    fn spawn(&mut self, draws: &mut impl Draws) {
        let rightward = draws.uniform() < 1.0 / 2.0;
        let gold = draws.uniform() < 1.0 / 3.0;
        let free = self.lanes.iter().filter(|lane| lane.is_none()).count();
        if free == 0 {
            return;
        }
        let chosen = draws.below(free);
        let lane = self.lanes.iter_mut().filter(|lane| lane.is_none()).nth(chosen);
        if let Some(lane) = lane {
            *lane = Some(Runner { x: if rightward { 0 } else { LAST }, rightward, gold });
        }
    }

    /// Moves everything by a cell; what leaves the grid is gone.
    fn advance(&mut self) {
        for lane in &mut self.lanes {
            if let Some(runner) = lane {
                runner.x += direction(runner.rightward);
                if !on_grid(runner.x) {
                    *lane = None;
                }
            }
        }
    }

    /// Takes the gold, or is caught by the enemy, in the player's cell, and gives the reward.
    fn touch(&mut self) -> f32 {
        let lane = &mut self.lanes[self.player_y as usize - 1];
        match lane {
            Some(runner) if runner.x == self.player_x && runner.gold => {
                *lane = None;
                1.0
            }
            Some(runner) if runner.x == self.player_x => {
                self.over = true;
                0.0
            }
            _ => 0.0,
        }
    }

    fn ramp_up(&mut self) {
        if self.ramp == MAX_RAMP {
            return;
        }
        if self.ramp_timer >= 0 {
            self.ramp_timer -= 1;
        } else {
            self.ramp += 1;
            self.ramp_timer = RAMP_INTERVAL;
        }
    }
}

impl Rules for Asterix {
    const GAME: Game = Game::Asterix;
    const CHANNELS: usize = CHANNELS;
    const MINIMAL_ACTIONS: &'static [Action] =
        &[Action::Noop, Action::Left, Action::Up, Action::Right, Action::Down];

    fn start(_draws: &mut impl Draws) -> Self {
        Asterix {
            player_y: 5,
            player_x: 5,
            lanes: [None; 8],
            spawn_timer: 10,
            move_timer: 5,
            ramp_timer: RAMP_INTERVAL,
            ramp: 0,
            over: false,
        }
    }

    fn act(&mut self, action: Action, ramping: bool, draws: &mut impl Draws) -> f32 {
        if self.spawn_timer == 0 {
            self.spawn(draws);
            self.spawn_timer = self.spawn_interval();
        }
        match action {
            Action::Left => self.player_x = (self.player_x - 1).max(0),
            Action::Right => self.player_x = (self.player_x + 1).min(LAST),
            Action::Up => self.player_y = (self.player_y - 1).max(1),
            Action::Down => self.player_y = (self.player_y + 1).min(8),
            Action::Noop | Action::Fire => {}
        }
        let mut reward = self.touch();
        if self.move_timer == 0 {
            self.move_timer = self.move_interval();
            self.advance();
            reward += self.touch();
        }
        self.spawn_timer -= 1;
        self.move_timer -= 1;
        if ramping {
            self.ramp_up();
        }
        reward
    }

    fn is_over(&self) -> bool {
        self.over
    }

    fn difficulty_ramp(&self) -> Option<u32> {
        Some(self.ramp.into())
    }

    fn observe(&self, observation: &mut [u8]) {
        let mut canvas = Canvas::<CHANNELS>::new(observation);
        canvas.mark(self.player_y, self.player_x, PLAYER);
        for (y, lane) in (1..).zip(&self.lanes) {
            if let Some(runner) = lane {
                canvas.mark(y, runner.x, if runner.gold { GOLD } else { ENEMY });
                canvas.mark_trail(y, runner.x, runner.rightward, TRAIL);
            }
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        first_broken(&[
            ((1..=8).contains(&self.player_y) && on_grid(self.player_x), "the player is in rows 1 to 8"),
            (
                self.lanes.iter().flatten().all(|runner| on_grid(runner.x)),
                "everything on a lane is on the grid",
            ),
            (self.ramp <= MAX_RAMP, "the difficulty ramps 9 times at most"),
            (self.spawn_timer <= 10, "something appears within 10 steps"),
            (self.move_timer <= 5, "everything moves within 5 steps"),
            ((-1..=RAMP_INTERVAL).contains(&self.ramp_timer), "the ramp's timer is within -1 to 100"),
        ])
    }
}
