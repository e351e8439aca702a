//! The parameters and noise of a network as tensors.

use crate::ParameterList;
use burn_tensor::Tensor;
use burn_tensor::backend::{AutodiffBackend, Backend};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// What a network computes with on a device: its parameters, and the noise of its noisy layers.
///
/// Parameters are kept as one flat tensor (optimizers and copies then take one kernel each), and handed to the
/// layers as one tensor a parameter: the gradient of a slice of one tracked tensor would be as large as all
/// parameters together, for every slice.
#[derive(Clone, Debug)]
pub struct DeviceWeights<B: Backend> {
    /// Where each parameter starts in the flat buffer, ascending.
    starts: Vec<usize>,
    parameters: Vec<Tensor<B, 1>>,
    noise: Option<Tensor<B, 1>>,
    /// Losses of the layers' own, where they are learned from.
    losses: Option<Arc<Mutex<Vec<Tensor<B, 1>>>>>,
}

impl<B: Backend> DeviceWeights<B> {
    /// The parameters of `list` from a flat tensor, for a backend that does not differentiate.
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

    /// The parameter that lies at `range` in the flat buffer.
    ///
    /// # Panics
    /// If none starts there, or it is not of that size.
    pub fn parameter<const D: usize>(&self, range: &Range<usize>, shape: [usize; D]) -> Tensor<B, D> {
        let index = self.starts.binary_search(&range.start);
        let index = index.expect("the ranges of a network's layers are those of its parameter list");
        self.parameters[index].clone().reshape(shape)
    }

    /// The noise that lies at `range` in the flat buffer, or `None` if the noise is off.
    pub fn noise(&self, range: &Range<usize>) -> Option<Tensor<B, 1>> {
        self.noise.as_ref().map(|noise| noise.clone().slice(range.clone()))
    }

    /// Whether the parameters are [tracked](Self::tracked).
    pub fn is_tracked(&self) -> bool {
        self.losses.is_some()
    }

    /// Adds a loss of a layer's own, of one value, to that of the network; without effect if the parameters are not
    /// [tracked](Self::tracked).
    pub fn add_loss(&self, loss: Tensor<B, 1>) {
        if let Some(losses) = &self.losses {
            losses.lock().unwrap_or_else(PoisonError::into_inner).push(loss);
        }
    }

    /// `loss`, of one value, and what layers have [added](Self::add_loss) in forward passes since this was last asked.
    pub fn with_added_losses(&self, loss: Tensor<B, 1>) -> Tensor<B, 1> {
        let Some(losses) = &self.losses else { return loss };
        let added = std::mem::take(&mut *losses.lock().unwrap_or_else(PoisonError::into_inner));
        added.into_iter().fold(loss, |sum, loss| sum + loss)
    }
}

impl<B: AutodiffBackend> DeviceWeights<B> {
    /// The parameters of `list` from a flat tensor, tracked: a loss that is computed with them has a
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

    /// The same, untracked: to compute with, not to learn from.
    pub fn untracked(list: &ParameterList, flat: &Tensor<B::InnerBackend, 1>) -> Self {
        Self::split(list, |range| Tensor::from_inner(flat.clone().slice(range)))
    }

    /// Takes the gradient of the parameters out of `gradients`; zero where a parameter had no part in the loss.
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
