//! The learner on the CPU engine, for any objective.

use super::divergence::diverged;
use super::input::read_states;
use super::state::LearnerState;
use super::{Learner, Mode, NamedWeights, Update, check_batch};
use crate::diagnostics::{self, Diagnostic, LearnedBatch};
use crate::interventions::{self, Trained};
use crate::seeds::{Role, Seeds};
use crate::{AgentError, prioritized};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_config::InterventionSpec;
use softmoe_env::Element;
use softmoe_nets::kernels::InstructionSet;
use softmoe_nets::weights::WeightsFile;
use softmoe_nets::{ActionNetwork, ActionPass, Adam, AdamSettings, Inspection, Weights};
use softmoe_replay::Batch;
use std::borrow::Cow;

/// Settings of an update that all agents share.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateSettings {
    /// Transitions per update.
    pub batch_size: usize,
    /// Double targets: the online network chooses the next action, not the target network.
    pub double: bool,
    /// Priorities are losses to this power.
    pub priority_exponent: f64,
    /// Importance weights are sampling probabilities to minus this power.
    pub importance_exponent: f64,
    /// The optimizer.
    pub optimizer: AdamSettings,
    /// The kind of a state's values, and their scale.
    pub element: Element,
}

/// The objective of a learner: action values from the network's outputs, targets and losses.
///
/// # Shapes
/// outputs of a state: (actions, values); of an action, and its target: (values)
pub trait Objective: Send {
    /// The greedy action for a state's outputs; of equal values, the lowest action.
    fn greedy(&mut self, outputs: &[f32]) -> usize;

    /// Writes the target of one transition, from the target network's outputs for the next state's greedy action.
    ///
    /// `discount_t` is gamma^n, or 0 at a terminal.
    fn target(&mut self, target: &mut [f32], outputs_t: &[f32], r_t: f32, discount_t: f32);

    /// The value of each action, from a state's outputs.
    fn action_values(&self, outputs: &[f32]) -> Vec<f32>;

    /// The value of a target.
    fn target_value(&self, target: &[f32]) -> f32;

    /// The loss of one transition, from the outputs of the action taken; writes its gradient times `scale`.
    fn loss(&self, d_outputs_tm1: &mut [f32], target: &[f32], outputs_tm1: &[f32], scale: f32) -> f32;
}

/// A network with online and target weights that learns an objective by Adam.
pub struct CpuLearner<O> {
    objective: O,
    network: Box<dyn ActionNetwork>,
    settings: UpdateSettings,
    instruction_set: InstructionSet,
    /// Bytes of a state.
    state_len: usize,
    actions: usize,
    /// Outputs of an action.
    values: usize,

    online: Vec<f32>,
    target: Vec<f32>,
    optimizer: Adam,
    rng: Xoshiro256PlusPlus,

    act: Buffers,
    update: UpdateBuffers,
    noise_target: Vec<f32>,
    noise_loss: Vec<f32>,
}

/// Buffers of an update for one batch size.
struct UpdateBuffers {
    of_network: Buffers,
    gradient: Vec<f32>,
    d_outputs: Vec<f32>,
    next_actions: Vec<usize>,
    actions_tm1: Vec<usize>,
    q_target: Vec<f32>,
    weights: Vec<f32>,
    priorities: Vec<f32>,
}

impl UpdateBuffers {
    /// Buffers for batches of `batch` transitions, with `values` outputs per action.
    fn new(network: &dyn ActionNetwork, batch: usize, values: usize) -> Self {
        UpdateBuffers {
            of_network: Buffers::new(network, batch),
            gradient: vec![0.0; network.parameters().len()],
            d_outputs: vec![0.0; batch * values],
            next_actions: vec![0; batch],
            actions_tm1: vec![0; batch],
            q_target: vec![0.0; batch * values],
            weights: vec![0.0; batch],
            priorities: vec![0.0; batch],
        }
    }
}

/// A pass at one batch size, and its input.
struct Buffers {
    pass: Box<dyn ActionPass>,
    /// (batch, height, width, stack x channels)
    input: Vec<f32>,
}

impl Buffers {
    fn new(network: &dyn ActionNetwork, batch: usize) -> Self {
        Buffers { pass: network.action_pass(batch), input: vec![0.0; batch * network.input_len()] }
    }
}

impl<O: Objective> CpuLearner<O> {
    /// A learner whose `network` maps observations to outputs (actions, values), its weights drawn from `seeds`.
    ///
    /// # Panics
    /// If the network's output does not have two axes.
    pub fn with_objective(
        objective: O,
        network: Box<dyn ActionNetwork>,
        settings: UpdateSettings,
        seeds: Seeds,
    ) -> Self {
        let [actions, values] =
            network.output_shape().try_into().expect("a network's output is (actions, values)");
        let online = network.parameters().initial(&mut seeds.rng(Role::Weights));
        let update = UpdateBuffers::new(&*network, settings.batch_size, values);
        CpuLearner {
            objective,
            state_len: network.input_len() * settings.element.size(),
            actions,
            values,
            target: online.clone(),
            optimizer: Adam::for_parameters(settings.optimizer, network.parameters()),
            rng: seeds.rng(Role::Noise),
            act: Buffers::new(&*network, 1),
            update,
            noise_target: vec![0.0; network.noise().len()],
            noise_loss: vec![0.0; network.noise().len()],
            online,
            network,
            settings,
            instruction_set: InstructionSet::default(),
        }
    }

    /// Takes one gradient step with given noise: `noise_target` for the next state's action and target, `noise_loss`
    /// for the loss, each laid out as the network's [`NoiseList`] (empty if no layer is noisy).
    ///
    /// [`update`](Learner::update) calls it with two fresh draws.
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
        check_batch(batch, self.settings.batch_size, self.state_len, self.actions)?;
        self.instruction_set.run(|| self.step_with(batch, noise_target, noise_loss))
    }

    fn step_with(
        &mut self,
        batch: &Batch,
        noise_target: &[f32],
        noise_loss: &[f32],
    ) -> Result<Update<'_>, AgentError> {
        self.targets(batch, noise_target);
        let mean_loss = self.loss_and_gradient(batch, noise_loss);
        let update = self.optimizer.steps() + 1;
        if !(mean_loss.is_finite() && self.optimizer.step(&mut self.online, &self.update.gradient)) {
            let list = self.network.parameters();
            return Err(diverged(update, mean_loss, list, &self.online, &self.optimizer));
        }
        Ok(Update { loss: mean_loss, priorities: &self.update.priorities })
    }

    /// q_target: from the target network's outputs for the next state's greedy action. The online network chooses the
    /// action (double), or the target network does.
    fn targets(&mut self, batch: &Batch, noise: &[f32]) {
        let (values, of_state) = (self.values, self.actions * self.values);
        let objective = &mut self.objective;
        let UpdateBuffers { of_network: Buffers { pass, input }, next_actions, q_target, .. } =
            &mut self.update;
        read_states(input, &batch.next_states, self.settings.element);
        let noise = noisy(noise);
        let online = Weights { parameters: &self.online, noise };
        let target = Weights { parameters: &self.target, noise };
        let q_target = q_target.chunks_exact_mut(values).enumerate();

        if self.settings.double {
            let outputs_t = pass.forward(online, input).chunks_exact(of_state);
            for (action, outputs_t) in next_actions.iter_mut().zip(outputs_t) {
                *action = objective.greedy(outputs_t);
            }
            let outputs_t = pass.forward_of(target, input, next_actions).chunks_exact(values);
            for ((sample, q_target), outputs_t) in q_target.zip(outputs_t) {
                objective.target(q_target, outputs_t, batch.rewards[sample], batch.discounts[sample]);
            }
        } else {
            let outputs_t = pass.forward(target, input).chunks_exact(of_state);
            for ((sample, q_target), outputs_t) in q_target.zip(outputs_t) {
                let outputs_t = &outputs_t[objective.greedy(outputs_t) * values..][..values];
                objective.target(q_target, outputs_t, batch.rewards[sample], batch.discounts[sample]);
            }
        }
    }

    /// Computes the mean of the weighted losses, its gradient, and the batch's new priorities.
    fn loss_and_gradient(&mut self, batch: &Batch, noise: &[f32]) -> f32 {
        let values = self.values;
        let UpdateBuffers {
            of_network: Buffers { pass, input },
            gradient,
            d_outputs,
            actions_tm1,
            q_target,
            weights: importance_weights,
            priorities,
            ..
        } = &mut self.update;
        let size = priorities.len() as f32;
        let exponent = self.settings.importance_exponent;
        prioritized::importance_weights(importance_weights, &batch.probabilities, exponent);
        read_states(input, &batch.states, self.settings.element);
        let weights = Weights { parameters: &self.online, noise: noisy(noise) };

        for (action, &taken) in actions_tm1.iter_mut().zip(&batch.actions) {
            *action = usize::from(taken);
        }
        let outputs_tm1 = pass.forward_of(weights, input, actions_tm1);
        let mut mean_loss = 0.0;
        let samples = outputs_tm1.chunks_exact(values).zip(d_outputs.chunks_exact_mut(values));
        for (sample, (outputs, d_outputs)) in samples.enumerate() {
            let target = &q_target[sample * values..][..values];
            let weight = importance_weights[sample];
            let loss = self.objective.loss(d_outputs, target, outputs, weight / size);
            priorities[sample] = prioritized::priority(loss, self.settings.priority_exponent);
            mean_loss += weight * loss / size;
        }
        pass.backward_of(weights, input, d_outputs, actions_tm1, gradient);
        mean_loss
    }

    /// The inspection of a forward pass of the online weights on a batch's states, with the noise off.
    fn inspect(&self, batch: &Batch) -> Inspection {
        let Buffers { mut pass, mut input } = Buffers::new(&*self.network, batch.len());
        read_states(&mut input, &batch.states, self.settings.element);
        self.instruction_set.run(|| pass.forward(Weights { parameters: &self.online, noise: None }, &input));
        pass.inspect(&input)
    }

    fn diagnose_batch(&mut self, batch: &Batch) -> Vec<Diagnostic> {
        let buffers = UpdateBuffers::new(&*self.network, batch.len(), self.values);
        let of_updates = std::mem::replace(&mut self.update, buffers);
        self.targets(batch, &[]);
        let Buffers { pass, input } = &mut self.update.of_network;
        read_states(input, &batch.states, self.settings.element);
        let outputs = pass.forward(Weights { parameters: &self.online, noise: None }, input);
        let of_states = outputs.chunks_exact(self.actions * self.values);
        let q_values: Vec<Vec<f32>> =
            of_states.map(|outputs| self.objective.action_values(outputs)).collect();
        let inspection = pass.inspect(input);
        let loss = self.loss_and_gradient(batch, &[]);
        let buffers = std::mem::replace(&mut self.update, of_updates);

        let targets = buffers.q_target.chunks_exact(self.values);
        let targets: Vec<f32> = targets.map(|target| self.objective.target_value(target)).collect();
        let learned = LearnedBatch {
            loss,
            q_values: &q_values,
            actions: &batch.actions,
            targets: &targets,
            gradient: &buffers.gradient,
        };
        let mut diagnostics = diagnostics::of_learning(&learned);
        diagnostics.extend(diagnostics::of_network(&inspection, self.network.parameters()));
        diagnostics
    }

    /// Replaces online and target weights, both in the order of the network's parameter list.
    ///
    /// # Panics
    /// If their number is not that of the network's parameters.
    pub fn set_weights(&mut self, online: &[f32], target: &[f32]) {
        self.online.copy_from_slice(online);
        self.target.copy_from_slice(target);
    }

    /// The gradient of the last update, in the order of the network's parameter list.
    pub fn gradient(&self) -> &[f32] {
        &self.update.gradient
    }

    /// The targets of the last update, (batch, values).
    pub fn q_target(&self) -> &[f32] {
        &self.update.q_target
    }

    /// The network.
    pub fn network(&self) -> &dyn ActionNetwork {
        &*self.network
    }
}

impl<O: Objective> Learner for CpuLearner<O> {
    /// # Panics
    /// If `state` does not have the length of the network's input.
    fn act(&mut self, state: &[u8], mode: Mode) -> usize {
        assert_eq!(state.len(), self.state_len, "bytes of the state that an action is chosen for");
        let noise = match mode {
            Mode::Train => {
                self.network.noise().draw(&mut self.rng, &mut self.noise_loss);
                noisy(&self.noise_loss)
            }
            Mode::Evaluate => None,
        };
        let Buffers { pass, input } = &mut self.act;
        read_states(input, state, self.settings.element);
        let weights = Weights { parameters: &self.online, noise };
        self.instruction_set.run(|| self.objective.greedy(pass.forward(weights, input)))
    }

    fn update(&mut self, batch: &Batch) -> Result<Update<'_>, AgentError> {
        let mut noise_target = std::mem::take(&mut self.noise_target);
        let mut noise_loss = std::mem::take(&mut self.noise_loss);
        self.network.noise().draw(&mut self.rng, &mut noise_target);
        self.network.noise().draw(&mut self.rng, &mut noise_loss);
        let updated = self.update_with(batch, &noise_target, &noise_loss).map(|update| update.loss);
        (self.noise_target, self.noise_loss) = (noise_target, noise_loss);
        Ok(Update { loss: updated?, priorities: &self.update.priorities })
    }

    fn diagnose(&mut self, batch: &Batch) -> Vec<Diagnostic> {
        self.instruction_set.run(|| self.diagnose_batch(batch))
    }

    fn use_instruction_set(&mut self, set: InstructionSet) {
        self.instruction_set = set;
    }

    fn follows(&self, _: InterventionSpec) -> bool {
        true
    }

    fn intervene(
        &mut self,
        intervention: InterventionSpec,
        batch: &Batch,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Result<(), AgentError> {
        // Buffers for 64 samples are needed too rarely to be kept.
        let inspection = match intervention {
            InterventionSpec::Redo { .. } => self.inspect(batch),
            _ => Inspection::new(),
        };
        let trained = Trained { parameters: &mut self.online, optimizer: &mut self.optimizer };
        interventions::apply(intervention, self.network.parameters(), &inspection, trained, rng);
        Ok(())
    }

    fn sync_target(&mut self) {
        self.target.copy_from_slice(&self.online);
    }

    fn parameters(&self) -> usize {
        self.network.parameters().trained_len()
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
        LearnerState::new(online, target, &self.optimizer, &self.rng).to_bytes()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), AgentError> {
        let state = LearnerState::from_bytes(state, self.online.len())?;
        self.optimizer = state.optimizer(self.settings.optimizer, self.network.parameters());
        (self.online, self.target, self.rng) = (state.online, state.target, state.rng);
        Ok(())
    }
}

/// The noise buffer of a network, or `None` without a noisy layer.
fn noisy(noise: &[f32]) -> Option<&[f32]> {
    (!noise.is_empty()).then_some(noise)
}
