//! Freeway: cross a road of eight lanes.
//!
//! The chicken starts at the bottom and moves up or down, at most once in three steps. Reaching the top is worth
//! 1 point, puts it back to the bottom and changes the speeds and directions of all cars; a car that hits it
//! puts it back too. Cars wrap around at the edges. The episode is over after 2,501 steps, and the game does not
//! grow harder.

use serde::{Deserialize, Serialize};

use crate::Game;
use crate::draws::Draws;
use crate::rules::{Action, Canvas, LAST, Rules, direction, first_broken, on_grid};

const CHANNELS: usize = 7;
const CHICKEN: usize = 0;
const CAR: usize = 1;
/// The trail's channel for the fastest cars, which move every second step; slower ones follow.
const TRAIL: usize = 2;

/// The chicken's column.
const COLUMN: i8 = 4;
/// Steps from one move of the chicken to the next.
const MOVE_INTERVAL: u8 = 3;
/// Steps of an episode, less one.
const TIME_LIMIT: u16 = 2500;
/// Kinds of speed.
const SPEEDS: u8 = 5;

/// The state of a game of Freeway.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Freeway {
    /// The chicken's row.
    chicken: i8,
    /// The cars of rows 1 to 8.
    cars: [Car; 8],
    /// Steps until the chicken can move.
    move_timer: u8,
    /// Steps left after the next one.
    steps_left: u16,
    over: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Car {
    x: i8,
    rightward: bool,
    /// Steps that the car waits between two moves.
    wait: u8,
    /// Steps until it moves.
    timer: u8,
}

impl Car {
    /// Moves the car if its time has come; true if it did.
    fn advance(&mut self) -> bool {
        if self.timer > 0 {
            self.timer -= 1;
            return false;
        }
        self.timer = self.wait;
        self.x = wrapped(self.x + direction(self.rightward));
        true
    }
}

/// The column on the other side for one just beyond the edge.
fn wrapped(x: i8) -> i8 {
    match x {
        ..0 => LAST,
        10.. => 0,
        _ => x,
    }
}

impl Freeway {
    /// Draws every car's speed, then every car's direction; positions stay.
    ///
    /// The Python package lets a car stand still if its draw is exactly 1/2 (once in 2^53), and fails to draw it;
    /// here it goes right.
    fn randomize_cars(&mut self, draws: &mut impl Draws) {
        for car in &mut self.cars {
            car.wait = 1 + draws.below(SPEEDS.into()) as u8;
            car.timer = car.wait;
        }
        for car in &mut self.cars {
            car.rightward = draws.uniform() >= 0.5;
        }
    }
}

impl Rules for Freeway {
    const GAME: Game = Game::Freeway;
    const CHANNELS: usize = CHANNELS;
    const MINIMAL_ACTIONS: &'static [Action] = &[Action::Noop, Action::Up, Action::Down];

    fn start(draws: &mut impl Draws) -> Self {
        let mut game = Freeway {
            chicken: LAST,
            cars: [Car::default(); 8],
            move_timer: MOVE_INTERVAL,
            steps_left: TIME_LIMIT,
            over: false,
        };
        game.randomize_cars(draws);
        game
    }

    fn act(&mut self, action: Action, _ramping: bool, draws: &mut impl Draws) -> f32 {
        if self.move_timer == 0 && matches!(action, Action::Up | Action::Down) {
            self.move_timer = MOVE_INTERVAL;
            let change = if action == Action::Up { -1 } else { 1 };
            self.chicken = (self.chicken + change).clamp(0, LAST);
        }
        let mut reward = 0.0;
        if self.chicken == 0 {
            reward = 1.0;
            self.randomize_cars(draws);
            self.chicken = LAST;
        }
        for (y, car) in (1..).zip(&mut self.cars) {
            let hit_before = car.x == COLUMN;
            let moved = car.advance();
            if self.chicken == y && (hit_before || (moved && car.x == COLUMN)) {
                self.chicken = LAST;
            }
        }
        self.move_timer = self.move_timer.saturating_sub(1);
        match self.steps_left.checked_sub(1) {
            Some(steps_left) => self.steps_left = steps_left,
            None => self.over = true,
        }
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
        canvas.mark(self.chicken, COLUMN, CHICKEN);
        for (y, car) in (1..).zip(&self.cars) {
            canvas.mark(y, car.x, CAR);
            let behind = wrapped(car.x - direction(car.rightward));
            canvas.mark(y, behind, TRAIL + usize::from(car.wait) - 1);
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        first_broken(&[
            ((1..=LAST).contains(&self.chicken), "the chicken is in rows 1 to 9"),
            (self.cars.iter().all(|car| on_grid(car.x)), "every car is on the grid"),
            (self.cars.iter().all(|car| (1..=SPEEDS).contains(&car.wait)), "a car waits 1 to 5 steps"),
            (self.cars.iter().all(|car| car.timer <= car.wait), "no car waits longer than its speed says"),
            (self.move_timer <= MOVE_INTERVAL, "the chicken can move within 3 steps"),
            (self.steps_left <= TIME_LIMIT, "an episode has 2,501 steps"),
        ])
    }
}
