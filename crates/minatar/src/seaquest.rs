//! Seaquest: rescue divers, shoot submarines and fish, mind the oxygen.
//!
//! The player's submarine takes two cells, front and back, moves over rows 0 (the surface) to 8, and shoots the
//! way it faces. Fish and enemy submarines cross rows 1 to 8, the submarines shoot; each one hit is worth 1
//! point. Touching a diver takes the diver on board, six at most. Below the surface oxygen runs out. Surfacing
//! refills it and costs a diver; with six divers on board it is worth a point for each cell of the oxygen bar
//! and costs all six and one more, after which the count is -1. Surfacing with a count of 0, running out of
//! oxygen, and touching an enemy or its bullet end the episode. With each surfacing enemies appear more often,
//! and with every second one they move faster.

mod bodies;

use serde::{Deserialize, Serialize};

use self::bodies::{Body, remove_at, remove_first_equal, take_turn};
use crate::Game;
use crate::draws::Draws;
use crate::rules::{Action, Canvas, LAST, Rules, direction, first_broken, on_grid};

const CHANNELS: usize = 10;
const SUBMARINE_FRONT: usize = 0;
const SUBMARINE_BACK: usize = 1;
const FRIENDLY_BULLET: usize = 2;
const TRAIL: usize = 3;
const ENEMY_BULLET: usize = 4;
const FISH: usize = 5;
const ENEMY_SUBMARINE: usize = 6;
const OXYGEN_GAUGE: usize = 7;
const DIVER_GAUGE: usize = 8;
const DIVER: usize = 9;

/// Steps below the surface that a full tank lasts.
const MAX_OXYGEN: i16 = 200;
const MAX_DIVERS: i32 = 6;
/// Steps from one diver's appearance to the next one's.
const DIVER_SPAWN_INTERVAL: u8 = 30;
/// Steps that a diver waits between two moves.
const DIVER_MOVE_INTERVAL: u8 = 5;
/// Steps from one shot of the player to the next.
const SHOT_INTERVAL: u8 = 5;
/// Steps that an enemy submarine waits between two shots.
const ENEMY_SHOT_INTERVAL: u8 = 10;
/// Ramps after which neither interval can shrink further.
const MAX_RAMP: u8 = 19;
/// More bodies of a kind than a game ever has: at most one appears a step, and none stays for 64.
const MAX_BODIES: usize = 64;

/// The state of a game of Seaquest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seaquest {
    player_y: i8,
    player_x: i8,
    facing_right: bool,
    oxygen: i16,
    /// Divers on board; negative after surfacing with six.
    divers_on_board: i32,
    at_surface: bool,
    friendly_bullets: Vec<Body>,
    enemy_bullets: Vec<Body>,
    fish: Vec<Body>,
    enemy_submarines: Vec<Body>,
    divers: Vec<Body>,
    /// Steps until an enemy appears.
    enemy_spawn_timer: u8,
    /// Steps until a diver appears.
    diver_spawn_timer: u8,
    /// Steps until the player can shoot.
    shot_timer: u8,
    ramp: u8,
    over: bool,
}

impl Seaquest {
    fn player(&self) -> (i8, i8) {
        (self.player_y, self.player_x)
    }

    /// Steps from one enemy's appearance to the next one's.
    fn spawn_interval(&self) -> u8 {
        20 - self.ramp
    }

    /// Steps that an enemy waits between two moves.
    fn move_interval(&self) -> u8 {
        5 - (self.ramp / 2).min(3)
    }

    /// Lets a fish or a submarine appear, unless one in the drawn row goes the other way.
    fn spawn_enemy(&mut self, draws: &mut impl Draws) {
        let rightward = draws.uniform() < 1.0 / 2.0;
        let is_submarine = draws.uniform() < 1.0 / 3.0;
        let y = 1 + draws.below(8) as i8;
        let mut enemies = self.fish.iter().chain(&self.enemy_submarines);
        if enemies.any(|enemy| enemy.y == y && enemy.rightward != rightward) {
            return;
        }
        let x = if rightward { 0 } else { LAST };
        let move_timer = self.move_interval();
        let (list, shot_timer) = if is_submarine {
            (&mut self.enemy_submarines, ENEMY_SHOT_INTERVAL)
        } else {
            (&mut self.fish, 0)
        };
        list.push(Body { y, x, rightward, move_timer, shot_timer });
    }

    fn spawn_diver(&mut self, draws: &mut impl Draws) {
        let rightward = draws.uniform() < 1.0 / 2.0;
        let y = 1 + draws.below(8) as i8;
        let x = if rightward { 0 } else { LAST };
        self.divers.push(Body { y, x, rightward, move_timer: DIVER_MOVE_INTERVAL, shot_timer: 0 });
    }

    fn steer(&mut self, action: Action) {
        match action {
            Action::Fire if self.shot_timer == 0 => {
                let (y, x) = self.player();
                let bullet = Body { y, x, rightward: self.facing_right, move_timer: 0, shot_timer: 0 };
                self.friendly_bullets.push(bullet);
                self.shot_timer = SHOT_INTERVAL;
            }
            Action::Left => {
                self.player_x = (self.player_x - 1).max(0);
                self.facing_right = false;
            }
            Action::Right => {
                self.player_x = (self.player_x + 1).min(LAST);
                self.facing_right = true;
            }
            Action::Up => self.player_y = (self.player_y - 1).max(0),
            Action::Down => self.player_y = (self.player_y + 1).min(8),
            Action::Noop | Action::Fire => {}
        }
    }

    fn move_friendly_bullets(&mut self) -> f32 {
        let mut reward = 0.0;
        for index in (0..self.friendly_bullets.len()).rev() {
            let bullet = &mut self.friendly_bullets[index];
            bullet.advance();
            let position = bullet.position();
            let inside = on_grid(bullet.x);
            let hits = inside
                && (remove_at(&mut self.fish, position) || remove_at(&mut self.enemy_submarines, position));
            if hits {
                reward += 1.0;
            }
            if hits || !inside {
                remove_first_equal(&mut self.friendly_bullets, index);
            }
        }
        reward
    }

    fn move_divers(&mut self) {
        let player = self.player();
        for index in (0..self.divers.len()).rev() {
            let has_room = self.divers_on_board < MAX_DIVERS;
            let diver = &mut self.divers[index];
            let mut rescued = has_room && diver.position() == player;
            if !rescued {
                diver.swim(DIVER_MOVE_INTERVAL);
                rescued = has_room && diver.position() == player;
            }
            if rescued {
                self.divers_on_board += 1;
            }
            if rescued || !on_grid(diver.x) {
                remove_first_equal(&mut self.divers, index);
            }
        }
    }

    fn move_enemy_submarines(&mut self) -> f32 {
        let (player, interval) = (self.player(), self.move_interval());
        let mut reward = 0.0;
        for index in (0..self.enemy_submarines.len()).rev() {
            let turn =
                take_turn(&mut self.enemy_submarines, index, interval, player, &mut self.friendly_bullets);
            self.over |= turn.touches_player;
            if turn.shot {
                reward += 1.0;
            }
            // It shoots even if it was shot or has left in this very step.
            let mut enemy = turn.enemy;
            if enemy.shot_timer == 0 {
                enemy.shot_timer = ENEMY_SHOT_INTERVAL;
                self.enemy_bullets.push(Body { move_timer: 0, shot_timer: 0, ..enemy });
            } else {
                enemy.shot_timer -= 1;
            }
            if let Some(place) = turn.place {
                self.enemy_submarines[place] = enemy;
            }
        }
        reward
    }

    fn move_enemy_bullets(&mut self) {
        let player = self.player();
        for index in (0..self.enemy_bullets.len()).rev() {
            let bullet = &mut self.enemy_bullets[index];
            self.over |= bullet.position() == player;
            bullet.advance();
            self.over |= bullet.position() == player;
            if !on_grid(bullet.x) {
                remove_first_equal(&mut self.enemy_bullets, index);
            }
        }
    }

    fn move_fish(&mut self) -> f32 {
        let (player, interval) = (self.player(), self.move_interval());
        let mut reward = 0.0;
        for index in (0..self.fish.len()).rev() {
            let turn = take_turn(&mut self.fish, index, interval, player, &mut self.friendly_bullets);
            self.over |= turn.touches_player;
            if turn.shot {
                reward += 1.0;
            }
        }
        reward
    }

    /// Uses up oxygen, or comes up, and gives the reward for that.
    fn breathe(&mut self, ramping: bool) -> f32 {
        self.over |= self.oxygen <= 0;
        if self.player_y > 0 {
            self.oxygen -= 1;
            self.at_surface = false;
            return 0.0;
        }
        if self.at_surface {
            return 0.0;
        }
        if self.divers_on_board == 0 {
            self.over = true;
            return 0.0;
        }
        self.at_surface = true;
        let mut reward = 0.0;
        if self.divers_on_board == MAX_DIVERS {
            self.divers_on_board = 0;
            reward = f32::from(self.oxygen * 10 / MAX_OXYGEN);
        }
        self.oxygen = MAX_OXYGEN;
        self.divers_on_board = self.divers_on_board.saturating_sub(1);
        if ramping && self.ramp < MAX_RAMP {
            self.ramp += 1;
        }
        reward
    }
}

impl Rules for Seaquest {
    const GAME: Game = Game::Seaquest;
    const CHANNELS: usize = CHANNELS;
    const MINIMAL_ACTIONS: &'static [Action] = &Action::ALL;

    fn start(_draws: &mut impl Draws) -> Self {
        Seaquest {
            player_y: 0,
            player_x: 5,
            facing_right: false,
            oxygen: MAX_OXYGEN,
            divers_on_board: 0,
            at_surface: true,
            friendly_bullets: Vec::with_capacity(4),
            enemy_bullets: Vec::with_capacity(16),
            fish: Vec::with_capacity(16),
            enemy_submarines: Vec::with_capacity(16),
            divers: Vec::with_capacity(4),
            enemy_spawn_timer: 20,
            diver_spawn_timer: DIVER_SPAWN_INTERVAL,
            shot_timer: 0,
            ramp: 0,
            over: false,
        }
    }

    fn act(&mut self, action: Action, ramping: bool, draws: &mut impl Draws) -> f32 {
        if self.enemy_spawn_timer == 0 {
            self.spawn_enemy(draws);
            self.enemy_spawn_timer = self.spawn_interval();
        }
        if self.diver_spawn_timer == 0 {
            self.spawn_diver(draws);
            self.diver_spawn_timer = DIVER_SPAWN_INTERVAL;
        }
        self.steer(action);
        let mut reward = self.move_friendly_bullets();
        self.move_divers();
        reward += self.move_enemy_submarines();
        self.move_enemy_bullets();
        reward += self.move_fish();
        for timer in [&mut self.enemy_spawn_timer, &mut self.diver_spawn_timer, &mut self.shot_timer] {
            *timer = timer.saturating_sub(1);
        }
        reward + self.breathe(ramping)
    }

    fn is_over(&self) -> bool {
        self.over
    }

    fn difficulty_ramp(&self) -> Option<u32> {
        Some(self.ramp.into())
    }

    fn observe(&self, observation: &mut [u8]) {
        let mut canvas = Canvas::<CHANNELS>::new(observation);
        canvas.mark(self.player_y, self.player_x, SUBMARINE_FRONT);
        canvas.mark(self.player_y, self.player_x - direction(self.facing_right), SUBMARINE_BACK);
        for x in 0..(self.oxygen.max(0) * 10 / MAX_OXYGEN) as i8 {
            canvas.mark(LAST, x, OXYGEN_GAUGE);
        }
        for x in LAST - self.divers_on_board.max(0) as i8..LAST {
            canvas.mark(LAST, x, DIVER_GAUGE);
        }
        for (bullets, channel) in
            [(&self.friendly_bullets, FRIENDLY_BULLET), (&self.enemy_bullets, ENEMY_BULLET)]
        {
            for bullet in bullets {
                canvas.mark(bullet.y, bullet.x, channel);
            }
        }
        for (bodies, channel) in
            [(&self.fish, FISH), (&self.enemy_submarines, ENEMY_SUBMARINE), (&self.divers, DIVER)]
        {
            for body in bodies {
                canvas.mark(body.y, body.x, channel);
                canvas.mark_trail(body.y, body.x, body.rightward, TRAIL);
            }
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        let lists =
            [&self.friendly_bullets, &self.enemy_bullets, &self.fish, &self.enemy_submarines, &self.divers];
        let bodies = || lists.into_iter().flatten();
        // Before it is known to be on the grid, the position may be any number.
        let behind = self.player_x.saturating_sub(direction(self.facing_right));
        let player_inside = on_grid(self.player_x) && (0..=8).contains(&self.player_y);
        first_broken(&[
            (player_inside, "the submarine is in rows 0 to 8"),
            (on_grid(behind), "the submarine's back is on the grid"),
            ((-1..=MAX_OXYGEN).contains(&self.oxygen), "there is oxygen for 200 steps at most"),
            (self.over || self.oxygen >= 0, "the episode is over when oxygen has run out"),
            (self.divers_on_board <= MAX_DIVERS, "six divers at most are on board"),
            (lists.iter().all(|list| list.len() <= MAX_BODIES), "at most 64 of a kind are about"),
            (
                bodies().all(|body| on_grid(body.x) && (0..=8).contains(&body.y)),
                "everything is in rows 0 to 8",
            ),
            (bodies().all(|body| body.move_timer <= 5), "everything moves within 5 steps"),
            (bodies().all(|body| body.shot_timer <= ENEMY_SHOT_INTERVAL), "submarines shoot within 10 steps"),
            (self.enemy_spawn_timer <= 20, "an enemy appears within 20 steps"),
            (self.diver_spawn_timer <= DIVER_SPAWN_INTERVAL, "a diver appears within 30 steps"),
            (self.shot_timer <= SHOT_INTERVAL, "the player can shoot within 5 steps"),
            (self.ramp <= MAX_RAMP, "the difficulty ramps 19 times at most"),
        ])
    }
}
