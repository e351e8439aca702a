//! Keys of a person who plays.

use crossterm::event::KeyCode;
use std::time::{Duration, Instant};

/// Time that a key counts as held after it was pressed: a terminal reports only presses, and repeats them.
const HELD: Duration = Duration::from_millis(180);

/// A part of an action's name.
const PARTS: [&str; 5] = ["up", "down", "left", "right", "fire"];

/// The description of the keys.
pub(crate) const HELP: &str = "arrows or WASD: move   space: fire   p: pause   q: quit";

/// The keys that are held.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    pressed: [Option<Instant>; PARTS.len()],
}

impl Keys {
    /// Notes that a key was pressed `now`. Returns whether it is a key of the game.
    pub(crate) fn press(&mut self, key: KeyCode, now: Instant) -> bool {
        let part = match key {
            KeyCode::Up | KeyCode::Char('w' | 'W') => "up",
            KeyCode::Down | KeyCode::Char('s' | 'S') => "down",
            KeyCode::Left | KeyCode::Char('a' | 'A') => "left",
            KeyCode::Right | KeyCode::Char('d' | 'D') => "right",
            KeyCode::Char(' ') => "fire",
            _ => return false,
        };
        for (name, pressed) in PARTS.iter().zip(&mut self.pressed) {
            if *name == part {
                *pressed = Some(now);
            } else if opposite(part) == Some(name) {
                *pressed = None;
            }
        }
        true
    }

    /// The action for the keys that are held `now`. Every part of its name is a held key, and it has the most parts. Without such an action,
    /// the action that does nothing.
    pub(crate) fn action(&self, names: &[&str], now: Instant) -> usize {
        let is_held = |pressed: &Option<Instant>| pressed.is_some_and(|at| now.duration_since(at) < HELD);
        let held: Vec<&str> = PARTS
            .iter()
            .zip(&self.pressed)
            .filter(|(_, pressed)| is_held(pressed))
            .map(|(name, _)| *name)
            .collect();
        let parts = |name: &str| -> Option<usize> {
            name.split(' ').map(|part| held.contains(&part).then_some(1)).sum()
        };
        let best = names.iter().enumerate().filter_map(|(action, name)| Some((parts(name)?, action)));
        let best = best.max_by_key(|(parts, action)| (*parts, std::cmp::Reverse(*action)));
        let idle = || names.iter().position(|name| *name == "no-op").unwrap_or(0);
        best.map_or_else(idle, |(_, action)| action)
    }
}

fn opposite(part: &str) -> Option<&'static str> {
    match part {
        "up" => Some("down"),
        "down" => Some("up"),
        "left" => Some("right"),
        "right" => Some("left"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINATAR: [&str; 6] = ["no-op", "left", "up", "right", "down", "fire"];
    const ATARI: [&str; 5] = ["no-op", "fire", "up", "right", "up right fire"];

    #[test]
    fn held_keys_make_an_action() {
        let now = Instant::now();
        let action = |pressed: &[KeyCode], names: &[&'static str]| {
            let mut keys = Keys::default();
            pressed.iter().for_each(|key| assert!(keys.press(*key, now)));
            names[keys.action(names, now)]
        };
        let (up, right, fire) = (KeyCode::Up, KeyCode::Char('d'), KeyCode::Char(' '));
        assert_eq!(action(&[], &MINATAR), "no-op");
        assert_eq!(action(&[right], &MINATAR), "right");
        assert_eq!(action(&[KeyCode::Left, right], &MINATAR), "right");
        assert_eq!(action(&[up, right, fire], &ATARI), "up right fire");
        // No action has these two alone.
        assert_eq!(action(&[up, fire], &ATARI), "fire");
        assert_eq!(action(&[KeyCode::Down], &ATARI), "no-op");
    }

    #[test]
    fn a_key_is_held_for_a_while() {
        let (now, mut keys) = (Instant::now(), Keys::default());
        keys.press(KeyCode::Up, now);
        assert_eq!(keys.action(&MINATAR, now + HELD / 2), 2);
        assert_eq!(keys.action(&MINATAR, now + HELD), 0);
        assert!(!keys.press(KeyCode::Char('x'), now));
    }
}
