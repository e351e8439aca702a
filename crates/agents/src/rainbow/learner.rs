//! Rainbow's learner on the CPU engine.

use super::loss;
use crate::dqn::loss::greedy;
use crate::learner::{CpuLearner, Objective, UpdateSettings};
use crate::seeds::Seeds;
use softmoe_nets::ActionNetwork;
use softmoe_nets::kernels::softmax_rows;

/// Settings of Rainbow's losses and optimizer.
#[derive(Clone, Debug, PartialEq)]
pub struct RainbowSettings {
    /// Largest value of the support; the smallest is its negative.
    pub v_max: f64,
    /// Settings that all agents share.
    pub update: UpdateSettings,
}

/// A network with online and target weights that learns a categorical return distribution.
pub type RainbowLearner = CpuLearner<Categorical>;

impl RainbowLearner {
    /// A learner whose `network` maps observations to logits (actions, atoms), its weights drawn from `seeds`.
    ///
    /// # Panics
    /// If the network's output does not have two axes.
    pub fn new(network: Box<dyn ActionNetwork>, settings: RainbowSettings, seeds: Seeds) -> Self {
        let RainbowSettings { v_max, update } = settings;
        let [actions, atoms] =
            network.output_shape().try_into().expect("a categorical network's output is (actions, atoms)");
        CpuLearner::with_objective(Categorical::new(v_max, [actions, atoms]), network, update, seeds)
    }
}

/// Rainbow's objective: the network's outputs are logits of the atoms of every action's return.
#[derive(Clone, Debug)]
pub struct Categorical {
    /// (atoms)
    support: Vec<f32>,
    /// Buffers of one sample: (actions, atoms), (actions).
    probabilities: Vec<f32>,
    q_values: Vec<f32>,
}

impl Categorical {
    /// The objective of a network with outputs (actions, atoms), on a support from -`v_max` to `v_max`.
    pub(crate) fn new(v_max: f64, [actions, atoms]: [usize; 2]) -> Self {
        Categorical {
            support: loss::support(v_max, atoms),
            probabilities: vec![0.0; actions * atoms],
            q_values: vec![0.0; actions],
        }
    }

    /// The values of the atoms, (atoms).
    pub(crate) fn support(&self) -> &[f32] {
        &self.support
    }

    /// The distribution of every action's return, (actions, atoms).
    pub(crate) fn distributions(&self, logits: &[f32]) -> Vec<f32> {
        let mut probabilities = vec![0.0; logits.len()];
        softmax_rows(&mut probabilities, logits, self.support.len());
        probabilities
    }
}

impl Objective for Categorical {
    fn greedy(&mut self, logits: &[f32]) -> usize {
        let Categorical { support, probabilities, q_values } = self;
        softmax_rows(probabilities, logits, support.len());
        loss::q_values(q_values, probabilities, support);
        greedy(q_values)
    }

    /// The next state's distribution for its greedy action, shifted by the reward and projected.
    fn target(&mut self, target: &mut [f32], logits_t: &[f32], r_t: f32, discount_t: f32) {
        let atoms = self.support.len();
        let probabilities_t = &mut self.probabilities[..atoms];
        softmax_rows(probabilities_t, logits_t, atoms);
        loss::project(target, probabilities_t, r_t, discount_t, &self.support);
    }

    fn action_values(&self, logits: &[f32]) -> Vec<f32> {
        let mut q_values = vec![0.0; logits.len() / self.support.len()];
        loss::q_values(&mut q_values, &self.distributions(logits), &self.support);
        q_values
    }

    fn target_value(&self, target: &[f32]) -> f32 {
        target.iter().zip(&self.support).map(|(p, z)| p * z).sum()
    }

    fn loss(&self, d_logits_tm1: &mut [f32], target: &[f32], logits_tm1: &[f32], scale: f32) -> f32 {
        loss::cross_entropy(d_logits_tm1, target, logits_tm1, scale)
    }
}
