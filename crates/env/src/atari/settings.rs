//! How a game is played.

use serde::{Deserialize, Serialize};

use softmoe_atari::Preprocessing;

use super::error::AtariError;

/// Most frames of an agent step: a second.
const MOST_FRAMES: u32 = 60;

/// How a game is played. The defaults are the paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Probability that the emulator repeats the last action, drawn for each frame (Machado et al. 2018: 0.25; Atari 100k: 0).
    pub sticky_action_probability: f64,
    /// Whether the agent chooses among all actions of the joystick rather than the game's minimal ones.
    pub full_action_set: bool,
    /// Whether a step ends with the frame in which a life is lost. The step then says `life_lost`, and the game goes on.
    pub terminal_on_life_loss: bool,
    /// Frames of an agent step, at least 1 (usually 4).
    pub frame_skip: u32,
    /// Bound on the no-ops before an episode, drawn uniformly; 0 for none (Atari 100k: 30). [`Preprocessing`] says what they are.
    pub noop_max: u32,
    /// The software whose order is followed.
    pub preprocessing: Preprocessing,
    /// Agent steps after which an episode is truncated, at least 1 (Dopamine: 27,000). No-ops do not count.
    pub max_episode_steps: u64,
    /// Frames after which the emulator itself truncates an episode, no-ops included; 0 for none.
    pub max_episode_frames: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            sticky_action_probability: 0.25,
            full_action_set: false,
            terminal_on_life_loss: false,
            frame_skip: 4,
            noop_max: 0,
            preprocessing: Preprocessing::Dopamine,
            max_episode_steps: 27_000,
            max_episode_frames: 0,
        }
    }
}

impl Settings {
    /// The settings of Atari 100k (Dopamine's `atari_100k`): no sticky actions, no-ops, and a lost life is an end for the agent.
    pub fn atari_100k() -> Self {
        Settings {
            sticky_action_probability: 0.0,
            terminal_on_life_loss: true,
            noop_max: 30,
            ..Settings::default()
        }
    }

    /// Whether the values make sense.
    ///
    /// # Errors
    ///
    /// [`AtariError::Setting`] for the first that does not.
    pub fn check(&self) -> Result<(), AtariError> {
        let wrong = |setting, value: String, rule| Err(AtariError::Setting { setting, value, rule });
        let probability = self.sticky_action_probability;
        if !(0.0..=1.0).contains(&probability) {
            return wrong("sticky_action_probability", probability.to_string(), "a number from 0 to 1");
        }
        if !(1..=MOST_FRAMES).contains(&self.frame_skip) {
            return wrong("frame_skip", self.frame_skip.to_string(), "a number of frames from 1 to 60");
        }
        if self.noop_max > 1_000 {
            return wrong("noop_max", self.noop_max.to_string(), "at most 1000");
        }
        if self.max_episode_steps == 0 {
            return wrong("max_episode_steps", "0".into(), "at least 1");
        }
        Ok(())
    }
}
