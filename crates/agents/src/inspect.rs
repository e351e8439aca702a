//! What a trained network computes in a state: action values, return distributions, dispatch weights of a mixture.
//!
//! An [`Inspector`] holds a network with its weights, and nothing that only learning needs: no replay, no optimizer, no target
//! weights. It reads no file and starts no thread, so it can run anywhere, e.g. in a browser.

mod grid;

pub use grid::TokenGrid;

use crate::agent::random_action;
use crate::dqn::loss::greedy;
use crate::learner::state::LearnerState;
use crate::learner::{Objective, read_states};
use crate::rainbow::Categorical;
use crate::replay_config::learning_of;
use crate::{AgentError, AgentState, Policy, networks};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_config::{AgentConfig, Architecture, LossSpec};
use softmoe_env::Element;
use softmoe_nets::inspection::Mixture;
use softmoe_nets::kernels::InstructionSet;
use softmoe_nets::weights::WeightsFile;
use softmoe_nets::{ActionNetwork, ActionPass, ParameterList, Weights};

/// What the network computes in one state, with its noise off.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// The greedy action; of equal values, the lowest action.
    pub action: usize,
    /// The value of each action, (actions).
    pub values: Vec<f32>,
    /// The distribution of each action's return, for an agent that learns one (C51).
    pub distribution: Option<ReturnDistribution>,
    /// The weights of the mixture of experts, if the network has one.
    pub mixture: Option<MixtureWeights>,
}

/// The distribution of each action's return.
#[derive(Clone, Debug, PartialEq)]
pub struct ReturnDistribution {
    /// The values of the atoms, (atoms).
    pub support: Vec<f32>,
    /// Their probabilities, (actions, atoms): rows sum to one.
    pub probabilities: Vec<f32>,
}

impl ReturnDistribution {
    /// The probabilities of one action's atoms, (atoms).
    ///
    /// # Panics
    /// If there is no such action.
    pub fn of(&self, action: usize) -> &[f32] {
        let atoms = self.support.len();
        &self.probabilities[action * atoms..(action + 1) * atoms]
    }
}

/// How a mixture weighs its tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct MixtureWeights {
    /// Number of experts n.
    pub experts: usize,
    /// Number of tokens m.
    pub tokens: usize,
    /// Dispatch weights, (n, m): the mean over an expert's slots. Rows of a SoftMoE sum to one. For ExpertChoice and top-k routing, a
    /// weight is the share of the expert's slots that hold the token; a row sums to the share of the expert's slots in use.
    pub dispatch: Vec<f64>,
    /// Combine weights, (n): the mean over the tokens of an expert's weight in the output. They sum to one. For ExpertChoice and top-k
    /// routing, the mean over the tokens of the router's probabilities.
    pub usage: Vec<f64>,
    /// The positions of the tokens in the observation; `None` if they have none, e.g. shuffled tokens.
    pub grid: Option<TokenGrid>,
}

impl MixtureWeights {
    /// The weights of a mixture that saw one sample.
    fn new(mixture: &Mixture, grid: Option<TokenGrid>) -> Self {
        let Mixture { experts, slots, inputs_per_sample, combine, dispatch, .. } = mixture;
        let tokens = combine.len() / (experts * slots);
        let per_expert = inputs_per_sample / experts;
        let mut of_tokens = vec![0.0; experts * tokens];
        for (index, slots) in dispatch.chunks_exact(per_expert).enumerate() {
            let (token, expert) = (index / experts, index % experts);
            of_tokens[expert * tokens + token] = slots.iter().sum::<f64>() / per_expert as f64;
        }
        let mut usage = vec![0.0; *experts];
        for (index, slots) in combine.chunks_exact(*slots).enumerate() {
            usage[index % experts] += slots.iter().sum::<f64>() / tokens as f64;
        }
        MixtureWeights { experts: *experts, tokens, dispatch: of_tokens, usage, grid }
    }

    /// The dispatch weights of one expert, (m).
    ///
    /// # Panics
    /// If there is no such expert.
    pub fn of_expert(&self, expert: usize) -> &[f64] {
        &self.dispatch[expert * self.tokens..(expert + 1) * self.tokens]
    }
}

/// A trained network that plays, and shows its computations.
pub struct Inspector {
    head: Head,
    network: Box<dyn ActionNetwork>,
    weights: Vec<f32>,
    pass: Box<dyn ActionPass>,
    /// (height, width, stack x channels)
    input: Vec<f32>,
    element: Element,
    grid: Option<TokenGrid>,
    instruction_set: InstructionSet,
    epsilon: f64,
    ends_with_a_life: bool,
}

/// How the agent reads the network's outputs.
enum Head {
    Categorical(Categorical),
    /// The outputs are the values.
    Values,
}

impl Head {
    fn greedy(&mut self, outputs: &[f32]) -> usize {
        match self {
            Head::Categorical(head) => head.greedy(outputs),
            Head::Values => greedy(outputs),
        }
    }
}

impl Inspector {
    /// The network of a trained agent, with weights from a file. `element` is the type of a state's values.
    ///
    /// # Errors
    /// If `config` is the random policy, which has no network; if the network is not in this build; if the weights belong to another
    /// network.
    pub fn new(
        config: &AgentConfig,
        architecture: &Architecture,
        element: Element,
        file: &WeightsFile,
    ) -> Result<Self, AgentError> {
        Self::with(config, architecture, element, |network| {
            Ok::<_, AgentError>(file.values(network.parameters())?)
        })
    }

    /// The network of a trained agent, with the online weights of the agent's saved state.
    ///
    /// # Errors
    /// As [`new`](Self::new), or if the state belongs to another agent.
    pub fn of_state(
        config: &AgentConfig,
        architecture: &Architecture,
        element: Element,
        state: &AgentState,
    ) -> Result<Self, AgentError> {
        Self::with(config, architecture, element, |network| {
            Ok(LearnerState::from_bytes(state.learner(), network.parameters().len())?.online)
        })
    }

    /// The network of a trained agent, with the weights that `values` returns for the network's parameters, in the order of the parameter list.
    ///
    /// # Errors
    /// As [`new`](Self::new), or the error of `values`.
    ///
    /// # Panics
    /// If the number of weights that `values` returns is not the network's.
    pub fn of_values<E: From<AgentError>>(
        config: &AgentConfig,
        architecture: &Architecture,
        element: Element,
        values: impl FnOnce(&ParameterList) -> Result<Vec<f32>, E>,
    ) -> Result<Self, E> {
        Self::with(config, architecture, element, |network| {
            let (parameters, values) = (network.parameters(), values(network.parameters())?);
            assert_eq!(values.len(), parameters.len(), "weights of the network");
            Ok(values)
        })
    }

    fn with<E: From<AgentError>>(
        config: &AgentConfig,
        architecture: &Architecture,
        element: Element,
        weights: impl FnOnce(&dyn ActionNetwork) -> Result<Vec<f32>, E>,
    ) -> Result<Self, E> {
        let learning = learning_of(config)?;
        let network = networks::build(architecture)?;
        let head = match learning.loss {
            LossSpec::C51 { v_max, atoms } => {
                Head::Categorical(Categorical::new(v_max, [architecture.actions, atoms]))
            }
            LossSpec::Mse | LossSpec::Huber => Head::Values,
        };
        Ok(Inspector {
            head,
            weights: weights(&*network)?,
            pass: network.action_pass(1),
            input: vec![0.0; network.input_len()],
            network,
            element,
            grid: TokenGrid::of(architecture),
            instruction_set: InstructionSet::default(),
            epsilon: learning.epsilon_evaluation,
            ends_with_a_life: learning.terminal_on_life_loss,
        })
    }

    /// The same inspector with the instruction set `set` instead of the default.
    #[must_use]
    pub fn with_instruction_set(self, instruction_set: InstructionSet) -> Self {
        Inspector { instruction_set, ..self }
    }

    /// The same inspector, which acts randomly with probability `epsilon` instead of the agent's probability in evaluations.
    #[must_use]
    pub fn with_epsilon(self, epsilon: f64) -> Self {
        Inspector { epsilon, ..self }
    }

    /// The greedy action in `state`; of equal values, the lowest action.
    ///
    /// # Shapes
    /// `state`: (height, width, stack x channels), bytes
    ///
    /// # Panics
    /// If `state` does not have the length of a state.
    pub fn act(&mut self, state: &[u8]) -> usize {
        self.read(state);
        let Inspector { head, pass, input, weights, .. } = self;
        let weights = Weights { parameters: weights, noise: None };
        self.instruction_set.run(|| head.greedy(pass.forward(weights, input)))
    }

    /// What the network computes in `state`.
    ///
    /// # Shapes
    /// As [`act`](Self::act).
    ///
    /// # Panics
    /// As [`act`](Self::act).
    pub fn inspect(&mut self, state: &[u8]) -> Inspection {
        self.read(state);
        let Inspector { head, pass, input, weights, grid, .. } = self;
        let weights = Weights { parameters: weights, noise: None };
        self.instruction_set.run(|| {
            let outputs = pass.forward(weights, input).to_vec();
            let (values, distribution) = match head {
                Head::Categorical(head) => {
                    let (support, probabilities) = (head.support().to_vec(), head.distributions(&outputs));
                    (head.action_values(&outputs), Some(ReturnDistribution { support, probabilities }))
                }
                Head::Values => (outputs.clone(), None),
            };
            // Registered networks have at most one mixture.
            let mixture = pass.inspect(input).mixtures.pop();
            let mixture = mixture.map(|mixture| MixtureWeights::new(&mixture, *grid));
            Inspection { action: head.greedy(&outputs), values, distribution, mixture }
        })
    }

    /// The network.
    pub fn network(&self) -> &dyn ActionNetwork {
        &*self.network
    }

    /// Its weights, in the order of its parameter list.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    fn read(&mut self, state: &[u8]) {
        let expected = self.input.len() * self.element.size();
        assert_eq!(state.len(), expected, "bytes of the state that is looked at");
        read_states(&mut self.input, state, self.element);
    }
}

impl Policy for Inspector {
    fn choose(&mut self, state: &[u8], rng: &mut Xoshiro256PlusPlus) -> usize {
        let actions = self.network.output_shape()[0];
        random_action(rng, self.epsilon, actions).unwrap_or_else(|| self.act(state))
    }

    fn ends_with_a_life(&self) -> bool {
        self.ends_with_a_life
    }
}
