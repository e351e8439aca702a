//! An environment being played: its frames, its stack, its episodes and their returns.

use serde::{Deserialize, Serialize};

use crate::dynamic::DynEnvironment;
use crate::environment::Step;
use crate::error::{RestoreError, decode};
use crate::spec::EnvironmentSpec;
use crate::stack::FrameStack;

/// An environment with the state that an agent acts on, and the count and returns of its episodes.
///
/// One step is: read [`state`](Player::state), choose an action, [`step`](Player::step). When an episode ends, the next
/// one begins at once.
///
/// ```
/// use softmoe_env::{Element, Environment, EnvironmentSpec, Player, RestoreError, SaveState, Step};
///
/// /// Counts to three, with a point for each step.
/// struct Counter(u8);
///
/// impl Environment for Counter {
///     type Element = u8;
///
///     fn spec(&self) -> EnvironmentSpec {
///         let element = Element::Byte { scale: 1 };
///         EnvironmentSpec { frame: [1, 1, 1], stack: 2, actions: 1, element }
///     }
///
///     fn reset(&mut self) {
///         self.0 = 1;
///     }
///
///     fn step(&mut self, _action: usize) -> Step {
///         self.0 += 1;
///         Step { reward: 1.0, terminal: self.0 == 3, ..Step::default() }
///     }
///
///     fn observe(&self, frame: &mut [u8]) {
///         frame[0] = self.0;
///     }
/// }
///
/// impl SaveState for Counter {
///     type State = u8;
///
///     fn save(&self) -> u8 {
///         self.0
///     }
///
///     fn restore(&mut self, state: u8) -> Result<(), RestoreError> {
///         self.0 = state;
///         Ok(())
///     }
/// }
///
/// let mut player = Player::new(Box::new(Counter(1)));
/// assert_eq!(player.state(), [0, 1]); // nothing before the episode's start, then the first frame
/// assert_eq!(player.step(0).finished, None);
/// assert_eq!(player.state(), [1, 2]);
/// assert_eq!(player.step(0).finished, Some(2.0)); // the return of the episode that ended
/// assert_eq!((player.state(), player.episodes()), (&[0, 1][..], 1)); // the next one has begun
/// ```
pub struct Player<E: DynEnvironment + ?Sized = dyn DynEnvironment> {
    spec: EnvironmentSpec,
    restarts_stack_on_life_loss: bool,
    episodes: u64,
    episode_return: f64,
    stack: FrameStack,
    frame: Vec<u8>,
    /// The frame before the last step.
    previous: Vec<u8>,
    environment: Box<E>,
}

/// The result of one step of a [`Player`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Played<'a> {
    /// The newest frame of the state that the action was chosen in. A replay stores it with the action and the step.
    pub frame: &'a [u8],
    /// Reward and end.
    pub step: Step,
    /// The return of the episode that this step ended: the sum of its rewards, not discounted and not clipped.
    pub finished: Option<f64>,
}

/// The state of a [`Player`] and of its environment.
#[derive(Serialize, Deserialize)]
struct PlayerState {
    environment: Vec<u8>,
    /// The stacked state; empty for a stack of one frame, which the environment shows.
    stack: Vec<u8>,
    episodes: u64,
    episode_return: f64,
}

impl<E: DynEnvironment + ?Sized> Player<E> {
    /// Plays `environment` from where it is: a new one is at the start of an episode.
    ///
    /// # Panics
    ///
    /// If the environment's specification has a stack or a frame of nothing.
    pub fn new(environment: Box<E>) -> Self {
        let spec = environment.spec();
        let mut player = Player {
            spec,
            restarts_stack_on_life_loss: false,
            episodes: 0,
            episode_return: 0.0,
            stack: FrameStack::new(&spec),
            frame: vec![0; spec.frame_bytes()],
            previous: vec![0; spec.frame_bytes()],
            environment,
        };
        player.look();
        player
    }

    /// The same, with the stack emptied at each lost life if `restarts`: for an agent that learns as if the episode
    /// ended there.
    #[must_use]
    pub fn restart_stack_on_life_loss(mut self, restarts: bool) -> Self {
        self.set_restart_stack_on_life_loss(restarts);
        self
    }

    /// The same for a player that plays already.
    pub fn set_restart_stack_on_life_loss(&mut self, restarts: bool) {
        self.restarts_stack_on_life_loss = restarts;
    }

    /// Shape of the observations and number of actions.
    pub fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    /// The environment.
    pub fn environment(&self) -> &E {
        &self.environment
    }

    /// The last frames of the episode, which an agent acts on.
    ///
    /// # Shapes
    ///
    /// [`EnvironmentSpec::state`], (height, width, stack x channels), as in [`FrameStack`].
    pub fn state(&self) -> &[u8] {
        self.stack.state()
    }

    /// The newest frame.
    ///
    /// # Shapes
    ///
    /// [`EnvironmentSpec::frame`], (height, width, channels).
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// Number of finished episodes.
    pub fn episodes(&self) -> u64 {
        self.episodes
    }

    /// The sum of the rewards of the current episode so far.
    pub fn episode_return(&self) -> f64 {
        self.episode_return
    }

    /// Abandons the current episode and starts a new one.
    pub fn reset(&mut self) {
        self.environment.reset();
        self.episode_return = 0.0;
        self.stack.clear();
        self.look();
    }

    /// Takes one action, and starts the next episode if this one ends.
    ///
    /// # Panics
    ///
    /// If `action` is not below [`EnvironmentSpec::actions`].
    pub fn step(&mut self, action: usize) -> Played<'_> {
        let step = self.environment.step(action);
        std::mem::swap(&mut self.frame, &mut self.previous);
        self.episode_return += f64::from(step.reward);
        let finished = step.ends_episode().then_some(self.episode_return);
        if finished.is_some() {
            self.episodes = self.episodes.saturating_add(1);
            self.reset();
        } else {
            if step.life_lost && self.restarts_stack_on_life_loss {
                self.stack.clear();
            }
            self.look();
        }
        Played { frame: &self.previous, step, finished }
    }

    /// The whole state, in bytes: the environment, the stack, the count of episodes and the current return.
    pub fn save(&self) -> Vec<u8> {
        let state = PlayerState {
            environment: self.environment.save(),
            stack: if self.spec.stack > 1 { self.state().to_vec() } else { Vec::new() },
            episodes: self.episodes,
            episode_return: self.episode_return,
        };
        postcard::to_stdvec(&state).expect("postcard writes every state of a known length")
    }

    /// Restores a saved state.
    ///
    /// # Errors
    ///
    /// If the bytes are not a state that a player of this environment saved, or if more bytes follow. The player is
    /// then unchanged.
    pub fn restore(&mut self, state: &[u8]) -> Result<(), RestoreError> {
        let PlayerState { environment, stack, episodes, episode_return } = decode(state)?;
        let expected = if self.spec.stack > 1 { self.spec.state_bytes() } else { 0 };
        if stack.len() != expected {
            let reason = format!("its stacked frames are {} bytes and should be {expected}", stack.len());
            return Err(RestoreError::Undecodable { reason });
        }
        self.environment.restore(&environment)?;
        (self.episodes, self.episode_return) = (episodes, episode_return);
        self.environment.observe(&mut self.frame);
        if self.spec.stack > 1 {
            self.stack.replace(&stack);
        }
        self.stack.replace_newest(&self.frame);
        Ok(())
    }

    /// Reads the newest frame.
    fn look(&mut self) {
        self.environment.observe(&mut self.frame);
        self.stack.push(&self.frame);
    }
}
