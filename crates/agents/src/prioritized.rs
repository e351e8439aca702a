//! Priorities of transitions, and the importance weights that correct for them (Schaul et al. 2016, arXiv 1511.05952),
//! as pure functions.

/// Added to probabilities and losses before a power of them is taken.
const EPSILON: f64 = 1e-10;

/// Importance weights w_i = P_i^-`exponent`, divided by the largest of the batch (section 3.4 of the paper).
///
/// # Shapes
/// weights, probabilities: (batch)
pub fn importance_weights(weights: &mut [f32], probabilities: &[f64], exponent: f64) {
    let weight = |probability: f64| (probability + EPSILON).powf(-exponent);
    let most = probabilities.iter().map(|&p| weight(p)).fold(0.0, f64::max);
    for (w, &probability) in weights.iter_mut().zip(probabilities) {
        *w = (weight(probability) / most) as f32;
    }
}

/// The priority of a transition of the given loss: loss^`exponent`.
pub fn priority(loss: f32, exponent: f64) -> f32 {
    (f64::from(loss) + EPSILON).powf(exponent) as f32
}
