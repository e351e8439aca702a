//! DQN's learner on the CPU engine.

use super::loss;
use crate::learner::{CpuLearner, Objective, UpdateSettings};
use crate::seeds::Seeds;
use softmoe_nets::ActionNetwork;

/// Loss of a temporal-difference error e.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TdLoss {
    /// e^2, without a factor 1/2.
    Mse,
    /// e^2 / 2 up to |e| = 1, |e| - 1/2 beyond (Mnih et al. 2015).
    Huber,
}

/// Settings of DQN's losses and optimizer.
#[derive(Clone, Debug, PartialEq)]
pub struct DqnSettings {
    /// The loss of an error.
    pub loss: TdLoss,
    /// Settings that all agents share.
    pub update: UpdateSettings,
}

/// A network with online and target weights that learns the expected return of every action.
pub type DqnLearner = CpuLearner<ActionValues>;

impl DqnLearner {
    /// A learner whose `network` maps observations to values (actions, 1), its weights drawn from `seeds`.
    ///
    /// # Panics
    /// If the network's output does not have these axes.
    pub fn new(network: Box<dyn ActionNetwork>, settings: DqnSettings, seeds: Seeds) -> Self {
        let DqnSettings { loss, update } = settings;
        assert_eq!(network.output_shape()[1..], [1], "a network of action values has one output an action");
        CpuLearner::with_objective(ActionValues { loss }, network, update, seeds)
    }
}

/// DQN's objective: the value of an action is the network's output itself.
#[derive(Clone, Debug)]
pub struct ActionValues {
    loss: TdLoss,
}

impl Objective for ActionValues {
    fn greedy(&mut self, q_values: &[f32]) -> usize {
        loss::greedy(q_values)
    }

    fn target(&mut self, target: &mut [f32], q_target_t: &[f32], r_t: f32, discount_t: f32) {
        target[0] = loss::target(q_target_t[0], r_t, discount_t);
    }

    fn action_values(&self, q_values: &[f32]) -> Vec<f32> {
        q_values.to_vec()
    }

    fn target_value(&self, target: &[f32]) -> f32 {
        target[0]
    }

    fn loss(&self, d_q_tm1: &mut [f32], target: &[f32], q_tm1: &[f32], scale: f32) -> f32 {
        let (loss, derivative) = match self.loss {
            TdLoss::Mse => loss::squared_error(target[0], q_tm1[0]),
            TdLoss::Huber => loss::huber(target[0], q_tm1[0]),
        };
        d_q_tm1[0] = scale * derivative;
        loss
    }
}
