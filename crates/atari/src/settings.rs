//! Settings of an Atari game, their bounds, and their values in the literature.

use serde::{Deserialize, Serialize};

use crate::Preprocessing;

/// Maximum frame skip: one second.
pub const MAX_FRAME_SKIP: u32 = 60;
/// Maximum bound on the number of no-ops before an episode.
pub const MAX_NOOPS: u32 = 1_000;

/// Settings of an Atari game. The defaults are the paper's settings.
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

/// A setting out of range.
#[derive(Debug, thiserror::Error)]
#[error("the setting `{setting}` is {value} but must be {rule}")]
pub struct SettingError {
    /// Name of the setting.
    pub setting: &'static str,
    /// Its value.
    pub value: String,
    /// The allowed values.
    pub rule: String,
}

impl Default for Settings {
    fn default() -> Self {
        Settings::paper()
    }
}

impl Settings {
    /// The paper's settings: sticky actions, minimal actions, four frames per step.
    pub const fn paper() -> Self {
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

    /// The settings of Atari 100k (Dopamine's `atari_100k`): no-ops and episodic life, but no sticky actions.
    pub const fn atari_100k() -> Self {
        Settings {
            sticky_action_probability: 0.0,
            terminal_on_life_loss: true,
            noop_max: 30,
            ..Settings::paper()
        }
    }

    /// Checks that every value is in range.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for the first value out of range.
    pub fn check(&self) -> Result<(), SettingError> {
        let wrong = |setting, value: String, rule: String| Err(SettingError { setting, value, rule });
        let probability = self.sticky_action_probability;
        if !(0.0..=1.0).contains(&probability) {
            return wrong(
                "sticky_action_probability",
                probability.to_string(),
                "a number from 0 to 1".into(),
            );
        }
        if !(1..=MAX_FRAME_SKIP).contains(&self.frame_skip) {
            let rule = format!("a number of frames from 1 to {MAX_FRAME_SKIP}");
            return wrong("frame_skip", self.frame_skip.to_string(), rule);
        }
        if self.noop_max > MAX_NOOPS {
            return wrong("noop_max", self.noop_max.to_string(), format!("at most {MAX_NOOPS}"));
        }
        if self.max_episode_steps == 0 {
            return wrong("max_episode_steps", "0".into(), "at least 1".into());
        }
        Ok(())
    }
}
