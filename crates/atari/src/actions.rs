//! The actions of the console's joystick.

/// The names of the joystick's actions, by ALE's number.
pub const ACTION_NAMES: [&str; 18] = [
    "no-op",
    "fire",
    "up",
    "right",
    "left",
    "down",
    "up right",
    "up left",
    "down right",
    "down left",
    "up fire",
    "right fire",
    "left fire",
    "down fire",
    "up right fire",
    "up left fire",
    "down right fire",
    "down left fire",
];
