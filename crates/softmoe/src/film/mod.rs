//! Films of a playing agent: the game, the dispatch weights of each expert over it, and the values of the actions beside it.
//!
//! A [`Shot`] has everything to show of one step. A [`Scene`] draws shots as pictures of one size, which [`gif`], [`video`] and
//! [`Sheet`] turn into files. A [`Screen`] draws them with the characters of a terminal. Nothing here knows a clock or a terminal.

mod canvas;
pub mod gif;
mod overlay;
mod scene;
mod screen;
mod sheet;
pub mod video;

pub use scene::{Scene, SceneSettings};
pub use screen::Screen;
pub use sheet::Sheet;

use softmoe_agents::inspect::Inspection;
use softmoe_env::RgbFrame;

/// One step of a playing agent.
#[derive(Clone, Debug)]
pub struct Shot {
    /// The game.
    pub picture: RgbFrame,
    /// What the network computes; `None` for the random policy.
    pub inspection: Option<Inspection>,
    /// The action that is taken.
    pub action: usize,
    /// The name of each action.
    pub actions: Vec<&'static str>,
    /// The number of the episode, from 1.
    pub episode: u64,
    /// Steps of the episode before this one.
    pub step: u64,
    /// The rewards of the episode before this step.
    pub episode_return: f64,
}

impl Shot {
    /// Episode, step, return and action as text.
    pub fn status(&self) -> String {
        let action = self.actions.get(self.action).copied().unwrap_or("?");
        let Shot { episode, step, episode_return, .. } = self;
        format!("episode {episode}   step {step}   return {episode_return}   {action}")
    }
}

/// Red, green and blue.
type Colour = [u8; 3];

const BACKGROUND: Colour = [16, 20, 26];
/// The ground of a diagram.
const GROUND: Colour = [26, 32, 40];
const TEXT: Colour = [230, 237, 243];
const MUTED: Colour = [139, 152, 165];
/// The action that is taken.
const CHOSEN: Colour = [255, 180, 84];
/// Other actions.
const OTHER: Colour = [98, 117, 138];

/// The colours of experts: the colours of Okabe and Ito that are bright enough for a dark ground. They can be distinguished with any colour vision.
const EXPERTS: [Colour; 6] =
    [[86, 180, 233], [230, 159, 0], [0, 190, 140], [240, 228, 66], [221, 135, 180], [232, 100, 30]];

/// The colour of an expert.
fn expert_colour(expert: usize) -> Colour {
    EXPERTS[expert % EXPERTS.len()]
}

/// Experts that are shown, the most used first if there are more.
const MOST_EXPERTS: usize = 16;

/// The experts to show, in order.
fn shown_experts(usage: &[f64]) -> Vec<usize> {
    let mut experts: Vec<usize> = (0..usage.len()).collect();
    experts.sort_by(|&a, &b| usage[b].total_cmp(&usage[a]));
    experts.truncate(MOST_EXPERTS);
    experts.sort_unstable();
    experts
}
