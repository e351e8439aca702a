//! The returns of whole episodes, with the agent's weights held fixed.

use crate::Agent;
use crate::seeds::{Role, Seeds};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_env::{DynEnvironment, Player};

/// A policy that an evaluation plays with.
pub trait Policy {
    /// The action in `state`, (height, width, stack x channels), with the noise off. `rng` draws the random actions.
    ///
    /// # Panics
    /// If `state` does not have the length of a state.
    fn choose(&mut self, state: &[u8], rng: &mut Xoshiro256PlusPlus) -> usize;

    /// Whether its episodes end with a life in training. Its frame stack is then empty after one.
    fn ends_with_a_life(&self) -> bool;
}

impl Policy for Agent {
    fn choose(&mut self, state: &[u8], rng: &mut Xoshiro256PlusPlus) -> usize {
        self.act_in_evaluation(state, rng)
    }

    fn ends_with_a_life(&self) -> bool {
        Agent::ends_with_a_life(self)
    }
}

/// An evaluation that is stepped from outside: the undiscounted returns of whole episodes, over all lives, in the
/// environment's own points (rewards are not clipped).
///
/// The evaluation's index alone decides its random actions. If it also decides the seed of the environment
/// ([`Role::Evaluation`]), an evaluation neither disturbs the training nor depends on where the run was interrupted.
pub struct Evaluation<E: DynEnvironment + ?Sized = dyn DynEnvironment> {
    player: Player<E>,
    rng: Xoshiro256PlusPlus,
    episodes: usize,
    returns: Vec<f64>,
}

impl<E: DynEnvironment + ?Sized> Evaluation<E> {
    /// The evaluation number `index`, of `episodes` episodes in `environment`.
    pub fn new(environment: Box<E>, episodes: usize, seeds: Seeds, index: u64) -> Self {
        let mut player = Player::new(environment);
        player.reset();
        Evaluation { player, rng: seeds.rng(Role::EvaluationActions(index)), episodes, returns: Vec::new() }
    }

    /// Whether all episodes are played.
    pub fn is_over(&self) -> bool {
        self.returns.len() >= self.episodes
    }

    /// The state that the evaluation wants an action for, (height, width, stack x channels).
    pub fn state(&self) -> &[u8] {
        self.player.state()
    }

    /// The environment being played, with its current episode.
    pub fn player(&self) -> &Player<E> {
        &self.player
    }

    /// The action that `policy` chooses. An agent chooses with its noise off and its evaluation epsilon. If its episodes end with a life,
    /// its frame stack is empty after one, as in training.
    ///
    /// # Panics
    /// If the states are not the policy's.
    pub fn choose(&mut self, policy: &mut (impl Policy + ?Sized)) -> usize {
        self.player.set_restart_stack_on_life_loss(policy.ends_with_a_life());
        policy.choose(self.player.state(), &mut self.rng)
    }

    /// An action of the random policy.
    pub fn choose_at_random(&mut self) -> usize {
        self.rng.random_range(0..self.player.spec().actions)
    }

    /// Takes an action.
    ///
    /// # Panics
    /// If the environment has no such action.
    pub fn step(&mut self, action: usize) {
        self.returns.extend(self.player.step(action).finished);
    }

    /// The return of each episode that is over.
    pub fn returns(&self) -> &[f64] {
        &self.returns
    }
}

/// Plays an evaluation to its end: the return of each of `episodes` episodes of `agent`, or of the random policy.
///
/// `keep_going` is asked before every step. If it says no, only the episodes that are over have a return.
pub fn evaluate(
    mut agent: Option<&mut Agent>,
    environment: Box<dyn DynEnvironment>,
    episodes: usize,
    seeds: Seeds,
    index: u64,
    mut keep_going: impl FnMut() -> bool,
) -> Vec<f64> {
    let mut evaluation = Evaluation::new(environment, episodes, seeds, index);
    while !evaluation.is_over() && keep_going() {
        let action = match &mut agent {
            Some(agent) => evaluation.choose(&mut **agent),
            None => evaluation.choose_at_random(),
        };
        evaluation.step(action);
    }
    evaluation.returns
}
