//! Load-balancing losses, which keep a router from sending all tokens to a few experts (Riquelme et al. 2021, arXiv
//! 2106.05974, appendix A), as in Dopamine's mixtures of experts.

#[cfg(feature = "burn")]
mod device;

use crate::Scalar;

/// Coefficients of a router's load-balancing losses. Each loss is a mean over the samples of a batch.
///
/// With a router's logits L, (m, n), of one sample, probabilities = softmax of L over the n experts, and
/// variation(v) = population variance of v / (mean of v)^2:
/// - importance loss = variation of the experts' probabilities, each summed over the tokens
/// - load loss = variation of the experts' loads: the mean over tokens t of the probability that L_te + noise would
///   exceed t's k-th largest noisy logit, with normal noise of deviation `load_noise` / n
///
/// One draw of the load loss's noise serves the whole batch, as in noisy layers. (Dopamine draws for each sample.)
/// Without noise it is zero. Dopamine's entropy loss has no gradient and is left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadBalancing {
    /// Coefficient of the importance loss; 0 switches it off. Dopamine's is 1 where it is on.
    pub importance: f64,
    /// Coefficient of the load loss; 0 switches it off. Dopamine's is 1 where it is on.
    pub load: f64,
    /// Deviation of the load loss's noise times the number of experts; 1 in Dopamine.
    pub load_noise: f64,
}

impl Default for LoadBalancing {
    /// All losses off.
    fn default() -> Self {
        LoadBalancing { importance: 0.0, load: 0.0, load_noise: 1.0 }
    }
}

/// The load-balancing losses of a batch, each times its coefficient.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BalancingLosses {
    /// The importance loss.
    pub importance: f64,
    /// The load loss.
    pub load: f64,
}

impl BalancingLosses {
    /// The sum of both.
    pub fn total(&self) -> f64 {
        self.importance + self.load
    }
}

/// A router's values for a batch.
#[derive(Clone, Copy)]
pub(crate) struct Routing<'a, E> {
    /// (tokens m, experts n, experts k that a token chooses)
    pub(crate) sizes: (usize, usize, usize),
    /// (batch, m, n)
    pub(crate) logits: &'a [E],
    pub(crate) probabilities: &'a [E],
    /// Standard normals, (m, n).
    pub(crate) noise: Option<&'a [E]>,
}

impl<E: Scalar> Routing<'_, E> {
    /// Samples in the batch.
    fn batch(&self) -> usize {
        let (m, n, _) = self.sizes;
        self.logits.len() / (m * n)
    }

    /// The logit at `index` of (batch, m, n) with its noise of that deviation.
    fn noisy(&self, index: usize, deviation: f64) -> f64 {
        let (m, n, _) = self.sizes;
        let noise = self.noise.map_or(0.0, |noise| noise[index % (m * n)].to_f64());
        self.logits[index].to_f64() + deviation * noise
    }
}

/// Values of a forward pass that the losses' gradients need.
#[derive(Clone, Debug)]
pub(crate) struct BalancingWorkspace {
    /// The experts' summed probabilities and loads, (batch, n).
    importance: Vec<f64>,
    load: Vec<f64>,
    /// The expert whose noisy logit is a token's k-th largest, (batch, m).
    threshold: Vec<usize>,
    /// Experts of a token by noisy logit.
    order: Vec<usize>,
    /// A gradient for one sample, (n).
    scratch: Vec<f64>,
    pub(crate) losses: BalancingLosses,
}

impl BalancingWorkspace {
    /// For (m, n) tokens and experts.
    pub(crate) fn new(batch: usize, m: usize, n: usize) -> Self {
        BalancingWorkspace {
            importance: vec![0.0; batch * n],
            load: vec![0.0; batch * n],
            threshold: vec![0; batch * m],
            order: vec![0; n],
            scratch: vec![0.0; n],
            losses: BalancingLosses::default(),
        }
    }
}

impl LoadBalancing {
    /// The losses of a batch.
    pub(crate) fn forward<E: Scalar>(&self, routing: &Routing<'_, E>, workspace: &mut BalancingWorkspace) {
        let (m, n, k) = routing.sizes;
        let batch = routing.batch() as f64;
        workspace.losses = BalancingLosses::default();
        if self.importance != 0.0 {
            workspace.importance.fill(0.0);
            for (index, &probability) in routing.probabilities.iter().enumerate() {
                workspace.importance[index / (m * n) * n + index % n] += probability.to_f64();
            }
            let sum: f64 = workspace.importance.chunks_exact(n).map(variation).sum();
            workspace.losses.importance = self.importance * sum / batch;
        }
        if self.load != 0.0 {
            let deviation = self.load_noise / n as f64;
            workspace.load.fill(0.0);
            for (token, threshold) in workspace.threshold.iter_mut().enumerate() {
                let first = token * n;
                rank(&mut workspace.order, |expert| routing.noisy(first + expert, deviation));
                *threshold = workspace.order[k - 1];
                let needed = routing.noisy(first + *threshold, deviation);
                for (expert, load) in workspace.load[token / m * n..][..n].iter_mut().enumerate() {
                    let noise = (needed - routing.logits[first + expert].to_f64()) / deviation;
                    *load += above(noise) / m as f64;
                }
            }
            let sum: f64 = workspace.load.chunks_exact(n).map(variation).sum();
            workspace.losses.load = self.load * sum / batch;
        }
    }

    /// Adds the importance loss's gradient with respect to the probabilities, (batch, m, n).
    pub(crate) fn add_to_probabilities<E: Scalar>(
        &self,
        d_probabilities: &mut [E],
        routing: &Routing<'_, E>,
        workspace: &mut BalancingWorkspace,
    ) {
        if self.importance == 0.0 {
            return;
        }
        let (m, n, _) = routing.sizes;
        let scale = self.importance / routing.batch() as f64;
        for (sample, d_sample) in d_probabilities.chunks_exact_mut(m * n).enumerate() {
            variation_gradient(&mut workspace.scratch, &workspace.importance[sample * n..][..n]);
            for (index, d) in d_sample.iter_mut().enumerate() {
                *d += E::from_f64(scale * workspace.scratch[index % n]);
            }
        }
    }

    /// Adds the load loss's gradient with respect to the logits, (batch, m, n).
    pub(crate) fn add_to_logits<E: Scalar>(
        &self,
        d_logits: &mut [E],
        routing: &Routing<'_, E>,
        workspace: &mut BalancingWorkspace,
    ) {
        if self.load == 0.0 {
            return;
        }
        let (m, n, _) = routing.sizes;
        let deviation = self.load_noise / n as f64;
        let scale = self.load / (routing.batch() as f64 * m as f64 * deviation);
        for (sample, d_sample) in d_logits.chunks_exact_mut(m * n).enumerate() {
            variation_gradient(&mut workspace.scratch, &workspace.load[sample * n..][..n]);
            for (token, d_token) in d_sample.chunks_exact_mut(n).enumerate() {
                let first = (sample * m + token) * n;
                let threshold = workspace.threshold[sample * m + token];
                let needed = routing.noisy(first + threshold, deviation);
                // The threshold is a logit too: a higher one lowers the chance of all experts.
                let mut d_threshold = 0.0;
                for (expert, d) in d_token.iter_mut().enumerate() {
                    let noise = (needed - routing.logits[first + expert].to_f64()) / deviation;
                    let d_logit = scale * workspace.scratch[expert] * density(noise);
                    d_threshold -= d_logit;
                    *d += E::from_f64(d_logit);
                }
                d_token[threshold] += E::from_f64(d_threshold);
            }
        }
    }
}

/// Sorts 0..`order.len()` by descending `value`; of equals, the lowest first.
pub(crate) fn rank(order: &mut [usize], value: impl Fn(usize) -> f64) {
    for (index, order) in order.iter_mut().enumerate() {
        *order = index;
    }
    order.sort_unstable_by(|&a, &b| value(b).total_cmp(&value(a)).then(a.cmp(&b)));
}

/// Population variance over the squared mean.
fn variation(values: &[f64]) -> f64 {
    let (mean, variance) = moments(values);
    variance / (mean * mean)
}

/// The gradient of [`variation`]: 2 (v - mean - variance / mean) / (len mean^2).
fn variation_gradient(d: &mut [f64], values: &[f64]) {
    let (mean, variance) = moments(values);
    let scale = 2.0 / (values.len() as f64 * mean * mean);
    for (d, value) in d.iter_mut().zip(values) {
        *d = scale * (value - mean - variance / mean);
    }
}

/// Mean and population variance.
fn moments(values: &[f64]) -> (f64, f64) {
    let len = values.len() as f64;
    let mean = values.iter().sum::<f64>() / len;
    (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / len)
}

/// Probability that a standard normal lies above `x`.
fn above(x: f64) -> f64 {
    0.5 * libm::erfc(x * std::f64::consts::FRAC_1_SQRT_2)
}

/// Density of the standard normal.
fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}
