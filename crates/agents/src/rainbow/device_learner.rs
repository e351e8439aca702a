//! Rainbow's learner on the device engine.

use super::learner::RainbowSettings;
use super::{device, loss};
use crate::dqn::loss::greedy;
use crate::learner::cpu::to_input;
use crate::learner::state::LearnerState;
use crate::seeds::{Role, Seeds};
use crate::{AgentError, Learner, Mode, NamedWeights, Update, prioritized};
use burn_tensor::Tensor;
use burn_tensor::activation::softmax;
use burn_tensor::backend::Backend;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_nets::Adam;
use softmoe_nets::device::{Autodiff, DeviceAdam, DeviceNetwork, DeviceWeights, from_values, to_values};
use softmoe_nets::weights::WeightsFile;
use softmoe_replay::Batch;
use std::borrow::Cow;
use std::ops::Range;

/// A network with online and target weights that learns a categorical return distribution on a device.
///
/// It does what [`RainbowLearner`](super::RainbowLearner) does, from the same seeds and with the same noise (drawn on
/// the host), and saves the same state. An update waits for the device once, for its losses.
pub struct DeviceRainbowLearner<B: Backend> {
    network: Box<dyn DeviceNetwork<Autodiff<B>>>,
    settings: RainbowSettings,
    actions: usize,
    device: B::Device,
    support: Tensor<B, 1>,

    online: Online<B>,
    target: Tensor<B, 1>,
    /// To compute with, not to learn from: made anew when the weights change.
    online_weights: DeviceWeights<Autodiff<B>>,
    target_weights: DeviceWeights<Autodiff<B>>,
    rng: Xoshiro256PlusPlus,

    noise_target: Vec<f32>,
    noise_loss: Vec<f32>,
    input: Vec<f32>,
    weights: Vec<f32>,
    priorities: Vec<f32>,
}

/// What an update changes.
#[derive(Clone, Debug)]
struct Online<B: Backend> {
    weights: Tensor<B, 1>,
    optimizer: DeviceAdam<B>,
}

/// An update that the device may still be working on.
struct Pending<B: Backend> {
    after: Online<B>,
    /// (batch)
    losses: Tensor<B, 1>,
}

impl<B: Backend> DeviceRainbowLearner<B> {
    /// A learner whose `network` maps observations to logits (actions, atoms), its weights drawn from `seeds`.
    ///
    /// # Panics
    /// If the network's output has not two axes.
    pub fn new(
        network: Box<dyn DeviceNetwork<Autodiff<B>>>,
        settings: RainbowSettings,
        seeds: Seeds,
        device: B::Device,
    ) -> Self {
        let [actions, atoms] =
            network.output_shape().try_into().expect("a categorical network's output is (actions, atoms)");
        let list = network.parameters();
        let initial = list.initial(&mut seeds.rng(Role::Weights));
        let weights = from_values(&initial, [initial.len()], &device);
        let adam = Adam::new(settings.update.optimizer, initial.len());
        let batch = settings.update.batch_size;
        DeviceRainbowLearner {
            actions,
            support: from_values(&loss::support(settings.v_max, atoms), [atoms], &device),
            online_weights: DeviceWeights::untracked(list, &weights),
            target_weights: DeviceWeights::untracked(list, &weights),
            target: weights.clone(),
            online: Online { weights, optimizer: DeviceAdam::new(&adam, &device) },
            rng: seeds.rng(Role::Noise),
            noise_target: vec![0.0; network.noise().len()],
            noise_loss: vec![0.0; network.noise().len()],
            input: vec![0.0; 2 * batch * network.input_len()],
            weights: vec![0.0; batch],
            priorities: vec![0.0; batch],
            network,
            settings,
            device,
        }
    }

    /// Takes one gradient step with the noise given, as [`RainbowLearner::update_with`] does.
    ///
    /// # Errors
    /// As [`update`](Learner::update).
    ///
    /// [`RainbowLearner::update_with`]: super::RainbowLearner::update_with
    pub fn update_with(
        &mut self,
        batch: &Batch,
        noise_target: &[f32],
        noise_loss: &[f32],
    ) -> Result<Update<'_>, AgentError> {
        let pending = self.enqueue(batch, noise_target, noise_loss);
        let loss = self.finish(pending)?;
        Ok(Update { loss, priorities: &self.priorities })
    }

    /// Hands an update to the device, without waiting for what comes of it.
    fn enqueue(&mut self, batch: &Batch, noise_target: &[f32], noise_loss: &[f32]) -> Pending<B> {
        let exponent = self.settings.update.importance_exponent;
        prioritized::importance_weights(&mut self.weights, &batch.probabilities, exponent);
        let size = self.settings.update.batch_size;
        let len = self.network.input_len();
        let (next_states, states) = self.input.split_at_mut(size * len);
        to_input(next_states, &batch.next_states);
        to_input(states, &batch.states);
        let input = from_values::<B, 2>(&self.input, [2 * size, len], &self.device);
        let [next_states, states] = [0..size, size..2 * size].map(|rows| input.clone().slice(rows));
        let noise_target = self.noise(noise_target);
        let noise_loss = self.noise(noise_loss);
        let [r_t, discount_t, action_tm1, weight] = self.transitions(batch);

        let target = self.target_distributions(next_states, r_t, discount_t, noise_target);

        let list = self.network.parameters();
        let weights = DeviceWeights::tracked(list, &self.online.weights).with_noise(noise_loss);
        let logits_tm1 = self.logits(&weights, states);
        let chosen = Tensor::from_inner(device::one_hot(action_tm1, self.actions));
        let losses = device::cross_entropy(Tensor::from_inner(target), device::of_action(logits_tm1, chosen));
        let mean_loss = (losses.clone() * Tensor::from_inner(weight)).sum().div_scalar(size as f32);
        let gradient = weights.gradient(&mut weights.with_added_losses(mean_loss).backward());
        let Online { weights, optimizer } = &self.online;
        let (weights, optimizer) = optimizer.step(weights.clone(), gradient);
        Pending { after: Online { weights, optimizer }, losses: losses.inner() }
    }

    /// Waits for an update, and takes its step if the loss is finite. The mean of the weighted losses.
    fn finish(&mut self, pending: Pending<B>) -> Result<f32, AgentError> {
        let losses =
            pending.losses.try_into_data().map_err(|error| AgentError::Device(format!("{error:?}")))?;
        let losses =
            losses.convert::<f32>().into_vec().expect("values that were converted to single precision");
        let mut mean_loss = 0.0;
        for ((priority, &loss), weight) in self.priorities.iter_mut().zip(&losses).zip(&self.weights) {
            *priority = prioritized::priority(loss, self.settings.update.priority_exponent);
            mean_loss += weight * loss / losses.len() as f32;
        }
        if !mean_loss.is_finite() {
            return Err(AgentError::NotFinite { update: self.online.optimizer.steps() + 1, loss: mean_loss });
        }
        self.online = pending.after;
        self.online_weights = DeviceWeights::untracked(self.network.parameters(), &self.online.weights);
        Ok(mean_loss)
    }

    /// Reward, discount, action and importance weight of each transition, (batch).
    fn transitions(&self, batch: &Batch) -> [Tensor<B, 1>; 4] {
        let size = self.settings.update.batch_size;
        let discount = self.settings.update.bootstrap_discount as f32;
        let discounts = batch.terminals.iter().map(|&terminal| if terminal { 0.0 } else { discount });
        let actions = batch.actions.iter().map(|&action| f32::from(action));
        let values: Vec<f32> = (batch.rewards.iter().copied())
            .chain(discounts)
            .chain(actions)
            .chain(self.weights.clone())
            .collect();
        let values = from_values::<B, 1>(&values, [4 * size], &self.device);
        [0, 1, 2, 3].map(|row| values.clone().slice(row * size..(row + 1) * size))
    }

    /// The next state's distribution for its greedy action, moved by the reward and projected, (batch, atoms).
    fn target_distributions(
        &self,
        next_states: Tensor<B, 2>,
        r_t: Tensor<B, 1>,
        discount_t: Tensor<B, 1>,
        noise: Option<Tensor<Autodiff<B>, 1>>,
    ) -> Tensor<B, 2> {
        let probabilities = |weights: &DeviceWeights<Autodiff<B>>| {
            let weights = weights.clone().with_noise(noise.clone());
            softmax(self.logits(&weights, next_states.clone()).inner(), 2)
        };
        let probabilities_t = probabilities(&self.target_weights);
        let choosing = if self.settings.update.double {
            probabilities(&self.online_weights)
        } else {
            probabilities_t.clone()
        };
        let chosen = device::greedy(device::q_values(choosing, self.support.clone()));
        let v_max = self.settings.v_max as f32;
        let of_action = device::of_action(probabilities_t, chosen);
        device::project(of_action, r_t, discount_t, self.support.clone(), [-v_max, v_max])
    }

    /// (batch, values of an observation) -> (batch, actions, atoms)
    fn logits(&self, weights: &DeviceWeights<Autodiff<B>>, x: Tensor<B, 2>) -> Tensor<Autodiff<B>, 3> {
        let [batch, _] = x.dims();
        let [atoms] = self.support.dims();
        self.network.forward(weights, Tensor::from_inner(x)).reshape([batch, self.actions, atoms])
    }

    /// The noise of a network, or `None` where it has no noisy layer.
    fn noise(&self, noise: &[f32]) -> Option<Tensor<Autodiff<B>, 1>> {
        (!noise.is_empty()).then(|| Tensor::from_inner(from_values(noise, [noise.len()], &self.device)))
    }

    /// Replaces online and target weights, both in the order of the network's parameter list.
    ///
    /// # Panics
    /// If they are not as many as the network's parameters.
    pub fn set_weights(&mut self, online: &[f32], target: &[f32]) {
        let list = self.network.parameters();
        self.online.weights = from_values(online, [list.len()], &self.device);
        self.target = from_values(target, [list.len()], &self.device);
        self.online_weights = DeviceWeights::untracked(list, &self.online.weights);
        self.target_weights = DeviceWeights::untracked(list, &self.target);
    }

    /// The network.
    pub fn network(&self) -> &dyn DeviceNetwork<Autodiff<B>> {
        &*self.network
    }
}

impl<B: Backend> Learner for DeviceRainbowLearner<B> {
    fn act(&mut self, observation: &[u8], mode: Mode) -> usize {
        let noise = match mode {
            Mode::Train => {
                self.network.noise().draw(&mut self.rng, &mut self.noise_loss);
                self.noise(&self.noise_loss)
            }
            Mode::Evaluate => None,
        };
        let len = self.network.input_len();
        let input = &mut self.input[..len];
        to_input(input, observation);
        let input = from_values::<B, 2>(input, [1, len], &self.device);
        let weights = self.online_weights.clone().with_noise(noise);
        let probabilities = softmax(self.logits(&weights, input).inner(), 2);
        greedy(&to_values(device::q_values(probabilities, self.support.clone())))
    }

    fn update(&mut self, batch: &Batch) -> Result<Update<'_>, AgentError> {
        let mut noise_target = std::mem::take(&mut self.noise_target);
        let mut noise_loss = std::mem::take(&mut self.noise_loss);
        self.network.noise().draw(&mut self.rng, &mut noise_target);
        self.network.noise().draw(&mut self.rng, &mut noise_loss);
        let loss = self.update_with(batch, &noise_target, &noise_loss).map(|update| update.loss);
        (self.noise_target, self.noise_loss) = (noise_target, noise_loss);
        Ok(Update { loss: loss?, priorities: &self.priorities })
    }

    fn sync_target(&mut self) {
        self.target = self.online.weights.clone();
        self.target_weights = self.online_weights.clone();
    }

    fn parameters(&self) -> usize {
        self.network.parameters().len()
    }

    fn weights(&self) -> NamedWeights<'_> {
        let online = to_values(self.online.weights.clone());
        let parameters = self.network.parameters().iter();
        let values = |range: Range<usize>| Cow::Owned(online[range].to_vec());
        parameters.map(|p| (p.name.as_str(), p.shape.as_slice(), values(p.range.clone()))).collect()
    }

    fn load_weights(&mut self, file: &WeightsFile) -> Result<(), AgentError> {
        let values = file.values(self.network.parameters())?;
        self.set_weights(&values, &values);
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let (online, target) = (to_values(self.online.weights.clone()), to_values(self.target.clone()));
        let optimizer = self.online.optimizer.to_cpu();
        LearnerState { online, target, optimizer, rng: self.rng.clone() }.to_bytes()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), AgentError> {
        let LearnerState { online, target, optimizer, rng } =
            LearnerState::from_bytes(state, self.parameters())?;
        self.set_weights(&online, &target);
        self.online.optimizer = DeviceAdam::new(&optimizer, &self.device);
        self.rng = rng;
        Ok(())
    }
}
