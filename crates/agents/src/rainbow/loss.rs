//! The losses of a categorical agent (Bellemare et al. 2017, arXiv 1707.06887), as pure functions.
//!
//! Suffixes give the time: `_tm1` belongs to the state in which the action was taken, `_t` to the state n steps later.

use softmoe_nets::kernels::{softmax_rows, vectorised};

/// The support z of a return distribution: `atoms` values equally spaced from -`v_max` to `v_max`.
pub fn support(v_max: f64, atoms: usize) -> Vec<f32> {
    let spacing = 2.0 * v_max / (atoms - 1) as f64;
    (0..atoms).map(|i| (-v_max + spacing * i as f64) as f32).collect()
}

/// Action values q_a = sum_z z p_az.
///
/// # Shapes
/// probabilities: (actions, atoms); support: (atoms); q_values: (actions)
pub fn q_values(q_values: &mut [f32], probabilities: &[f32], support: &[f32]) {
    for (q, probabilities) in q_values.iter_mut().zip(probabilities.chunks_exact(support.len())) {
        *q = probabilities.iter().zip(support).map(|(p, z)| p * z).sum();
    }
}

/// The C51 projection (equation 7 of the paper): the next state's distribution, shifted to r_t + discount_t z and
/// projected back onto the support:
///
/// target_i = sum_j clip(1 - |clip(r_t + discount_t z_j, v_min, v_max) - z_i| / delta_z, 0, 1) p_j
///
/// `discount_t` is gamma^n, or 0 at a terminal.
///
/// # Shapes
/// target, probabilities_t, support: (atoms)
pub fn project(target: &mut [f32], probabilities_t: &[f32], r_t: f32, discount_t: f32, support: &[f32]) {
    let moved = |z: f32| r_t + discount_t * z;
    project_values(target, probabilities_t, support.iter().map(|&z| moved(z)), support);
}

/// Projects a distribution, `probabilities` at `values`, onto the support: each probability is split between the two
/// neighbouring atoms in proportion to proximity.
///
/// # Shapes
/// target, support: (atoms); probabilities, values: (n)
pub fn project_values(
    target: &mut [f32],
    probabilities: &[f32],
    values: impl IntoIterator<Item = f32>,
    support: &[f32],
) {
    let (v_min, v_max) = (support[0], support[support.len() - 1]);
    // Computed from the ends: rounding makes the distances of neighbouring atoms slightly different.
    let spacing = (v_max - v_min) / (support.len() - 1) as f32;
    target.fill(0.0);
    vectorised(
        #[inline(always)]
        || {
            for (&probability, value) in probabilities.iter().zip(values) {
                let value = value.clamp(v_min, v_max);
                for (target, &z) in target.iter_mut().zip(support) {
                    let nearness = (1.0 - (value - z).abs() / spacing).clamp(0.0, 1.0);
                    *target += nearness * probability;
                }
            }
        },
    );
}

/// Cross-entropy of one transition, -sum_z target_z log softmax(logits)_z, from the logits of the action taken;
/// writes its gradient times `scale`.
///
/// # Shapes
/// d_logits, target, logits: (atoms)
pub fn cross_entropy(d_logits: &mut [f32], target: &[f32], logits: &[f32], scale: f32) -> f32 {
    softmax_rows(d_logits, logits, logits.len());
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let log_sum = logits.iter().map(|logit| (logit - most).exp()).sum::<f32>().ln();
    let mass: f32 = target.iter().sum();
    let mut loss = 0.0;
    for ((d_logit, &target), &logit) in d_logits.iter_mut().zip(target).zip(logits) {
        loss -= target * (logit - most - log_sum);
        *d_logit = scale * (mass * *d_logit - target);
    }
    loss
}
