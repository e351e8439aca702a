//! The Adam optimizer (Kingma and Ba 2015, arXiv 1412.6980).
//!
//! Limit: the bandwidth of memory. A step moves 28 bytes a parameter.
//!
//! The moments of a parameter without a gradient decay. They would end as subnormal numbers and stay so, since 0.9 times a few units
//! of the smallest number is rounded to the same number. Some processors take a hundred cycles for a subnormal number, so a
//! moment is set to zero long before: at a size where it changes no parameter.

use crate::kernels::parallel::{PER_VALUE, Rows, parallel_chunks};
use crate::kernels::vectorised;
use crate::parameters::ParameterList;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// The hyperparameters of Adam.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamSettings {
    /// Step size alpha.
    pub learning_rate: f64,
    /// Decay beta_1 of the first moment, the mean of the gradient.
    pub beta_1: f64,
    /// Decay beta_2 of the second moment, the mean of the squared gradient.
    pub beta_2: f64,
    /// Added to the root of the second moment (outside the root).
    pub epsilon: f64,
}

impl AdamSettings {
    /// The usual decays, 0.9 and 0.999.
    pub const fn new(learning_rate: f64, epsilon: f64) -> Self {
        AdamSettings { learning_rate, beta_1: 0.9, beta_2: 0.999, epsilon }
    }

    /// Step size and epsilon of step number `steps`, counted from 1. Both contain the corrections for moments that
    /// start at zero: alpha (mu / c1) / (sqrt(nu / c2) + eps) = (alpha sqrt(c2) / c1) mu / (sqrt(nu) + eps sqrt(c2)).
    pub(crate) fn corrected(&self, steps: u64) -> (f32, f32) {
        let correction_1 = 1.0 - self.beta_1.powf(steps as f64);
        let correction_2 = 1.0 - self.beta_2.powf(steps as f64);
        let step_size = self.learning_rate * correction_2.sqrt() / correction_1;
        (step_size as f32, (self.epsilon * correction_2.sqrt()) as f32)
    }
}

/// Smaller first moments become zero: their step of at most 2^-100 alpha / epsilon changes no parameter above 2^-75 alpha / epsilon.
const SMALLEST_MU: f32 = f32::from_bits((127 - 100) << 23);
/// Smaller second moments become zero: their root of at most 2^-60 changes no epsilon above 2^-35.
const SMALLEST_NU: f32 = f32::from_bits((127 - 120) << 23);

/// `x`, or zero if its magnitude is below `smallest`.
#[inline(always)]
fn flushed(x: f32, smallest: f32) -> f32 {
    if x.abs() < smallest { 0.0 } else { x }
}

/// Adam over one flat buffer of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    settings: AdamSettings,
    /// Updates made.
    steps: u64,
    /// First moments, in the order of the parameters.
    mu: Vec<f32>,
    /// Second moments.
    nu: Vec<f32>,
    /// Where parameters lie that are not trained, ascending.
    fixed: Vec<Range<usize>>,
}

impl Adam {
    /// A fresh optimizer of `len` values, all of them trained.
    pub fn new(settings: AdamSettings, len: usize) -> Self {
        Adam { settings, steps: 0, mu: vec![0.0; len], nu: vec![0.0; len], fixed: Vec::new() }
    }

    /// A fresh optimizer of a network's parameters. A parameter that is not trained keeps its values, whatever its
    /// gradient.
    pub fn for_parameters(settings: AdamSettings, list: &ParameterList) -> Self {
        Adam { fixed: list.fixed().cloned().collect(), ..Adam::new(settings, list.len()) }
    }

    /// An optimizer after `steps` updates, with its first and second moments.
    ///
    /// # Panics
    /// If the numbers of first and second moments differ.
    pub fn resume(settings: AdamSettings, steps: u64, mu: Vec<f32>, nu: Vec<f32>) -> Self {
        assert_eq!(mu.len(), nu.len(), "first and second moments");
        Adam { settings, steps, mu, nu, fixed: Vec::new() }
    }

    /// The same optimizer, which leaves the values at `fixed` alone.
    #[cfg(feature = "burn")]
    pub(crate) fn with_fixed(self, fixed: Vec<Range<usize>>) -> Self {
        Adam { fixed, ..self }
    }

    /// Restores the optimizer to the state after `steps` updates, with these first and second moments. The settings
    /// stay, and so do the parameters that are not trained.
    ///
    /// # Panics
    /// If the moments are not as long as the optimizer.
    pub fn restore(&mut self, steps: u64, mu: &[f32], nu: &[f32]) {
        self.steps = steps;
        self.mu.copy_from_slice(mu);
        self.nu.copy_from_slice(nu);
    }

    /// Takes one step: mu = b1 mu + (1 - b1) g; nu = b2 nu + (1 - b2) g^2;
    /// theta -= alpha mu_hat / (sqrt(nu_hat) + epsilon), with both moments corrected for their start at zero.
    ///
    /// Returns whether all trained parameters and their second moments are finite after it. No later step repairs one
    /// that is not: an infinite second moment holds its parameter for ever.
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
        let finite = AtomicBool::new(true);
        let fixed = std::mem::take(&mut self.fixed);
        let mut start = 0;
        for skipped in fixed.iter().cloned().chain(std::iter::once(self.len()..self.len())) {
            let trained = start..skipped.start;
            self.step_range(&mut parameters[trained.clone()], &gradient[trained.clone()], trained, &finite);
            start = skipped.end;
        }
        self.fixed = fixed;
        finite.into_inner()
    }

    /// The step of the parameters at `range`, given with their gradient; clears `finite` if a result is not.
    fn step_range(
        &mut self,
        parameters: &mut [f32],
        gradient: &[f32],
        range: Range<usize>,
        finite: &AtomicBool,
    ) {
        let AdamSettings { beta_1, beta_2, .. } = self.settings;
        let (step_size, epsilon) = self.settings.corrected(self.steps);
        let (beta_1, rest_1) = (beta_1 as f32, (1.0 - beta_1) as f32);
        let (beta_2, rest_2) = (beta_2 as f32, (1.0 - beta_2) as f32);
        let moments = (Rows(&mut self.mu[range.clone()], 1), Rows(&mut self.nu[range], 1));
        let all = (Rows(parameters, 1), Rows(gradient, 1), moments);
        let work = PER_VALUE * gradient.len();
        parallel_chunks(work, all, |(Rows(parameters, _), Rows(gradient, _), (Rows(mu, _), Rows(nu, _)))| {
            let all_finite = vectorised(
                #[inline(always)]
                || {
                    // Absolute values are in the order of their bits; infinity and NaN come after the finite ones.
                    let mut largest = 0;
                    let magnitude = |value: f32| value.abs().to_bits();
                    let moments = mu.iter_mut().zip(nu.iter_mut());
                    for ((theta, &g), (mu, nu)) in parameters.iter_mut().zip(gradient).zip(moments) {
                        let new_mu = flushed(beta_1 * *mu + rest_1 * g, SMALLEST_MU);
                        let new_nu = flushed(beta_2 * *nu + rest_2 * (g * g), SMALLEST_NU);
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
    }

    /// The hyperparameters.
    pub fn settings(&self) -> AdamSettings {
        self.settings
    }

    /// Number of values, trained or not: the length of the buffers that [`step`](Adam::step) takes.
    pub fn len(&self) -> usize {
        self.mu.len()
    }

    /// Number of trained values; see [`ParameterList::trained_len`].
    pub fn trained_len(&self) -> usize {
        self.len() - self.fixed.iter().map(Range::len).sum::<usize>()
    }

    /// Ranges of the values that are not trained, ascending.
    pub fn fixed(&self) -> &[Range<usize>] {
        &self.fixed
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.mu.is_empty()
    }

    /// Updates made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// First and second moments, mutable.
    pub fn moments_mut(&mut self) -> (&mut [f32], &mut [f32]) {
        (&mut self.mu, &mut self.nu)
    }

    /// First and second moments.
    pub fn moments(&self) -> (&[f32], &[f32]) {
        (&self.mu, &self.nu)
    }
}

#[cfg(test)]
mod tests {
    use super::{Adam, AdamSettings};
    use crate::{Builder, Initializer};

    #[test]
    fn parameters_that_are_not_trained_keep_their_values_and_the_others_step_as_without_them() {
        let mut builder = Builder::new();
        let ranges = [2, 3, 1, 2].map(|len| {
            let name = builder.parameters().len().to_string();
            builder.parameter(name, &[len], Initializer::Constant(0.0))
        });
        builder.fix(&ranges[1]);
        builder.fix(&ranges[3]);
        let settings = AdamSettings::new(0.1, 1e-8);
        let start: Vec<f32> = (0..8).map(|i| i as f32).collect();
        let gradient: Vec<f32> = (0..8).map(|i| 1.0 / (1 + i) as f32).collect();
        let (mut all, mut some) = (start.clone(), start.clone());
        let mut of_all = Adam::new(settings, 8);
        let mut of_some = Adam::for_parameters(settings, builder.parameters());
        assert_eq!((of_some.len(), of_some.trained_len()), (8, builder.parameters().trained_len()));
        for _ in 0..3 {
            assert!(of_all.step(&mut all, &gradient) && of_some.step(&mut some, &gradient));
        }
        let is_fixed = |i: &usize| ranges[1].contains(i) || ranges[3].contains(i);
        for i in 0..8 {
            assert_eq!(some[i], if is_fixed(&i) { start[i] } else { all[i] });
            assert_ne!(start[i], all[i]);
        }
        assert!(of_some.moments().0[ranges[1].clone()].iter().all(|&mu| mu == 0.0));
    }

    /// The parameters are those of the equations without the zeros, bit for bit.
    #[test]
    fn moments_without_gradients_decay_to_zero_and_are_never_subnormal() {
        let settings = AdamSettings::new(1e-3, 1e-8);
        let mut adam = Adam::new(settings, 1);
        let (mut theta, mut plain) = ([0.1_f32], 0.1_f32);
        let (mut mu, mut nu) = (0.0_f32, 0.0_f32);
        for step in 1..=100_000 {
            let gradient = if step == 1 { 0.5 } else { 0.0 };
            assert!(adam.step(&mut theta, &[gradient]));
            let (step_size, epsilon) = settings.corrected(step);
            mu = 0.9 * mu + (1.0 - 0.9_f64) as f32 * gradient;
            nu = 0.999 * nu + (1.0 - 0.999_f64) as f32 * (gradient * gradient);
            plain -= step_size * mu / (nu.sqrt() + epsilon);
            assert_eq!(theta[0].to_bits(), plain.to_bits(), "step {step}");
            let (mu, nu) = adam.moments();
            assert!(!mu[0].is_subnormal() && !nu[0].is_subnormal(), "step {step}: {mu:?}, {nu:?}");
        }
        assert_eq!(adam.moments(), (&[0.0][..], &[0.0][..]));
        assert!(mu.is_subnormal() && nu.is_subnormal(), "the test needs both");
    }

    #[test]
    fn a_restored_optimizer_keeps_its_own_settings() {
        let mut saved = Adam::new(AdamSettings::new(0.1, 1e-8), 1);
        saved.step(&mut [1.0], &[2.0]);
        let settings = AdamSettings::new(0.5, 1e-3);
        let mut adam = Adam::new(settings, 1);
        adam.restore(saved.steps(), saved.moments().0, saved.moments().1);
        assert_eq!((adam.settings(), adam.steps(), adam.moments()), (settings, 1, saved.moments()));
    }
}
