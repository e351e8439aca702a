//! The learner on the device engine, whatever it learns of an action.

use super::actions::{greedy, of_action, one_hot};
use super::cpu::to_input;
use super::divergence::diverged;
use super::state::LearnerState;
use super::{Learner, Mode, NamedWeights, Update, UpdateSettings};
use crate::seeds::{Role, Seeds};
use crate::{AgentError, dqn, prioritized};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_nets::Adam;
use softmoe_nets::device::{Autodiff, DeviceAdam, DeviceNetwork, DeviceWeights, from_values, to_values};
use softmoe_nets::weights::WeightsFile;
use softmoe_replay::Batch;
use std::borrow::Cow;
use std::ops::Range;

/// What is learned of an action on a device: what [`Objective`](super::Objective) says of one state or transition, for a
/// whole batch and without a word to the host.
///
/// # Shapes
/// outputs of a batch: (batch, actions, values); of an action each, and their targets: (batch, values)
pub trait DeviceObjective<B: Backend>: Send {
    /// The value of every action.
    ///
    /// # Shapes
    /// -> (batch, actions)
    fn q_values(&self, outputs: Tensor<B, 3>) -> Tensor<B, 2>;

    /// The targets, from the target network's outputs for the next states' greedy actions.
    ///
    /// `discount_t` is gamma^n, or 0 at a terminal.
    ///
    /// # Shapes
    /// r_t, discount_t: (batch) -> (batch, values)
    fn target(&self, outputs_t: Tensor<B, 2>, r_t: Tensor<B, 1>, discount_t: Tensor<B, 1>) -> Tensor<B, 2>;

    /// The losses, from the outputs of the actions taken.
    ///
    /// # Shapes
    /// -> (batch)
    fn loss(
        &self,
        target: Tensor<Autodiff<B>, 2>,
        outputs_tm1: Tensor<Autodiff<B>, 2>,
    ) -> Tensor<Autodiff<B>, 1>;
}

/// A network with online and target weights that learns an objective by Adam, on a device.
///
/// It does what [`CpuLearner`](super::CpuLearner) does, from the same seeds and with the same noise (drawn on the host),
/// and saves the same state. An update waits for the device once, for its losses.
pub struct DeviceLearner<B: Backend, O> {
    objective: O,
    network: Box<dyn DeviceNetwork<Autodiff<B>>>,
    settings: UpdateSettings,
    actions: usize,
    /// Outputs of an action.
    values: usize,
    device: B::Device,

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
    /// The losses, and a number that is finite if the step is, in one tensor to wait for: (batch + 1).
    losses: Tensor<B, 1>,
}

impl<B: Backend, O: DeviceObjective<B>> DeviceLearner<B, O> {
    /// A learner whose `network` maps observations to outputs (actions, values), its weights drawn from `seeds`.
    ///
    /// # Panics
    /// If the network's output has not two axes.
    pub fn with_objective(
        objective: O,
        network: Box<dyn DeviceNetwork<Autodiff<B>>>,
        settings: UpdateSettings,
        seeds: Seeds,
        device: B::Device,
    ) -> Self {
        let [actions, values] =
            network.output_shape().try_into().expect("a network's output is (actions, values)");
        let list = network.parameters();
        let initial = list.initial(&mut seeds.rng(Role::Weights));
        let weights = from_values(&initial, [initial.len()], &device);
        let adam = Adam::new(settings.optimizer, initial.len());
        let batch = settings.batch_size;
        DeviceLearner {
            objective,
            actions,
            values,
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

    /// Takes one gradient step with the noise given, as [`CpuLearner::update_with`](super::CpuLearner::update_with) does.
    ///
    /// # Errors
    /// As [`update`](Learner::update).
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
        let exponent = self.settings.importance_exponent;
        prioritized::importance_weights(&mut self.weights, &batch.probabilities, exponent);
        let size = self.settings.batch_size;
        let len = self.network.input_len();
        let (next_states, states) = self.input.split_at_mut(size * len);
        to_input(next_states, &batch.next_states, self.settings.largest_pixel);
        to_input(states, &batch.states, self.settings.largest_pixel);
        let input = from_values::<B, 2>(&self.input, [2 * size, len], &self.device);
        let [next_states, states] = [0..size, size..2 * size].map(|rows| input.clone().slice(rows));
        let noise_target = self.noise(noise_target);
        let noise_loss = self.noise(noise_loss);
        let [r_t, discount_t, action_tm1, weight] = self.transitions(batch);

        let target = self.targets(next_states, r_t, discount_t, noise_target);

        let list = self.network.parameters();
        let weights = DeviceWeights::tracked(list, &self.online.weights).with_noise(noise_loss);
        let outputs_tm1 = self.outputs(&weights, states);
        let taken = Tensor::from_inner(one_hot(action_tm1, self.actions));
        let losses = self.objective.loss(Tensor::from_inner(target), of_action(outputs_tm1, taken));
        let mean_loss = (losses.clone() * Tensor::from_inner(weight)).sum().div_scalar(size as f32);
        let gradient = weights.gradient(&mut weights.with_added_losses(mean_loss).backward());
        let Online { weights, optimizer } = &self.online;
        let (weights, optimizer) = optimizer.step(weights.clone(), gradient);
        let losses = Tensor::cat(vec![losses.inner(), optimizer.magnitude(weights.clone())], 0);
        Pending { after: Online { weights, optimizer }, losses }
    }

    /// Waits for an update, and takes its step if it is finite. The mean of the weighted losses.
    fn finish(&mut self, pending: Pending<B>) -> Result<f32, AgentError> {
        let Pending { after, losses } = pending;
        let losses = losses.try_into_data().map_err(|error| AgentError::Device(format!("{error:?}")))?;
        let losses =
            losses.convert::<f32>().into_vec().expect("values that were converted to single precision");
        let Some((magnitude, losses)) = losses.split_last() else { unreachable!() };
        let mut mean_loss = 0.0;
        for ((priority, &loss), weight) in self.priorities.iter_mut().zip(losses).zip(&self.weights) {
            *priority = prioritized::priority(loss, self.settings.priority_exponent);
            mean_loss += weight * loss / losses.len() as f32;
        }
        if !(mean_loss.is_finite() && magnitude.is_finite()) {
            let update = self.online.optimizer.steps() + 1;
            let Online { weights, optimizer } = if mean_loss.is_finite() { &after } else { &self.online };
            let weights = to_values(weights.clone());
            return Err(diverged(
                update,
                mean_loss,
                self.network.parameters(),
                &weights,
                &optimizer.to_cpu(),
            ));
        }
        self.online = after;
        self.online_weights = DeviceWeights::untracked(self.network.parameters(), &self.online.weights);
        Ok(mean_loss)
    }

    /// Reward, discount, action and importance weight of each transition, (batch).
    fn transitions(&self, batch: &Batch) -> [Tensor<B, 1>; 4] {
        let size = self.settings.batch_size;
        let discount = self.settings.bootstrap_discount as f32;
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

    /// The targets, from the target network's outputs for the next states' greedy actions. The online network chooses
    /// them (double), or the target network does.
    fn targets(
        &self,
        next_states: Tensor<B, 2>,
        r_t: Tensor<B, 1>,
        discount_t: Tensor<B, 1>,
        noise: Option<Tensor<Autodiff<B>, 1>>,
    ) -> Tensor<B, 2> {
        let outputs = |weights: &DeviceWeights<Autodiff<B>>| {
            let weights = weights.clone().with_noise(noise.clone());
            self.outputs(&weights, next_states.clone()).inner()
        };
        let outputs_t = outputs(&self.target_weights);
        let choosing = if self.settings.double { outputs(&self.online_weights) } else { outputs_t.clone() };
        let chosen = greedy(self.objective.q_values(choosing));
        self.objective.target(of_action(outputs_t, chosen), r_t, discount_t)
    }

    /// (batch, values of an observation) -> (batch, actions, values)
    fn outputs(&self, weights: &DeviceWeights<Autodiff<B>>, x: Tensor<B, 2>) -> Tensor<Autodiff<B>, 3> {
        let [batch, _] = x.dims();
        self.network.forward(weights, Tensor::from_inner(x)).reshape([batch, self.actions, self.values])
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

impl<B: Backend, O: DeviceObjective<B>> Learner for DeviceLearner<B, O> {
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
        to_input(input, observation, self.settings.largest_pixel);
        let input = from_values::<B, 2>(input, [1, len], &self.device);
        let weights = self.online_weights.clone().with_noise(noise);
        let outputs = self.outputs(&weights, input).inner();
        dqn::loss::greedy(&to_values(self.objective.q_values(outputs)))
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
