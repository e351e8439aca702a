//! What swims and flies in Seaquest, and the lists of it.

use serde::{Deserialize, Serialize};

use crate::rules::{direction, on_grid};

/// A fish, enemy submarine, diver or bullet; a timer that its kind does not have stays 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Body {
    pub(crate) y: i8,
    pub(crate) x: i8,
    pub(crate) rightward: bool,
    /// Steps until it moves; bullets always do.
    pub(crate) move_timer: u8,
    /// Steps until it shoots, for enemy submarines.
    pub(crate) shot_timer: u8,
}

impl Body {
    pub(crate) fn position(&self) -> (i8, i8) {
        (self.y, self.x)
    }

    /// Moves by a cell, perhaps off the grid.
    pub(crate) fn advance(&mut self) {
        self.x += direction(self.rightward);
    }

    /// Moves by a cell every `interval + 1` steps; true if it does now.
    pub(crate) fn swim(&mut self, interval: u8) -> bool {
        if self.move_timer > 0 {
            self.move_timer -= 1;
            return false;
        }
        self.move_timer = interval;
        self.advance();
        true
    }
}

/// Removes the first body that is equal to number `index`, itself or a double before it, and says where number
/// `index` is now.
///
/// Lists are walked from last to first, so that a body whose double was removed moves down into the next place
/// and has a second turn: so it goes in the Python package, whose `list.remove` compares by value.
pub(crate) fn remove_first_equal(bodies: &mut Vec<Body>, index: usize) -> Option<usize> {
    let body = bodies[index];
    let first = bodies.iter().position(|other| *other == body).unwrap_or(index);
    bodies.remove(first);
    (first < index).then(|| index - 1)
}

/// Removes the first body at a position; true if there is one.
pub(crate) fn remove_at(bodies: &mut Vec<Body>, position: (i8, i8)) -> bool {
    let found = bodies.iter().position(|body| body.position() == position);
    found.map(|index| bodies.remove(index)).is_some()
}

/// What came of an enemy's turn.
pub(crate) struct Turn {
    /// The enemy after it, perhaps off the grid.
    pub(crate) enemy: Body,
    /// Where in the list the enemy is now, if it still is.
    pub(crate) place: Option<usize>,
    pub(crate) touches_player: bool,
    pub(crate) shot: bool,
}

/// Moves enemy `index`, past the player and the player's bullets.
pub(crate) fn take_turn(
    enemies: &mut Vec<Body>,
    index: usize,
    interval: u8,
    player: (i8, i8),
    bullets: &mut Vec<Body>,
) -> Turn {
    let touched_before = enemies[index].position() == player;
    let moved = enemies[index].swim(interval);
    let enemy = enemies[index];
    let touches = enemy.position() == player;
    let shot = moved && on_grid(enemy.x) && !touches && remove_at(bullets, enemy.position());
    let gone = shot || !on_grid(enemy.x);
    let place = if gone { remove_first_equal(enemies, index) } else { Some(index) };
    Turn { enemy, place, touches_player: touched_before || touches, shot }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bullet(x: i8) -> Body {
        Body { y: 3, x, rightward: true, move_timer: 0, shot_timer: 0 }
    }

    /// In version 1.0.15 of the Python package bullets in columns 4, 7 and 3 of a row, a fish in column 4, are
    /// bullets in columns 8 and 5 a step later: the last one hits the fish, its double in front is removed, and
    /// it moves again after the second one has taken the first place.
    #[test]
    fn a_body_whose_double_is_removed_has_another_turn() {
        let mut bullets = vec![bullet(4), bullet(7), bullet(3)];
        let mut fish = vec![bullet(4)];
        for index in (0..bullets.len()).rev() {
            bullets[index].advance();
            if remove_at(&mut fish, bullets[index].position()) {
                assert_eq!(remove_first_equal(&mut bullets, index), Some(index - 1));
            }
        }
        assert_eq!(bullets, [bullet(8), bullet(5)]);
        assert_eq!(remove_first_equal(&mut bullets, 1), None);
        assert_eq!(bullets, [bullet(8)]);
    }
}
