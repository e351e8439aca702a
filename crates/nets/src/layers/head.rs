//! The head of a distributional agent: logits of the return's atoms, for each action.
//!
//! This file is the definition. [`cpu`] has the CPU engine's passes, and [`chosen`] has its passes for one action a
//! sample.

mod chosen;
mod cpu;

pub use cpu::CategoricalHeadWorkspace;

#[cfg(feature = "burn")]
use crate::device::prelude::*;
use crate::layers::dense::Dense;
use crate::{Builder, Size};

/// A head with the logits of each action's categorical return distribution (Bellemare et al. 2017, arXiv 1707.06887),
/// dueling (Wang et al. 2016, arXiv 1511.06581, equation 9) or plain. With a single atom, the outputs are action
/// values.
///
/// - plain: logits_az = advantage_az, a dense layer
/// - dueling: logits_az = value_z + advantage_az - mean over actions of advantage_z, two dense layers
///
/// # Shapes
/// (batch, `F`) -> (batch, actions, `Z`)
#[derive(Clone, Debug)]
pub struct CategoricalHead<F, Z> {
    actions: usize,
    atoms: Z,
    advantage: Dense<F, usize>,
    value: Option<Dense<F, Z>>,
}

#[cfg(feature = "burn")]
impl<F: Size, Z: Size> DeviceLayer<(usize, F)> for CategoricalHead<F, Z> {
    same_shapes!((usize, F));

    /// The definition, on burn's tensors. Tests compare the CPU engine with it.
    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 2>) -> Tensor<B, 3> {
        let value = self.value.as_ref().map(|value| value.forward_on(weights, x.clone()));
        logits(self.advantage.forward_on(weights, x), value, [self.actions, self.atoms.size()])
    }
}

/// value + advantage - mean advantage, atom by atom, where there is a value.
///
/// # Shapes
/// advantage: (batch, actions x atoms); value: (batch, atoms) -> (batch, actions, atoms)
#[cfg(feature = "burn")]
fn logits<B: Backend>(
    advantage: Tensor<B, 2>,
    value: Option<Tensor<B, 2>>,
    [actions, atoms]: [usize; 2],
) -> Tensor<B, 3> {
    let [batch, _] = advantage.dims();
    let advantage = advantage.reshape([batch, actions, atoms]);
    match value {
        Some(value) => advantage.clone() + (value.unsqueeze_dim(1) - advantage.mean_dim(1)),
        None => advantage,
    }
}

impl<F: Size, Z: Size> CategoricalHead<F, Z> {
    /// A dueling head, with the parameters `<name>/advantage/..` and `<name>/value/..` (see [`Dense::new`]).
    pub fn dueling(
        builder: &mut Builder,
        name: &str,
        features: F,
        actions: usize,
        atoms: Z,
        noisy: bool,
    ) -> Self {
        let outputs = actions * atoms.size();
        CategoricalHead {
            actions,
            atoms,
            advantage: Dense::new(builder, &format!("{name}/advantage"), features, outputs, noisy),
            value: Some(Dense::new(builder, &format!("{name}/value"), features, atoms, noisy)),
        }
    }

    /// A plain head, with the parameters `<name>/..`.
    pub fn plain(
        builder: &mut Builder,
        name: &str,
        features: F,
        actions: usize,
        atoms: Z,
        noisy: bool,
    ) -> Self {
        let outputs = actions * atoms.size();
        let advantage = Dense::new(builder, name, features, outputs, noisy);
        CategoricalHead { actions, atoms, advantage, value: None }
    }
}
