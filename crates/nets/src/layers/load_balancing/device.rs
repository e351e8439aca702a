//! The load-balancing losses on burn's tensors.

use super::LoadBalancing;
use crate::device::prelude::*;

impl LoadBalancing {
    /// Adds the losses that train a router to the tracked `weights`: the importance loss and the load loss.
    ///
    /// # Shapes
    /// logits, probabilities: (batch, m, n); noise, standard normals: (1, m, n)
    pub(crate) fn add_losses_on<B: Backend>(
        &self,
        weights: &DeviceWeights<B>,
        logits: Tensor<B, 3>,
        probabilities: Tensor<B, 3>,
        noise: Option<Tensor<B, 3>>,
        choices: usize,
    ) {
        let [.., n] = logits.dims();
        if self.importance != 0.0 {
            let loss = variation(probabilities.sum_dim(1));
            weights.add_loss(loss.mul_scalar(self.importance as f32));
        }
        if self.load != 0.0 {
            let deviation = (self.load_noise / n as f64) as f32;
            let noisy = match noise {
                Some(noise) => logits.clone() + noise.mul_scalar(deviation),
                None => logits.clone(),
            };
            let last: Tensor<B, 3, Int> = ranks(noisy.clone());
            let is_last = last.equal_elem(choices as i32 - 1).float();
            let needed = (noisy * is_last).sum_dim(2);
            // The probability that a standard normal lies above.
            let above = (needed - logits).mul_scalar(std::f32::consts::FRAC_1_SQRT_2 / deviation).erf();
            let load = above.neg().add_scalar(1.0).mul_scalar(0.5).mean_dim(1);
            weights.add_loss(variation(load).mul_scalar(self.load as f32));
        }
    }
}

/// Population variance over the squared mean of each sample's values, and the mean of that over the samples.
///
/// # Shapes
/// (batch, 1, n) -> (1)
fn variation<B: Backend>(values: Tensor<B, 3>) -> Tensor<B, 1> {
    let mean = values.clone().mean_dim(2);
    let from_mean = values - mean.clone();
    let variance = (from_mean.clone() * from_mean).mean_dim(2);
    (variance / (mean.clone() * mean)).mean()
}
