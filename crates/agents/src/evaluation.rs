//! The returns of whole episodes, with the agent's weights held fixed.

use crate::Agent;
use crate::seeds::{Role, Seeds};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_env::{DynEnvironment, Player};

/// An evaluation that is stepped from outside: the undiscounted returns of whole episodes, over all lives, in the
/// environment's own points (rewards are not clipped).
///
/// The evaluation's index alone decides its random actions. If it also decides the seed of the environment
/// ([`Role::Evaluation`]), an evaluation neither disturbs the training nor depends on where the run was interrupted.
pub struct Evaluation {
    player: Player,
    rng: Xoshiro256PlusPlus,
    episodes: usize,
    returns: Vec<f64>,
}

impl Evaluation {
    /// The evaluation number `index`, of `episodes` episodes in `environment`.
    pub fn new(environment: Box<dyn DynEnvironment>, episodes: usize, seeds: Seeds, index: u64) -> Self {
        let mut player = Player::new(environment);
        player.reset();
        Evaluation {
            player,
            rng: seeds.rng(Role::EvaluationActions(index)),
            episodes,
            returns: Vec::with_capacity(episodes),
        }
    }

    /// Whether all episodes are played.
    pub fn is_over(&self) -> bool {
        self.returns.len() >= self.episodes
    }

    /// The state that the evaluation wants an action for, (height, width, stack x channels).
    pub fn state(&self) -> &[u8] {
        self.player.state()
    }

    /// The action that `agent` chooses, with its noise off and its evaluation epsilon. If its episodes end with a life, its frame stack is
    /// empty after one, as in training.
    ///
    /// # Panics
    /// If the states are not the agent's.
    pub fn choose(&mut self, agent: &mut Agent) -> usize {
        self.player.set_restart_stack_on_life_loss(agent.ends_with_a_life());
        agent.act_in_evaluation(self.player.state(), &mut self.rng)
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
            Some(agent) => evaluation.choose(agent),
            None => evaluation.choose_at_random(),
        };
        evaluation.step(action);
    }
    evaluation.returns
}
