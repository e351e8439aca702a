//! Settings of an Atari game.

use serde::{Deserialize, Serialize};

use softmoe_atari::Preprocessing;

use super::error::AtariError;

/// Maximum frame skip: one second.
const MOST_FRAMES: u32 = 60;

/// Settings of an Atari game. The defaults are those of the paper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Probability of a sticky action, drawn for each frame (Machado et al. 2018: 0.25; Atari 100k: 0).
    pub sticky_action_probability: f64,
    /// Whether the agent uses the full action set instead of the game's minimal action set.
    pub full_action_set: bool,
    /// Episodic life: whether a step ends in the frame in which a life is lost. The step then reports `life_lost`, and the game continues.
    pub terminal_on_life_loss: bool,
    /// Number of frames per agent step, at least 1 (usually 4).
    pub frame_skip: u32,
    /// Bound on the uniformly drawn number of no-ops before an episode; 0 for none (Atari 100k: 30). [`Preprocessing`] defines the
    /// range and the unit.
    pub noop_max: u32,
    /// The reference implementation to follow.
    pub preprocessing: Preprocessing,
    /// Agent steps after which an episode is truncated, at least 1 (Dopamine: 27,000). No-ops do not count.
    pub max_episode_steps: u64,
    /// Frames after which the emulator itself truncates an episode, including no-ops; 0 for no limit.
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
    /// The settings of Atari 100k (Dopamine's `atari_100k`): no-ops and episodic life, but no sticky actions.
    pub fn atari_100k() -> Self {
        Settings {
            sticky_action_probability: 0.0,
            terminal_on_life_loss: true,
            noop_max: 30,
            ..Settings::default()
        }
    }

    /// Checks that every value is in range.
    ///
    /// # Errors
    ///
    /// [`AtariError::Setting`] for the first value out of range.
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
