//! DQN's learner with a network, gradients and Adam of [dfdx](https://docs.rs/dfdx).

use crate::equations::{ACTIONS, SPEC};
use dfdx::prelude::*;
use serde::{Deserialize, Serialize};
use softmoe_agents::dqn::loss;
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_agents::{AgentError, Learner, Mode, NamedWeights, Update, UpdateSettings, prioritized};
use softmoe_nets::weights::WeightsFile;
use softmoe_nets::{Builder, Initializer};
use softmoe_replay::Batch;
use std::borrow::Cow;

const INPUTS: usize = 4;
const HIDDEN: usize = 64;

/// Two hidden layers and a value for each action.
type Layers = ((Linear<INPUTS, HIDDEN>, ReLU), (Linear<HIDDEN, HIDDEN>, ReLU), Linear<HIDDEN, ACTIONS>);
type Network = <Layers as BuildOnDevice<Cpu, f32>>::Built;

/// Names and shapes of the weights; dfdx's kernels are (outputs, inputs).
const WEIGHTS: [(&str, &[usize]); 6] = [
    ("hidden/weight", &[HIDDEN, INPUTS]),
    ("hidden/bias", &[HIDDEN]),
    ("hidden_1/weight", &[HIDDEN, HIDDEN]),
    ("hidden_1/bias", &[HIDDEN]),
    ("head/weight", &[ACTIONS, HIDDEN]),
    ("head/bias", &[ACTIONS]),
];

/// A tensor of weights, whatever its shape.
trait Weights {
    fn values(&self) -> Vec<f32>;

    fn set(&mut self, values: &[f32]);

    /// Takes a step of Adam.
    fn step(&mut self, adam: &mut Adam, gradients: &mut Gradients<f32, Cpu>);

    /// Adam's first and second moments of them.
    fn moments<'a>(&self, adam: &'a mut Adam) -> [&'a mut Vec<f32>; 2];
}

impl<S: Shape> Weights for Tensor<S, f32, Cpu> {
    fn values(&self) -> Vec<f32> {
        self.as_vec()
    }

    fn set(&mut self, values: &[f32]) {
        self.copy_from(values);
    }

    fn step(&mut self, Adam { config, steps, mu, nu }: &mut Adam, gradients: &mut Gradients<f32, Cpu>) {
        let [mu, nu, gradient] =
            [mu, nu, gradients].map(|of| of.get_or_alloc_mut(self).expect("there is memory"));
        config.try_update(*steps, self, mu, nu, gradient).expect("there is memory");
    }

    fn moments<'a>(&self, Adam { mu, nu, .. }: &'a mut Adam) -> [&'a mut Vec<f32>; 2] {
        [mu, nu].map(|of| &mut **of.get_or_alloc_mut(self).expect("there is memory"))
    }
}

/// The tensors of a network, in the order of [`WEIGHTS`].
fn tensors(((hidden, _), (hidden_1, _), head): &mut Network) -> [&mut dyn Weights; 6] {
    [
        &mut hidden.weight,
        &mut hidden.bias,
        &mut hidden_1.weight,
        &mut hidden_1.bias,
        &mut head.weight,
        &mut head.bias,
    ]
}

/// dfdx's step of Adam, with moments that can be saved. Those of `dfdx::optim::Adam` cannot, and it may not be sent to
/// another thread, as a learner may.
struct Adam {
    config: AdamConfig,
    /// Steps taken.
    steps: i32,
    mu: Gradients<f32, Cpu>,
    nu: Gradients<f32, Cpu>,
}

/// What is saved of a learner.
#[derive(Serialize, Deserialize)]
struct State {
    steps: i32,
    /// Each tensor's online weights, target weights, mu, nu.
    tensors: [[Vec<f32>; 4]; 6],
}

/// A dfdx network with online and target weights that learns action values by the Huber loss.
pub(crate) struct DfdxLearner {
    settings: UpdateSettings,
    cpu: Cpu,
    online: Network,
    target: Network,
    adam: Adam,
    importance_weights: Vec<f32>,
    priorities: Vec<f32>,
}

impl DfdxLearner {
    pub(crate) fn new(settings: UpdateSettings, seeds: Seeds) -> Self {
        let cpu = Cpu::seed_from_u64(seeds.seed(Role::Weights));
        let online = cpu.build_module::<Layers, f32>();
        let config = AdamConfig {
            lr: settings.optimizer.learning_rate,
            betas: [settings.optimizer.beta_1, settings.optimizer.beta_2],
            eps: settings.optimizer.epsilon,
            weight_decay: None,
        };
        DfdxLearner {
            cpu,
            target: online.clone(),
            online,
            adam: Adam { config, steps: 0, mu: Gradients::leaky(), nu: Gradients::leaky() },
            importance_weights: vec![0.0; settings.batch_size],
            priorities: Vec::new(),
            settings,
        }
    }

    /// The states of a batch as dfdx takes them, (batch, 4).
    fn input(&self, observations: &[u8]) -> Tensor<(usize, Const<INPUTS>), f32, Cpu> {
        let batch = observations.len() / SPEC.state_bytes();
        let input: Vec<f32> =
            observations.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        self.cpu.tensor_from_vec(input, (batch, Const))
    }

    fn diverged(steps: i32, loss: f32, cause: &str) -> AgentError {
        AgentError::Diverged { update: steps as u64, loss, cause: cause.into() }
    }

    /// The target of every transition: with double Q-learning the online network chooses the next action.
    fn targets(&self, batch: &Batch) -> Vec<f32> {
        let next = self.input(&batch.next_states);
        let of_target = self.target.forward(next.clone()).as_vec();
        let choosing =
            if self.settings.double { self.online.forward(next).as_vec() } else { of_target.clone() };
        let values = of_target.chunks_exact(ACTIONS).zip(choosing.chunks_exact(ACTIONS));
        let targets = values.enumerate().map(|(transition, (values, choosing))| {
            let (reward, discount) = (batch.rewards[transition], batch.discounts[transition]);
            loss::target(values[loss::greedy(choosing)], reward, discount)
        });
        targets.collect()
    }
}

impl Learner for DfdxLearner {
    fn act(&mut self, observation: &[u8], _: Mode) -> usize {
        loss::greedy(&self.online.forward(self.input(observation)).as_vec())
    }

    fn update(&mut self, batch: &Batch) -> Result<Update<'_>, AgentError> {
        let UpdateSettings { priority_exponent, importance_exponent, .. } = self.settings;
        let vector = |values: Vec<f32>| self.cpu.tensor_from_vec(values, (batch.len(),));
        prioritized::importance_weights(
            &mut self.importance_weights,
            &batch.probabilities,
            importance_exponent,
        );
        let weights = vector(self.importance_weights.clone());
        let actions = batch.actions.iter().map(|&action| usize::from(action)).collect();
        let actions = self.cpu.tensor_from_vec(actions, (batch.len(),));

        let states = self.input(&batch.states).trace(self.online.alloc_grads());
        let values = self.online.forward(states).select(actions);
        let losses = values.huber_error(vector(self.targets(batch)), 1.0);
        let loss_of_each = losses.as_vec();
        let mean = (losses * weights).mean();
        let loss = mean.array();
        if !loss.is_finite() {
            return Err(Self::diverged(self.adam.steps + 1, loss, "the loss is not"));
        }
        let mut gradients = mean.backward();
        self.adam.steps += 1;
        for tensor in tensors(&mut self.online) {
            tensor.step(&mut self.adam, &mut gradients);
        }
        if tensors(&mut self.online)
            .iter()
            .any(|tensor| tensor.values().iter().any(|weight| !weight.is_finite()))
        {
            return Err(Self::diverged(self.adam.steps, loss, "a weight is not, after it"));
        }
        self.priorities.clear();
        let priorities = loss_of_each.iter().map(|&loss| prioritized::priority(loss, priority_exponent));
        self.priorities.extend(priorities);
        Ok(Update { loss, priorities: &self.priorities })
    }

    fn sync_target(&mut self) {
        self.target = self.online.clone();
    }

    fn parameters(&self) -> usize {
        WEIGHTS.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }

    fn weights(&self) -> NamedWeights<'_> {
        let mut online = self.online.clone();
        let values = tensors(&mut online).map(|tensor| tensor.values());
        WEIGHTS
            .into_iter()
            .zip(values)
            .map(|((name, shape), values)| (name, shape, Cow::Owned(values)))
            .collect()
    }

    fn load_weights(&mut self, file: &WeightsFile) -> Result<(), AgentError> {
        let mut parts = Builder::new();
        let ranges = WEIGHTS.map(|(name, shape)| parts.parameter(name, shape, Initializer::Constant(0.0)));
        let values = file.values(parts.parameters())?;
        for (tensor, range) in tensors(&mut self.online).into_iter().zip(ranges) {
            tensor.set(&values[range]);
        }
        self.sync_target();
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        // Adam hands its moments out to be changed, and so copies of all are made.
        let (mut online, mut target) = (self.online.clone(), self.target.clone());
        let Adam { config, steps, mu, nu } = &self.adam;
        let mut adam = Adam { config: *config, steps: *steps, mu: mu.clone(), nu: nu.clone() };
        let mut targets = tensors(&mut target).into_iter();
        let tensors = tensors(&mut online).map(|tensor| {
            let target = targets.next().map(|target| target.values()).unwrap_or_default();
            let [mu, nu] = tensor.moments(&mut adam);
            [tensor.values(), target, mu.clone(), nu.clone()]
        });
        postcard::to_stdvec(&State { steps: *steps, tensors }).expect("the lengths are known")
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), AgentError> {
        let state: State =
            postcard::from_bytes(state).map_err(|error| AgentError::State(error.to_string()))?;
        for ((name, shape), parts) in WEIGHTS.iter().zip(&state.tensors) {
            let len: usize = shape.iter().product();
            if parts.iter().any(|part| part.len() != len) {
                return Err(AgentError::State(format!("`{name}` has not {len} numbers")));
            }
        }
        self.adam.steps = state.steps;
        let networks = tensors(&mut self.online).into_iter().zip(tensors(&mut self.target));
        for ((online, target), [of_online, of_target, of_mu, of_nu]) in networks.zip(&state.tensors) {
            online.set(of_online);
            target.set(of_target);
            let [mu, nu] = online.moments(&mut self.adam);
            mu.copy_from_slice(of_mu);
            nu.copy_from_slice(of_nu);
        }
        Ok(())
    }
}
