//! The Adam optimizer (Kingma and Ba 2015, arXiv 1412.6980).

use crate::kernels::parallel::{PER_VALUE, Rows, parallel_chunks};
use crate::kernels::vectorised;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering};

/// Adam's constants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamSettings {
    /// Step size alpha.
    pub learning_rate: f64,
    /// Decay beta_1 of the gradient's mean.
    pub beta_1: f64,
    /// Decay beta_2 of the squared gradient's mean.
    pub beta_2: f64,
    /// Added to the root of the second moment (outside the root).
    pub epsilon: f64,
}

impl AdamSettings {
    /// The usual decays, 0.9 and 0.999.
    pub const fn new(learning_rate: f64, epsilon: f64) -> Self {
        AdamSettings { learning_rate, beta_1: 0.9, beta_2: 0.999, epsilon }
    }

    /// Step size and epsilon of step number `steps`, counted from 1, with the corrections for moments that started at
    /// zero drawn into them:
    /// alpha (mu / c1) / (sqrt(nu / c2) + eps) = (alpha sqrt(c2) / c1) mu / (sqrt(nu) + eps sqrt(c2)).
    pub(crate) fn corrected(&self, steps: u64) -> (f32, f32) {
        let correction_1 = 1.0 - self.beta_1.powf(steps as f64);
        let correction_2 = 1.0 - self.beta_2.powf(steps as f64);
        let step_size = self.learning_rate * correction_2.sqrt() / correction_1;
        (step_size as f32, (self.epsilon * correction_2.sqrt()) as f32)
    }
}

/// Adam over one flat buffer of parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adam {
    settings: AdamSettings,
    /// Updates made.
    steps: u64,
    /// First moments, in the order of the parameters.
    mu: Vec<f32>,
    /// Second moments.
    nu: Vec<f32>,
}

impl Adam {
    /// A fresh optimizer of `len` parameters.
    pub fn new(settings: AdamSettings, len: usize) -> Self {
        Adam { settings, steps: 0, mu: vec![0.0; len], nu: vec![0.0; len] }
    }

    /// An optimizer as it was after `steps` updates, with its first and second moments.
    ///
    /// # Panics
    /// If there are not as many of the one as of the other.
    pub fn resume(settings: AdamSettings, steps: u64, mu: Vec<f32>, nu: Vec<f32>) -> Self {
        assert_eq!(mu.len(), nu.len(), "first and second moments");
        Adam { settings, steps, mu, nu }
    }

    /// Takes one step: mu = b1 mu + (1 - b1) g; nu = b2 nu + (1 - b2) g^2;
    /// theta -= alpha mu_hat / (sqrt(nu_hat) + epsilon), with both moments corrected for their start at zero.
    ///
    /// Returns whether all parameters and second moments are finite numbers after it. No later step makes good what is not:
    /// a second moment that is infinite holds its parameter for ever.
    ///
    /// # Panics
    /// If `parameters` or `gradient` are not as long as the optimizer was made for.
    pub fn step(&mut self, parameters: &mut [f32], gradient: &[f32]) -> bool {
        assert!(
            parameters.len() == self.mu.len() && gradient.len() == self.mu.len(),
            "an optimizer of {} parameters, {} parameters and {} gradients",
            self.mu.len(),
            parameters.len(),
            gradient.len()
        );
        self.steps += 1;
        let AdamSettings { beta_1, beta_2, .. } = self.settings;
        let (step_size, epsilon) = self.settings.corrected(self.steps);
        let (beta_1, rest_1) = (beta_1 as f32, (1.0 - beta_1) as f32);
        let (beta_2, rest_2) = (beta_2 as f32, (1.0 - beta_2) as f32);
        let finite = AtomicBool::new(true);
        let moments = (Rows(&mut self.mu[..], 1), Rows(&mut self.nu[..], 1));
        let all = (Rows(parameters, 1), Rows(gradient, 1), moments);
        parallel_chunks(PER_VALUE * gradient.len(), all, |(Rows(parameters, _), Rows(gradient, _), (Rows(mu, _), Rows(nu, _)))| {
            let all_finite = vectorised(
                #[inline(always)]
                || {
                    // Numbers without their sign are in the order of their bits, and behind the finite ones come infinity
                    // and what is no number.
                    let mut largest = 0;
                    let magnitude = |value: f32| value.abs().to_bits();
                    let moments = mu.iter_mut().zip(nu.iter_mut());
                    for ((theta, &g), (mu, nu)) in parameters.iter_mut().zip(gradient).zip(moments) {
                        let new_mu = beta_1 * *mu + rest_1 * g;
                        let new_nu = beta_2 * *nu + rest_2 * (g * g);
                        let new_theta = *theta - step_size * new_mu / (new_nu.sqrt() + epsilon);
                        largest = largest.max(magnitude(new_theta)).max(magnitude(new_nu));
                        (*mu, *nu, *theta) = (new_mu, new_nu, new_theta);
                    }
                    largest < f32::INFINITY.to_bits()
                },
            );
            if !all_finite {
                finite.store(false, Ordering::Relaxed);
            }
        });
        finite.into_inner()
    }

    /// The constants.
    pub fn settings(&self) -> AdamSettings {
        self.settings
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.mu.len()
    }

    /// Whether there is nothing to optimise.
    pub fn is_empty(&self) -> bool {
        self.mu.is_empty()
    }

    /// Updates made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// First and second moments, to change them.
    pub fn moments_mut(&mut self) -> (&mut [f32], &mut [f32]) {
        (&mut self.mu, &mut self.nu)
    }

    /// First and second moments.
    pub fn moments(&self) -> (&[f32], &[f32]) {
        (&self.mu, &self.nu)
    }
}
