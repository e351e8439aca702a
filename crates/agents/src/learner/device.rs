//! The learner on the device engine, for any objective.

use super::actions::{greedy, of_action, preference};
use super::divergence::diverged;
use super::input::read_states;
use super::state::LearnerState;
use super::{Learner, Mode, NamedWeights, Update, UpdateSettings, check_batch};
use crate::seeds::{Role, Seeds};
use crate::{AgentError, dqn, prioritized};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_env::Element;
use softmoe_nets::Adam;
use softmoe_nets::device::{
    Autodiff, ByteUpload, DeviceAdam, DeviceFailed, DeviceNetwork, DeviceWeights, from_lists, from_values,
    read, to_values,
};
use softmoe_nets::weights::WeightsFile;
use softmoe_replay::Batch;
use std::borrow::Cow;
use std::ops::Range;

/// The objective of a learner on a device: the functions of [`Objective`](super::Objective) for a whole batch, without
/// communication with the host.
///
/// # Shapes
/// outputs of a batch: (batch, actions, values); outputs of one action per sample, and their targets: (batch, values)
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
/// It computes the same as [`CpuLearner`](super::CpuLearner), from the same seeds and with the same noise (drawn on the
/// host), and saves the same state. An update waits for the device once, for its losses. A
/// [started](Learner::start_update) update gets them from the wait for the next action.
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
    /// The weights for passes without gradients, made again when the weights change.
    online_weights: DeviceWeights<Autodiff<B>>,
    target_weights: DeviceWeights<Autodiff<B>>,
    /// The update that is under way.
    pending: Option<Pending<B>>,
    observations: ByteUpload<B>,
    /// (actions)
    preference: Tensor<B, 1>,
    rng: Xoshiro256PlusPlus,

    noise_target: Vec<f32>,
    noise_loss: Vec<f32>,
    /// Importance weights of the last batch, (batch).
    weights: Vec<f32>,
    priorities: Vec<f32>,
}

/// The values that an update changes.
#[derive(Clone, Debug)]
struct Online<B: Backend> {
    weights: Tensor<B, 1>,
    optimizer: DeviceAdam<B>,
}

/// An update that the device may still be working on.
struct Pending<B: Backend> {
    after: Online<B>,
    /// The weights of `after`, for passes without gradients.
    weights: DeviceWeights<Autodiff<B>>,
    losses: Losses<B>,
}

/// The losses, and a number that is finite if the step is, in one tensor: (batch + 1).
enum Losses<B: Backend> {
    OnDevice(Tensor<B, 1>),
    Read(Result<Vec<f32>, DeviceFailed>),
}

impl<B: Backend, O: DeviceObjective<B>> DeviceLearner<B, O> {
    /// A learner whose `network` maps observations to outputs (actions, values), its weights drawn from `seeds`.
    ///
    /// # Panics
    /// If the network's output does not have two axes.
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
        let adam = Adam::for_parameters(settings.optimizer, network.parameters());
        let batch = settings.batch_size;
        DeviceLearner {
            objective,
            actions,
            values,
            online_weights: DeviceWeights::untracked(list, &weights),
            target_weights: DeviceWeights::untracked(list, &weights),
            target: weights.clone(),
            online: Online { weights, optimizer: DeviceAdam::new(&adam, &device) },
            pending: None,
            observations: ByteUpload::new(&device),
            preference: preference(actions, &device),
            rng: seeds.rng(Role::Noise),
            noise_target: vec![0.0; network.noise().len()],
            noise_loss: vec![0.0; network.noise().len()],
            weights: vec![0.0; batch],
            priorities: vec![0.0; batch],
            network,
            settings,
            device,
        }
    }

    /// Takes one gradient step with given noise, as [`CpuLearner::update_with`](super::CpuLearner::update_with) does.
    ///
    /// # Errors
    /// As [`update`](Learner::update).
    pub fn update_with(
        &mut self,
        batch: &Batch,
        noise_target: &[f32],
        noise_loss: &[f32],
    ) -> Result<Update<'_>, AgentError> {
        self.finish_update()?;
        check_batch(batch, self.settings.batch_size, self.state_len(), self.actions)?;
        self.start(batch, noise_target, noise_loss);
        let loss = self.finish()?;
        Ok(Update { loss, priorities: &self.priorities })
    }

    /// Hands an update to the device, without waiting for its result.
    fn start(&mut self, batch: &Batch, noise_target: &[f32], noise_loss: &[f32]) {
        let exponent = self.settings.importance_exponent;
        prioritized::importance_weights(&mut self.weights, &batch.probabilities, exponent);
        let [next_states, states] = self.inputs([&batch.next_states, &batch.states]);
        let [r_t, discount_t, weight, taken, noise_target, noise_loss] =
            self.numbers(batch, noise_target, noise_loss);
        let taken = taken.reshape([self.settings.batch_size, self.actions]);

        let target = self.targets(next_states, r_t, discount_t, self.noise(noise_target));

        let weights = self.online_weights.tracking().with_noise(self.noise(noise_loss));
        let outputs_tm1 = self.outputs(&weights, states);
        let losses = of_action(outputs_tm1, Tensor::from_inner(taken));
        let losses = self.objective.loss(Tensor::from_inner(target), losses);
        let mean_loss =
            (losses.clone() * Tensor::from_inner(weight)).sum().div_scalar(self.settings.batch_size as f32);
        let gradient = weights.gradient(&mut weights.with_added_losses(mean_loss).backward());
        let Online { weights, optimizer } = &self.online;
        let (weights, optimizer) = optimizer.step(weights.clone(), gradient);
        let losses = Tensor::cat(vec![losses.inner(), optimizer.magnitude(weights.clone())], 0);
        self.pending = Some(Pending {
            weights: DeviceWeights::untracked(self.network.parameters(), &weights),
            after: Online { weights, optimizer },
            losses: Losses::OnDevice(losses),
        });
    }

    /// Waits for the update that is under way, and takes its step if it is finite. Returns the mean of the weighted
    /// losses.
    ///
    /// # Panics
    /// If there is no such update.
    fn finish(&mut self) -> Result<f32, AgentError> {
        let Pending { after, weights, losses } = self.pending.take().expect("an update that was started");
        let losses = match losses {
            Losses::OnDevice(losses) => read([losses]).map(|[losses]| losses),
            Losses::Read(losses) => losses,
        };
        let losses = losses.map_err(|error| AgentError::Device(error.to_string()))?;
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
        self.online_weights = weights;
        Ok(mean_loss)
    }

    /// The transitions without their observations, in one upload: rewards, discounts and importance weights, (batch);
    /// one-hot actions, (batch * actions); the noise of the passes for target and loss.
    fn numbers(&self, batch: &Batch, noise_target: &[f32], noise_loss: &[f32]) -> [Tensor<B, 1>; 6] {
        let size = self.settings.batch_size;
        let mut taken = vec![0.0; size * self.actions];
        for (row, &action) in taken.chunks_exact_mut(self.actions).zip(&batch.actions) {
            row[usize::from(action)] = 1.0;
        }
        let lists: [&[f32]; 6] =
            [&batch.rewards, &batch.discounts, &self.weights, &taken, noise_target, noise_loss];
        let [r_t, discount_t, weight, taken, noise_target, noise_loss] = from_lists(lists, &self.device);
        let [r_t, discount_t, weight] = [r_t, discount_t, weight].map(|list| list.slice(0..size));
        [r_t, discount_t, weight, taken.slice(0..size * self.actions), noise_target, noise_loss]
    }

    /// Reads states as the network takes them: bytes divided by the pixel scale, floats as they are.
    ///
    /// # Shapes
    /// each of the states: (batch, elements of a state) -> (batch, elements of a state)
    fn inputs<const N: usize>(&self, states: [&[u8]; N]) -> [Tensor<B, 2>; N] {
        let len = self.network.input_len();
        match self.settings.element {
            Element::Byte { scale } => self.observations.tensors(states).map(|bytes| {
                let [values] = bytes.dims();
                let input = bytes.reshape([values / len, len]);
                if scale == 1 { input } else { input.div_scalar(f32::from(scale)) }
            }),
            Element::Float => states.map(|states| {
                let mut values = vec![0.0; states.len() / self.settings.element.size()];
                read_states(&mut values, states, self.settings.element);
                from_values(&values, [values.len() / len, len], &self.device)
            }),
        }
    }

    /// Bytes of a state.
    fn state_len(&self) -> usize {
        self.network.input_len() * self.settings.element.size()
    }

    /// The targets, from the target network's outputs for the next states' greedy actions. The online network chooses
    /// the actions (double), or the target network does.
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
        let chosen = greedy(self.objective.q_values(choosing), self.preference.clone());
        self.objective.target(of_action(outputs_t, chosen), r_t, discount_t)
    }

    /// (batch, values of an observation) -> (batch, actions, values)
    fn outputs(&self, weights: &DeviceWeights<Autodiff<B>>, x: Tensor<B, 2>) -> Tensor<Autodiff<B>, 3> {
        let [batch, _] = x.dims();
        self.network.forward(weights, Tensor::from_inner(x)).reshape([batch, self.actions, self.values])
    }

    /// The noise of a network, or `None` without a noisy layer.
    fn noise(&self, noise: Tensor<B, 1>) -> Option<Tensor<Autodiff<B>, 1>> {
        (!self.network.noise().is_empty()).then(|| Tensor::from_inner(noise))
    }

    /// Replaces online and target weights, both in the order of the network's parameter list. An update that is under
    /// way is discarded.
    ///
    /// # Panics
    /// If their number is not that of the network's parameters.
    pub fn set_weights(&mut self, online: &[f32], target: &[f32]) {
        self.pending = None;
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
    /// # Panics
    /// If `state` does not have the length of the network's input.
    fn act(&mut self, state: &[u8], mode: Mode) -> usize {
        assert_eq!(state.len(), self.state_len(), "bytes of the state that an action is chosen for");
        let noise = match mode {
            Mode::Train if !self.network.noise().is_empty() => {
                self.network.noise().draw(&mut self.rng, &mut self.noise_loss);
                let [noise] = from_lists([&self.noise_loss], &self.device);
                self.noise(noise)
            }
            _ => None,
        };
        let [input] = self.inputs([state]);
        let weights = self.pending.as_ref().map_or(&self.online_weights, |pending| &pending.weights);
        let outputs = self.outputs(&weights.clone().with_noise(noise), input).inner();
        let q_values = self.objective.q_values(outputs).flatten(0, 1);
        let Some(Pending { losses, .. }) = &mut self.pending else {
            return dqn::loss::greedy(&to_values::<B, 1>(q_values));
        };
        // One wait for the device serves both.
        match losses {
            Losses::Read(_) => dqn::loss::greedy(&to_values::<B, 1>(q_values)),
            Losses::OnDevice(of_update) => match read([q_values, of_update.clone()]) {
                Ok([q_values, of_update]) => {
                    *losses = Losses::Read(Ok(of_update));
                    dqn::loss::greedy(&q_values)
                }
                Err(failed) => {
                    *losses = Losses::Read(Err(failed));
                    0
                }
            },
        }
    }

    fn update(&mut self, batch: &Batch) -> Result<Update<'_>, AgentError> {
        self.start_update(batch)?;
        let loss = self.finish()?;
        Ok(Update { loss, priorities: &self.priorities })
    }

    fn start_update(&mut self, batch: &Batch) -> Result<Option<Update<'_>>, AgentError> {
        self.finish_update()?;
        check_batch(batch, self.settings.batch_size, self.state_len(), self.actions)?;
        let mut noise_target = std::mem::take(&mut self.noise_target);
        let mut noise_loss = std::mem::take(&mut self.noise_loss);
        self.network.noise().draw(&mut self.rng, &mut noise_target);
        self.network.noise().draw(&mut self.rng, &mut noise_loss);
        self.start(batch, &noise_target, &noise_loss);
        (self.noise_target, self.noise_loss) = (noise_target, noise_loss);
        Ok(None)
    }

    fn finish_update(&mut self) -> Result<Option<Update<'_>>, AgentError> {
        if self.pending.is_none() {
            return Ok(None);
        }
        let loss = self.finish()?;
        Ok(Some(Update { loss, priorities: &self.priorities }))
    }

    fn sync_target(&mut self) {
        self.target = self.online.weights.clone();
        self.target_weights = self.online_weights.clone();
    }

    fn parameters(&self) -> usize {
        self.network.parameters().trained_len()
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
        LearnerState::new(online, target, &optimizer, &self.rng).to_bytes()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), AgentError> {
        let state = LearnerState::from_bytes(state, self.network.parameters().len())?;
        self.set_weights(&state.online, &state.target);
        let optimizer = state.optimizer(self.settings.optimizer, self.network.parameters());
        self.online.optimizer = DeviceAdam::new(&optimizer, &self.device);
        self.rng = state.rng;
        Ok(())
    }
}
