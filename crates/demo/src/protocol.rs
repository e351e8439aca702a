//! Requests from the page, and the answers. Both are JSON.

use crate::DemoError;
use crate::stage::Stage;
use serde::{Deserialize, Serialize};
use softmoe_agents::inspect::{MixtureWeights, ReturnDistribution};
use softmoe_env::RgbFrame;

/// A request from the page.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Request {
    /// Begins the first episode of a game.
    NewGame {
        /// The agent that plays.
        agent: usize,
        /// The seed of the episodes. `None` means the run's seed, which gives the episodes of its score.
        seed: Option<u64>,
    },
    /// Another agent of the same game takes over.
    Agent(usize),
    /// Takes one step of the game.
    Step {
        /// The action. `None` means the agent's own.
        action: Option<usize>,
    },
}

/// An answer to the page.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The agents of the page.
    Agents(Vec<AgentFacts>),
    /// The game after a request.
    View(Box<View>),
    /// The request was not followed.
    Error(String),
}

/// Facts about an agent, for the page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgentFacts {
    /// The arm, e.g. `softmoe-4`.
    pub arm: String,
    /// The network's body, e.g. `soft_moe(experts: 4)`.
    pub body: String,
    /// The game, e.g. `space_invaders`.
    pub game: &'static str,
    /// The run's seed, as text: JavaScript has no whole numbers of 64 bits.
    pub seed: String,
    /// Agent steps of its training.
    pub agent_steps: u64,
    /// Mean return of the run's final evaluation; `None` for a run that has not finished.
    pub score: Option<f64>,
    /// Episodes of that evaluation.
    pub episodes: usize,
    /// Mean return of the same episodes with the weights in the page; `None` if these are the run's own, or if there is no score.
    pub packed_score: Option<f64>,
    /// Bits per weight in the page.
    pub bits: u32,
    /// Number of weights in the page, without the noise scales.
    pub parameters: usize,
    /// The actions' names.
    pub actions: Vec<&'static str>,
    /// Number of experts; 0 without a mixture.
    pub experts: usize,
}

/// The state of the game, and the network's outputs for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct View {
    /// The agent that plays.
    pub agent: usize,
    /// The game's picture.
    pub picture: Picture,
    /// The episode, from 1.
    pub episode: u64,
    /// Steps taken in it.
    pub step: u64,
    /// Its return so far.
    pub episode_return: f64,
    /// The return of the last episode that ended.
    pub last_return: Option<f64>,
    /// Whether the step just taken ended an episode.
    pub ended: bool,
    /// The action that the agent takes in this state.
    pub next: usize,
    /// The action with the highest value.
    pub greedy: usize,
    /// The value of each action, (actions).
    pub values: Vec<f32>,
    /// The distribution of each action's return, for an agent that learns one.
    pub distribution: Option<Distribution>,
    /// The weights of the mixture of experts, if the network has one.
    pub mixture: Option<MixtureView>,
}

/// A picture: the red, green and blue values of each pixel, row by row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

/// As [`ReturnDistribution`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Distribution {
    support: Vec<f32>,
    probabilities: Vec<f32>,
}

/// As [`MixtureWeights`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MixtureView {
    experts: usize,
    tokens: usize,
    dispatch: Vec<f32>,
    usage: Vec<f32>,
    grid: Option<GridView>,
}

/// As [`TokenGrid`](softmoe_agents::inspect::TokenGrid).
#[derive(Clone, Debug, PartialEq, Serialize)]
struct GridView {
    rows: usize,
    columns: usize,
    origin: [f64; 2],
    cell: [f64; 2],
}

impl From<RgbFrame> for Picture {
    fn from(RgbFrame { width, height, pixels }: RgbFrame) -> Self {
        Picture { width, height, pixels }
    }
}

impl From<ReturnDistribution> for Distribution {
    fn from(ReturnDistribution { support, probabilities }: ReturnDistribution) -> Self {
        Distribution { support, probabilities }
    }
}

impl From<MixtureWeights> for MixtureView {
    fn from(MixtureWeights { experts, tokens, dispatch, usage, grid }: MixtureWeights) -> Self {
        let shown = |weights: Vec<f64>| weights.into_iter().map(|weight| weight as f32).collect();
        let grid = grid.map(|grid| GridView {
            rows: grid.rows,
            columns: grid.columns,
            origin: grid.origin,
            cell: grid.cell,
        });
        MixtureView { experts, tokens, dispatch: shown(dispatch), usage: shown(usage), grid }
    }
}

impl Answer {
    /// The answer as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("an answer has no maps and no fallible parts")
    }
}

impl From<Result<View, DemoError>> for Answer {
    fn from(result: Result<View, DemoError>) -> Self {
        result.map_or_else(|error| Answer::Error(error.to_string()), |view| Answer::View(Box::new(view)))
    }
}

/// The stage's answer to a request, both in JSON.
pub fn answer(stage: &mut Stage, request: &[u8]) -> String {
    let view =
        serde_json::from_slice(request).map_err(DemoError::from).and_then(|request| stage.ask(request));
    Answer::from(view).to_json()
}
