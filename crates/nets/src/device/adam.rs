//! The Adam optimizer on a device.

use crate::{Adam, AdamSettings};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;
use std::ops::Range;

/// [`Adam`] over one flat tensor of parameters.
#[derive(Clone, Debug)]
pub struct DeviceAdam<B: Backend> {
    settings: AdamSettings,
    /// Updates made.
    steps: u64,
    /// First and second moments, in the order of the parameters.
    mu: Tensor<B, 1>,
    nu: Tensor<B, 1>,
    /// With fixed parameters: a mask with one for a trained value and zero for a fixed one, and the fixed ranges.
    trained: Option<Tensor<B, 1>>,
    fixed: Vec<Range<usize>>,
}

impl<B: Backend> DeviceAdam<B> {
    /// Continues from an optimizer of the CPU engine.
    pub fn new(adam: &Adam, device: &B::Device) -> Self {
        let (mu, nu) = adam.moments();
        let tensor = |values: &[f32]| super::from_values(values, [values.len()], device);
        let mut trained = vec![1.0; adam.len()];
        adam.fixed().iter().for_each(|range| trained[range.clone()].fill(0.0));
        DeviceAdam {
            settings: adam.settings(),
            steps: adam.steps(),
            mu: tensor(mu),
            nu: tensor(nu),
            trained: (!adam.fixed().is_empty()).then(|| tensor(&trained)),
            fixed: adam.fixed().to_vec(),
        }
    }

    /// Computes the parameters after one step, as [`Adam::step`] does, and the optimizer after it. Nothing is
    /// overwritten: drop the result of a non-finite step to discard it.
    ///
    /// # Shapes
    /// `parameters`, `gradient`: (length of the optimizer)
    #[must_use]
    pub fn step(&self, parameters: Tensor<B, 1>, gradient: Tensor<B, 1>) -> (Tensor<B, 1>, Self) {
        let AdamSettings { beta_1, beta_2, .. } = self.settings;
        let steps = self.steps + 1;
        // Moments of zero change no parameter.
        let gradient = match &self.trained {
            Some(trained) => gradient * trained.clone(),
            None => gradient,
        };
        let (step_size, epsilon) = self.settings.corrected(steps);
        let mu =
            self.mu.clone().mul_scalar(beta_1 as f32) + gradient.clone().mul_scalar((1.0 - beta_1) as f32);
        let square = gradient.clone() * gradient;
        let nu = self.nu.clone().mul_scalar(beta_2 as f32) + square.mul_scalar((1.0 - beta_2) as f32);
        let change = mu.clone().mul_scalar(step_size) / nu.clone().sqrt().add_scalar(epsilon);
        (parameters - change, DeviceAdam { steps, mu, nu, ..self.clone() })
    }

    /// A number that is finite as long as these parameters and the second moments are (see [`Adam::step`]).
    ///
    /// # Shapes
    /// `parameters`: (length of the optimizer) -> (1)
    pub fn magnitude(&self, parameters: Tensor<B, 1>) -> Tensor<B, 1> {
        parameters.abs().sum() + self.nu.clone().sum()
    }

    /// The same optimizer for the CPU engine.
    pub fn to_cpu(&self) -> Adam {
        let moments = [&self.mu, &self.nu].map(|moment| super::to_values(moment.clone()));
        let [mu, nu] = moments;
        Adam::resume(self.settings, self.steps, mu, nu).with_fixed(self.fixed.clone())
    }

    /// Updates made.
    pub fn steps(&self) -> u64 {
        self.steps
    }
}
