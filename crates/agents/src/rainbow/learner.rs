//! Rainbow's learner on the CPU engine.

use super::loss;
use super::state::RainbowState;
use crate::seeds::{Role, Seeds};
use crate::{AgentError, Learner, Mode, NamedWeights, Update};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_nets::kernels::softmax_rows;
use softmoe_nets::weights::WeightsFile;
use softmoe_nets::{ActionNetwork, ActionPass, Adam, AdamSettings, Weights};
use softmoe_replay::Batch;
use std::borrow::Cow;

/// What Rainbow's losses and optimizer need to know.
#[derive(Clone, Debug, PartialEq)]
pub struct RainbowSettings {
    /// Transitions of an update.
    pub batch_size: usize,
    /// gamma^n: discount of the next state's value.
    pub bootstrap_discount: f64,
    /// Largest value of the support; the smallest is its negative.
    pub v_max: f64,
    /// The online network chooses the next action, not the target network.
    pub double: bool,
    /// Priorities are loss to this power.
    pub priority_exponent: f64,
    /// Importance weights are sampling probabilities to minus this power.
    pub importance_exponent: f64,
    /// The optimizer.
    pub optimizer: AdamSettings,
}

/// A network with online and target weights that learns a categorical return distribution.
pub struct RainbowLearner {
    network: Box<dyn ActionNetwork>,
    settings: RainbowSettings,
    actions: usize,
    support: Vec<f32>,

    online: Vec<f32>,
    target: Vec<f32>,
    optimizer: Adam,
    rng: Xoshiro256PlusPlus,

    act: Buffers,
    update: Buffers,
    noise_target: Vec<f32>,
    noise_loss: Vec<f32>,
    gradient: Vec<f32>,
    d_logits: Vec<f32>,
    next_actions: Vec<usize>,
    actions_tm1: Vec<usize>,
    q_target: Vec<f32>,
    weights: Vec<f32>,
    priorities: Vec<f32>,
}

/// A pass at one batch size, its input and what is made of its output.
struct Buffers {
    pass: Box<dyn ActionPass>,
    /// (batch, height, width, stack x channels)
    input: Vec<f32>,
    /// Of one sample: (actions, atoms), (actions).
    probabilities: Vec<f32>,
    q_values: Vec<f32>,
}

impl Buffers {
    fn new(network: &dyn ActionNetwork, batch: usize, actions: usize, atoms: usize) -> Self {
        Buffers {
            pass: network.action_pass(batch),
            input: vec![0.0; batch * network.input_len()],
            probabilities: vec![0.0; actions * atoms],
            q_values: vec![0.0; actions],
        }
    }
}

impl RainbowLearner {
    /// A learner whose `network` maps observations to logits (actions, atoms), its weights drawn from `seeds`.
    ///
    /// # Panics
    /// If the network's output has not two axes.
    pub fn new(network: Box<dyn ActionNetwork>, settings: RainbowSettings, seeds: Seeds) -> Self {
        let [actions, atoms] =
            network.output_shape().try_into().expect("a categorical network's output is (actions, atoms)");
        let online = network.parameters().initial(&mut seeds.rng(Role::Weights));
        let batch = settings.batch_size;
        RainbowLearner {
            actions,
            support: loss::support(settings.v_max, atoms),
            target: online.clone(),
            optimizer: Adam::new(settings.optimizer, online.len()),
            rng: seeds.rng(Role::Noise),
            act: Buffers::new(&*network, 1, actions, atoms),
            update: Buffers::new(&*network, batch, actions, atoms),
            noise_target: vec![0.0; network.noise().len()],
            noise_loss: vec![0.0; network.noise().len()],
            gradient: vec![0.0; online.len()],
            d_logits: vec![0.0; batch * atoms],
            next_actions: vec![0; batch],
            actions_tm1: vec![0; batch],
            q_target: vec![0.0; batch * atoms],
            weights: vec![0.0; batch],
            priorities: vec![0.0; batch],
            online,
            network,
            settings,
        }
    }
}

/// The update as the paper has it.
impl RainbowLearner {
    /// Takes one gradient step with the noise given: `noise_target` for the next state's action and
    /// distribution, `noise_loss` for the loss, each laid out as the network's [`NoiseList`]
    /// (empty if no layer is noisy).
    ///
    /// [`update`](Learner::update) is this with two fresh draws.
    ///
    /// # Errors
    /// As [`update`](Learner::update).
    ///
    /// [`NoiseList`]: softmoe_nets::NoiseList
    pub fn update_with(
        &mut self,
        batch: &Batch,
        noise_target: &[f32],
        noise_loss: &[f32],
    ) -> Result<Update<'_>, AgentError> {
        self.target_distributions(batch, noise_target);
        loss::importance_weights(&mut self.weights, &batch.probabilities, self.settings.importance_exponent);
        let mean_loss = self.loss_and_gradient(batch, noise_loss);
        if !mean_loss.is_finite() {
            return Err(AgentError::NotFinite { update: self.optimizer.steps() + 1, loss: mean_loss });
        }
        self.optimizer.step(&mut self.online, &self.gradient);
        Ok(Update { loss: mean_loss, priorities: &self.priorities })
    }

    /// q_target: the next state's distribution for its greedy action, moved by the reward and projected. The
    /// online network chooses the action (double), or the target network does.
    fn target_distributions(&mut self, batch: &Batch, noise: &[f32]) {
        let (atoms, actions, support) = (self.support.len(), self.actions, &self.support);
        let Buffers { pass, input, probabilities, q_values } = &mut self.update;
        to_input(input, &batch.next_states);
        let noise = noisy(noise);

        if self.settings.double {
            let logits_t = pass.forward(Weights { parameters: &self.online, noise }, input);
            for (action, logits_t) in self.next_actions.iter_mut().zip(logits_t.chunks_exact(actions * atoms))
            {
                *action = greedy_action(probabilities, q_values, logits_t, support);
            }
        }
        let of_target = Weights { parameters: &self.target, noise };
        if !self.settings.double {
            let logits_t = pass.forward(of_target, input);
            for (action, logits_t) in self.next_actions.iter_mut().zip(logits_t.chunks_exact(actions * atoms))
            {
                *action = greedy_action(probabilities, q_values, logits_t, support);
            }
        }
        let logits_t = pass.forward_of(of_target, input, &self.next_actions);
        for (sample, logits_t) in logits_t.chunks_exact(atoms).enumerate() {
            let probabilities_t = &mut probabilities[..atoms];
            softmax_rows(probabilities_t, logits_t, atoms);
            let discount_t = if batch.terminals[sample] { 0.0 } else { self.settings.bootstrap_discount };
            let target = &mut self.q_target[sample * atoms..][..atoms];
            loss::project(target, probabilities_t, batch.rewards[sample], discount_t as f32, support);
        }
    }

    /// The mean of the weighted losses, with the gradient of it and the batch's new priorities.
    fn loss_and_gradient(&mut self, batch: &Batch, noise: &[f32]) -> f32 {
        let atoms = self.support.len();
        let size = self.settings.batch_size as f32;
        let Buffers { pass, input, .. } = &mut self.update;
        to_input(input, &batch.states);
        let weights = Weights { parameters: &self.online, noise: noisy(noise) };

        for (action, &taken) in self.actions_tm1.iter_mut().zip(&batch.actions) {
            *action = usize::from(taken);
        }
        let logits_tm1 = pass.forward_of(weights, input, &self.actions_tm1);
        let mut mean_loss = 0.0;
        let samples = logits_tm1.chunks_exact(atoms).zip(self.d_logits.chunks_exact_mut(atoms));
        for (sample, (logits, d_logits)) in samples.enumerate() {
            let target = &self.q_target[sample * atoms..][..atoms];
            let weight = self.weights[sample];
            let loss = loss::cross_entropy(d_logits, target, logits, weight / size);
            self.priorities[sample] = loss::priority(loss, self.settings.priority_exponent);
            mean_loss += weight * loss / size;
        }
        pass.backward_of(weights, input, &self.d_logits, &self.actions_tm1, &mut self.gradient);
        mean_loss
    }

    /// Replaces online and target weights, both in the order of the network's parameter list.
    ///
    /// # Panics
    /// If they are not as many as the network's parameters.
    pub fn set_weights(&mut self, online: &[f32], target: &[f32]) {
        self.online.copy_from_slice(online);
        self.target.copy_from_slice(target);
    }

    /// The gradient of the last update, in the order of the network's parameter list.
    pub fn gradient(&self) -> &[f32] {
        &self.gradient
    }

    /// The target distributions of the last update, (batch, atoms).
    pub fn q_target(&self) -> &[f32] {
        &self.q_target
    }

    /// The network.
    pub fn network(&self) -> &dyn ActionNetwork {
        &*self.network
    }
}

impl Learner for RainbowLearner {
    fn act(&mut self, observation: &[u8], mode: Mode) -> usize {
        let noise = match mode {
            Mode::Train => {
                self.network.noise().draw(&mut self.rng, &mut self.noise_loss);
                noisy(&self.noise_loss)
            }
            Mode::Evaluate => None,
        };
        let Buffers { pass, input, probabilities, q_values } = &mut self.act;
        to_input(input, observation);
        let logits = pass.forward(Weights { parameters: &self.online, noise }, input);
        greedy_action(probabilities, q_values, logits, &self.support)
    }

    fn update(&mut self, batch: &Batch) -> Result<Update<'_>, AgentError> {
        let mut noise_target = std::mem::take(&mut self.noise_target);
        let mut noise_loss = std::mem::take(&mut self.noise_loss);
        self.network.noise().draw(&mut self.rng, &mut noise_target);
        self.network.noise().draw(&mut self.rng, &mut noise_loss);
        let updated = self.update_with(batch, &noise_target, &noise_loss).map(|update| update.loss);
        (self.noise_target, self.noise_loss) = (noise_target, noise_loss);
        Ok(Update { loss: updated?, priorities: &self.priorities })
    }

    fn sync_target(&mut self) {
        self.target.copy_from_slice(&self.online);
    }

    fn parameters(&self) -> usize {
        self.online.len()
    }

    fn weights(&self) -> NamedWeights<'_> {
        let weights = self.network.parameters().named(&self.online);
        weights.map(|(name, shape, values)| (name, shape, Cow::Borrowed(values))).collect()
    }

    fn load_weights(&mut self, file: &WeightsFile) -> Result<(), AgentError> {
        let values = file.values(self.network.parameters())?;
        self.set_weights(&values, &values);
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let (online, target) = (self.online.clone(), self.target.clone());
        RainbowState { online, target, optimizer: self.optimizer.clone(), rng: self.rng.clone() }.to_bytes()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), AgentError> {
        let RainbowState { online, target, optimizer, rng } =
            RainbowState::from_bytes(state, self.online.len())?;
        (self.online, self.target, self.optimizer, self.rng) = (online, target, optimizer, rng);
        Ok(())
    }
}

/// The noise buffer of a network, or `None` where it has no noisy layer.
fn noisy(noise: &[f32]) -> Option<&[f32]> {
    (!noise.is_empty()).then_some(noise)
}

/// Observations as the network takes them: MinAtar's channels are 0 or 1, and one frame is the whole state.
pub(super) fn to_input(input: &mut [f32], observations: &[u8]) {
    for (input, &byte) in input.iter_mut().zip(observations) {
        *input = f32::from(byte);
    }
}

/// The greedy action for `logits`, (actions, atoms).
fn greedy_action(probabilities: &mut [f32], q_values: &mut [f32], logits: &[f32], support: &[f32]) -> usize {
    softmax_rows(probabilities, logits, support.len());
    loss::q_values(q_values, probabilities, support);
    loss::greedy(q_values)
}
