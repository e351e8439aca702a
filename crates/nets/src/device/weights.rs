//! The parameters and noise of a network as tensors.

use crate::ParameterList;
use burn_tensor::Tensor;
use burn_tensor::backend::{AutodiffBackend, Backend};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// The weights of a network on a device: its parameters, and the noise of its noisy layers.
///
/// Parameters are one flat tensor, so that optimizers and copies take one kernel each. Layers get one tensor per
/// parameter: the gradient of a slice of a tracked tensor would be as large as all parameters together, for every
/// slice.
#[derive(Clone, Debug)]
pub struct DeviceWeights<B: Backend> {
    /// The start of each parameter in the flat buffer, ascending.
    starts: Vec<usize>,
    parameters: Vec<Tensor<B, 1>>,
    noise: Option<Tensor<B, 1>>,
    /// The layers' own losses, while parameters are tracked.
    losses: Option<Arc<Mutex<Vec<Tensor<B, 1>>>>>,
}

impl<B: Backend> DeviceWeights<B> {
    /// The parameters of `list` from a flat tensor, for a backend without differentiation.
    ///
    /// # Shapes
    /// `flat`: (length of the list)
    pub fn new(list: &ParameterList, flat: &Tensor<B, 1>) -> Self {
        Self::split(list, |range| flat.clone().slice(range))
    }

    fn split(list: &ParameterList, part: impl Fn(Range<usize>) -> Tensor<B, 1>) -> Self {
        DeviceWeights {
            starts: list.iter().map(|parameter| parameter.range.start).collect(),
            parameters: list.iter().map(|parameter| part(parameter.range.clone())).collect(),
            noise: None,
            losses: None,
        }
    }

    /// The same parameters with this noise, or with the noise off.
    ///
    /// # Shapes
    /// `noise`: as the network's [`NoiseList`](crate::NoiseList)
    #[must_use]
    pub fn with_noise(self, noise: Option<Tensor<B, 1>>) -> Self {
        DeviceWeights { noise, ..self }
    }

    /// The parameter at `range` in the flat buffer.
    ///
    /// # Panics
    /// If no parameter starts there, or if its size differs.
    pub fn parameter<const D: usize>(&self, range: &Range<usize>, shape: [usize; D]) -> Tensor<B, D> {
        let index = self.starts.binary_search(&range.start);
        let index = index.expect("the ranges of a network's layers are those of its parameter list");
        self.parameters[index].clone().reshape(shape)
    }

    /// The noise at `range` in the flat buffer, or `None` if the noise is off.
    pub fn noise(&self, range: &Range<usize>) -> Option<Tensor<B, 1>> {
        self.noise.as_ref().map(|noise| noise.clone().slice(range.clone()))
    }

    /// Whether the parameters are [tracked](Self::tracked).
    pub fn is_tracked(&self) -> bool {
        self.losses.is_some()
    }

    /// Adds a layer's own loss, of one value, to the network's loss. It has no effect if the parameters are not
    /// [tracked](Self::tracked).
    pub fn add_loss(&self, loss: Tensor<B, 1>) {
        if let Some(losses) = &self.losses {
            losses.lock().unwrap_or_else(PoisonError::into_inner).push(loss);
        }
    }

    /// The sum of `loss`, of one value, and the losses that layers have [added](Self::add_loss) since the last call.
    pub fn with_added_losses(&self, loss: Tensor<B, 1>) -> Tensor<B, 1> {
        let Some(losses) = &self.losses else { return loss };
        let added = std::mem::take(&mut *losses.lock().unwrap_or_else(PoisonError::into_inner));
        added.into_iter().fold(loss, |sum, loss| sum + loss)
    }
}

impl<B: AutodiffBackend> DeviceWeights<B> {
    /// The tracked parameters of `list` from a flat tensor: a loss that depends on them has a
    /// [`gradient`](Self::gradient).
    ///
    /// # Shapes
    /// `flat`: (length of the list)
    pub fn tracked(list: &ParameterList, flat: &Tensor<B::InnerBackend, 1>) -> Self {
        Self::untracked(list, flat).tracking()
    }

    /// The same parameters, tracked, without another split of the flat tensor.
    #[must_use]
    pub fn tracking(&self) -> Self {
        let tracked = |parameter: &Tensor<B, 1>| Tensor::from_inner(parameter.clone().inner()).require_grad();
        DeviceWeights {
            starts: self.starts.clone(),
            parameters: self.parameters.iter().map(tracked).collect(),
            noise: None,
            losses: Some(Arc::default()),
        }
    }

    /// The same parameters, untracked, for passes without gradients.
    pub fn untracked(list: &ParameterList, flat: &Tensor<B::InnerBackend, 1>) -> Self {
        Self::split(list, |range| Tensor::from_inner(flat.clone().slice(range)))
    }

    /// Takes the gradient of the parameters out of `gradients`; it is zero for a parameter without a part in the loss.
    ///
    /// # Shapes
    /// -> (length of the parameter list)
    ///
    /// # Panics
    /// If there are no parameters.
    pub fn gradient(&self, gradients: &mut B::Gradients) -> Tensor<B::InnerBackend, 1> {
        let of = |parameter: &Tensor<B, 1>| {
            let gradient = parameter.grad_remove(gradients);
            gradient.unwrap_or_else(|| parameter.clone().inner().zeros_like())
        };
        Tensor::cat(self.parameters.iter().map(of).collect(), 0)
    }
}
