//! The Adam optimizer on a device.

use crate::{Adam, AdamSettings};
use burn_tensor::Tensor;
use burn_tensor::backend::Backend;

/// [`Adam`] over one flat tensor of parameters.
#[derive(Clone, Debug)]
pub struct DeviceAdam<B: Backend> {
    settings: AdamSettings,
    /// Updates made.
    steps: u64,
    /// First and second moments, in the order of the parameters.
    mu: Tensor<B, 1>,
    nu: Tensor<B, 1>,
}

impl<B: Backend> DeviceAdam<B> {
    /// Goes on from an optimizer of the CPU engine.
    pub fn new(adam: &Adam, device: &B::Device) -> Self {
        let (mu, nu) = adam.moments();
        let tensor = |values: &[f32]| super::from_values(values, [values.len()], device);
        DeviceAdam { settings: adam.settings(), steps: adam.steps(), mu: tensor(mu), nu: tensor(nu) }
    }

    /// Computes the parameters after one step as [`Adam::step`] does, and the optimizer after it. Nothing is
    /// overwritten: a step that turns out to be bad is not taken by dropping what this returns.
    ///
    /// # Shapes
    /// `parameters`, `gradient`: (length of the optimizer)
    #[must_use]
    pub fn step(&self, parameters: Tensor<B, 1>, gradient: Tensor<B, 1>) -> (Tensor<B, 1>, Self) {
        let AdamSettings { beta_1, beta_2, .. } = self.settings;
        let steps = self.steps + 1;
        let (step_size, epsilon) = self.settings.corrected(steps);
        let mu =
            self.mu.clone().mul_scalar(beta_1 as f32) + gradient.clone().mul_scalar((1.0 - beta_1) as f32);
        let square = gradient.clone() * gradient;
        let nu = self.nu.clone().mul_scalar(beta_2 as f32) + square.mul_scalar((1.0 - beta_2) as f32);
        let change = mu.clone().mul_scalar(step_size) / nu.clone().sqrt().add_scalar(epsilon);
        (parameters - change, DeviceAdam { settings: self.settings, steps, mu, nu })
    }

    /// A number that is finite as long as these parameters and the second moments are (see [`Adam::step`]).
    ///
    /// # Shapes
    /// `parameters`: (length of the optimizer) -> (1)
    pub fn magnitude(&self, parameters: Tensor<B, 1>) -> Tensor<B, 1> {
        parameters.abs().sum() + self.nu.clone().sum()
    }

    /// The optimizer as the CPU engine has it.
    pub fn to_cpu(&self) -> Adam {
        Adam::resume(
            self.settings,
            self.steps,
            super::to_values(self.mu.clone()),
            super::to_values(self.nu.clone()),
        )
    }

    /// Updates made.
    pub fn steps(&self) -> u64 {
        self.steps
    }
}
