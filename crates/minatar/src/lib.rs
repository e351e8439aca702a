//! The five games of MinAtar: Atari's ideas on a grid of ten by ten cells (Young and Tian 2019, arXiv 1903.03176).
//!
//! The games equal version 1.0.15 of the Python package [`minatar`](https://github.com/kenjyoung/MinAtar) step for step:
//! given the same random draws, every observation, reward and end of an episode is the same. Like the original, this crate
//! is under the GPL, version 3 or later; its README says what linking means.
//!
//! Observations are (10, 10, channels), zeros and ones, with 4 channels (Asterix, Breakout), 6 (Space Invaders), 7
//! (Freeway) or 10 (Seaquest).
//!
//! An episode of Breakout with random moves:
//!
//! ```
//! use rand::{RngExt, SeedableRng};
//! use rand_xoshiro::Xoshiro256PlusPlus;
//! use softmoe_env::Player;
//! use softmoe_minatar::{Game, Settings, make};
//!
//! let mut player = Player::new(make(Game::Breakout, &Settings::default(), 7));
//! let mut policy = Xoshiro256PlusPlus::seed_from_u64(7);
//! let bricks_hit = loop {
//!     let action = policy.random_range(0..player.spec().actions);
//!     if let Some(episode_return) = player.step(action).finished {
//!         break episode_return;
//!     }
//! };
//! assert!(bricks_hit >= 0.0);
//! ```

#![deny(missing_docs)]

mod asterix;
mod breakout;
mod draws;
mod freeway;
mod game;
mod palette;
mod rules;
mod seaquest;
mod space_invaders;

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use asterix::Asterix;
pub use breakout::Breakout;
pub use freeway::Freeway;
pub use game::{Game, UnknownGame};
pub use rules::{Action, Rules};
pub use seaquest::Seaquest;
pub use space_invaders::SpaceInvaders;

pub use draws::Draws;

use rules::SIZE;
use softmoe_env::{
    Element, Environment, EnvironmentSpec, Render, RenderedEnvironment, RestoreError, RgbFrame, SaveState,
    Step, TimeLimit,
};

/// How a game is played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Probability that the last action is repeated instead of the one chosen (MinAtar: 0.1).
    pub sticky_action_probability: f64,
    /// Whether the game grows harder the longer the agent lives (MinAtar: true).
    pub difficulty_ramping: bool,
    /// Whether the agent chooses among the game's minimal actions rather than all six (MinAtar: all six).
    pub minimal_actions: bool,
    /// Agent steps after which an episode is truncated, at least 1 (Dopamine: 27,000).
    pub max_episode_steps: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            sticky_action_probability: 0.1,
            difficulty_ramping: true,
            minimal_actions: false,
            max_episode_steps: 27_000,
        }
    }
}

/// A game at the start of its first episode, with a time limit, its random numbers drawn from `seed`.
///
/// # Panics
///
/// If `max_episode_steps` is 0.
///
/// ```
/// use softmoe_minatar::{Game, Settings, make};
///
/// let seaquest = make(Game::Seaquest, &Settings::default(), 1);
/// assert_eq!(seaquest.spec().frame, [10, 10, 10]);
/// ```
pub fn make(game: Game, settings: &Settings, seed: u64) -> Box<dyn RenderedEnvironment> {
    fn boxed<G: Rules + Send + 'static>(settings: &Settings, seed: u64) -> Box<dyn RenderedEnvironment> {
        let game = MinAtar::<G>::new(settings, Xoshiro256PlusPlus::seed_from_u64(seed));
        Box::new(TimeLimit::new(game, settings.max_episode_steps))
    }
    match game {
        Game::Asterix => boxed::<Asterix>(settings, seed),
        Game::Breakout => boxed::<Breakout>(settings, seed),
        Game::Freeway => boxed::<Freeway>(settings, seed),
        Game::Seaquest => boxed::<Seaquest>(settings, seed),
        Game::SpaceInvaders => boxed::<SpaceInvaders>(settings, seed),
    }
}

/// A game of MinAtar without a time limit.
///
/// Ignores [`Settings::max_episode_steps`]: that is [`TimeLimit`]'s. After the end of an episode steps have no
/// effect until [`reset`](Environment::reset), and no reward. The last action, which a sticky one repeats, is
/// kept over resets.
///
/// ```
/// use rand::SeedableRng;
/// use rand_xoshiro::Xoshiro256PlusPlus;
/// use softmoe_env::Environment;
/// use softmoe_minatar::{Freeway, MinAtar, Settings};
///
/// let draws = Xoshiro256PlusPlus::seed_from_u64(3);
/// let mut freeway = MinAtar::<Freeway>::new(&Settings::default(), draws);
/// let step = freeway.step(2);
/// assert_eq!(step.reward, 0.0);
/// ```
#[derive(Clone, Debug)]
pub struct MinAtar<G, D = Xoshiro256PlusPlus> {
    sticky_action_probability: f64,
    difficulty_ramping: bool,
    actions: &'static [Action],
    state: MinAtarState<G, D>,
}

/// The state of a [`MinAtar`] game, its source of random numbers included.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MinAtarState<G, D> {
    name: Game,
    game: G,
    last_action: Action,
    draws: D,
}

impl<G: Rules, D: Draws> MinAtar<G, D> {
    /// A game at the start of its first episode.
    pub fn new(settings: &Settings, mut draws: D) -> Self {
        let game = G::start(&mut draws);
        MinAtar {
            sticky_action_probability: settings.sticky_action_probability,
            difficulty_ramping: settings.difficulty_ramping,
            actions: if settings.minimal_actions { G::MINIMAL_ACTIONS } else { &Action::ALL },
            state: MinAtarState { name: G::GAME, game, last_action: Action::Noop, draws },
        }
    }

    /// What the actions' numbers mean here.
    pub fn action_meanings(&self) -> &'static [Action] {
        self.actions
    }

    /// The action that the last step applied: the one chosen, or a repeated one.
    pub fn last_action(&self) -> Action {
        self.state.last_action
    }

    /// How many times the game has grown harder in this episode; `None` in a game that never does.
    pub fn difficulty_ramp(&self) -> Option<u32> {
        self.state.game.difficulty_ramp()
    }

    /// The source of random numbers.
    pub fn draws(&self) -> &D {
        &self.state.draws
    }
}

impl<G: Rules, D: Draws> Environment for MinAtar<G, D> {
    type Element = u8;

    fn spec(&self) -> EnvironmentSpec {
        EnvironmentSpec {
            frame: [SIZE, SIZE, G::CHANNELS],
            stack: 1,
            actions: self.actions.len(),
            element: Element::Byte { scale: 1 },
        }
    }

    fn reset(&mut self) {
        self.state.game = G::start(&mut self.state.draws);
    }

    fn step(&mut self, action: usize) -> Step {
        let chosen = self.actions[action];
        let MinAtarState { game, last_action, draws, .. } = &mut self.state;
        let repeats = draws.uniform() < self.sticky_action_probability;
        if !repeats {
            *last_action = chosen;
        }
        let reward =
            if game.is_over() { 0.0 } else { game.act(*last_action, self.difficulty_ramping, draws) };
        Step { reward, terminal: game.is_over(), ..Step::default() }
    }

    fn observe(&self, frame: &mut [u8]) {
        self.state.game.observe(frame);
    }
}

impl<G: Rules, D: Draws + Clone + Serialize + DeserializeOwned> SaveState for MinAtar<G, D> {
    type State = MinAtarState<G, D>;

    fn save(&self) -> Self::State {
        self.state.clone()
    }

    fn restore(&mut self, state: Self::State) -> Result<(), RestoreError> {
        let environment = G::GAME.name();
        if state.name != G::GAME {
            return Err(RestoreError::OtherEnvironment { found: state.name.name(), expected: environment });
        }
        let impossible = |rule| RestoreError::Impossible { environment, rule };
        state.game.check().map_err(impossible)?;
        if !state.draws.is_possible() {
            return Err(impossible("its random generator cannot be in this state"));
        }
        self.state = state;
        Ok(())
    }
}

impl<G: Rules, D: Draws> Render for MinAtar<G, D> {
    fn render(&self) -> RgbFrame {
        let mut frame = vec![0; SIZE * SIZE * G::CHANNELS];
        self.state.game.observe(&mut frame);
        palette::picture(&frame, G::CHANNELS)
    }

    fn action_name(&self, action: usize) -> Option<&'static str> {
        self.actions.get(action).map(|action| action.name())
    }
}

/// The README's example, compiled and run with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
