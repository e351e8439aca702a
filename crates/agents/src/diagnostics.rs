//! Numbers that tell how an agent's learning goes, as pure functions of what a network shows and of what was learned
//! from a batch. What each means, and where it is from, is in `docs/diagnostics.md`.

use crate::interventions::dormant_scores;
use nalgebra::{DMatrix, SymmetricEigen};
use softmoe_nets::inspection::{Features, Mixture};
use softmoe_nets::{Inspection, ParameterList};

/// Transitions that a diagnosis looks at.
pub const BATCH_SIZE: usize = 64;
/// A neuron counts as dormant if its score is at most this, ReDo's usual threshold.
pub const DORMANT: f64 = 0.025;
/// The share of the singular values' sum that the effective rank's directions have (1 - delta, delta = 0.01).
pub const RANK_SHARE: f64 = 0.99;

/// A number and its name, e.g. `features/srank`; what comes before the slash groups them.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// The name.
    pub name: String,
    /// The value.
    pub value: f64,
}

impl Diagnostic {
    /// The number `value`, called `name`.
    pub fn new(name: impl Into<String>, value: f64) -> Self {
        Diagnostic { name: name.into(), value }
    }
}

/// What would be learned from a batch.
#[derive(Clone, Copy, Debug)]
pub struct Learned<'a> {
    /// Mean of the weighted losses.
    pub loss: f32,
    /// The value of each action in each state, (batch, actions).
    pub q_values: &'a [Vec<f32>],
    /// The action taken in each.
    pub actions: &'a [u8],
    /// The value that it is trained towards.
    pub targets: &'a [f32],
    /// Gradient of the loss.
    pub gradient: &'a [f32],
}

/// Loss, error, values and gradient.
pub fn of_learning(learned: &Learned<'_>) -> Vec<Diagnostic> {
    let Learned { loss, q_values, actions, targets, gradient } = *learned;
    let largest = |values: &Vec<f32>| values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let taken = q_values.iter().zip(actions).map(|(values, &action)| values[usize::from(action)]);
    let errors = taken.zip(targets).map(|(value, target)| f64::from(target - value).abs());
    vec![
        Diagnostic::new("learning/loss", f64::from(loss)),
        Diagnostic::new("learning/td_error", mean(errors)),
        Diagnostic::new("learning/gradient_norm", norm(gradient.iter().map(|&value| f64::from(value)))),
        Diagnostic::new("q/mean", mean(q_values.iter().map(|values| f64::from(largest(values))))),
        Diagnostic::new("q/max", f64::from(q_values.iter().map(largest).fold(f32::NEG_INFINITY, f32::max))),
    ]
}

/// Dormant neurons, the features' rank and norm, and how mixtures mix.
pub fn of_network(inspection: &Inspection, list: &ParameterList) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let (mut dormant, mut of) = (0, 0);
    for neurons in &inspection.neurons {
        let scores = dormant_scores(&neurons.activity);
        let of_layer = scores.iter().filter(|score| **score <= DORMANT).count();
        let share = of_layer as f64 / scores.len() as f64;
        diagnostics.push(Diagnostic::new(format!("dormant/{}", neurons.name(list)), share));
        (dormant, of) = (dormant + of_layer, of + scores.len());
    }
    if of > 0 {
        diagnostics.push(Diagnostic::new("dormant/all", f64::from(dormant as u32) / of as f64));
    }
    if let Some(features) = &inspection.features {
        diagnostics.push(Diagnostic::new("features/srank", effective_rank(features) as f64));
        let norms = features.values.chunks_exact(features.width).map(|row| norm(row.iter().copied()));
        diagnostics.push(Diagnostic::new("features/norm", mean(norms)));
    }
    // A network of the table has one at most; of others the numbers are those of the last.
    if let Some(mixture) = inspection.mixtures.last() {
        diagnostics.extend(of_mixture(mixture));
    }
    diagnostics
}

/// The effective rank: the least k for which the k largest singular values of the features, (batch, width), make up
/// [`RANK_SHARE`] of the sum of all (Kumar et al. 2021, arXiv 2010.14498, equation 1). Features that are all zero
/// have rank 0.
pub fn effective_rank(features: &Features) -> usize {
    let rows = features.values.len() / features.width.max(1);
    let matrix = DMatrix::from_row_slice(rows, features.width, &features.values);
    // The singular values are the roots of the smaller Gram matrix's eigenvalues.
    let gram = if rows <= features.width { &matrix * matrix.transpose() } else { matrix.tr_mul(&matrix) };
    if !gram.iter().all(|value| value.is_finite()) {
        return 0;
    }
    let mut values: Vec<f64> =
        SymmetricEigen::new(gram).eigenvalues.iter().map(|value| value.max(0.0).sqrt()).collect();
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    let total: f64 = values.iter().sum();
    if total <= 0.0 {
        return 0;
    }
    let mut sum = 0.0;
    let within = values.iter().take_while(|&&value| {
        let is_short = sum < RANK_SHARE * total;
        sum += value;
        is_short
    });
    within.count()
}

/// How evenly a mixture uses experts and slots, and how alike its slots are.
pub fn of_mixture(mixture: &Mixture) -> Vec<Diagnostic> {
    let Mixture { experts, slots, combine, .. } = mixture;
    let of_experts: Vec<f64> = combine.chunks_exact(*slots).map(|slots| slots.iter().sum()).collect();
    let tokens = of_experts.chunks_exact(*experts);
    let mut usage = vec![0.0; *experts];
    for token in tokens.clone() {
        usage.iter_mut().zip(token).for_each(|(usage, weight)| *usage += weight);
    }
    let count = tokens.len().max(1) as f64;
    usage.iter_mut().for_each(|usage| *usage /= count);
    let mut diagnostics = vec![
        Diagnostic::new("mixture/expert_entropy", mean(tokens.map(entropy))),
        Diagnostic::new("mixture/slot_entropy", mean(combine.chunks_exact(experts * slots).map(entropy))),
        Diagnostic::new("mixture/usage_entropy", entropy(&usage)),
        Diagnostic::new("mixture/slot_similarity", slot_similarity(mixture)),
    ];
    let of_expert = |(expert, usage)| Diagnostic::new(format!("usage/{expert}"), usage);
    diagnostics.extend(usage.into_iter().enumerate().map(of_expert));
    diagnostics
}

/// Entropy -sum p ln p of a distribution, in nats.
pub fn entropy(distribution: &[f64]) -> f64 {
    // Not -0.0 for one that is certain.
    0.0 - distribution.iter().filter(|p| **p > 0.0).map(|p| p * p.ln()).sum::<f64>()
}

/// The mean cosine of the angle between two slots of a sample, over all pairs of different slots and all samples. Slots
/// that are zero count for none; 1 where there are no pairs.
pub fn slot_similarity(mixture: &Mixture) -> f64 {
    let width = mixture.width;
    let samples = mixture.inputs.chunks_exact(mixture.inputs_per_sample * width);
    let of_sample = |slots: &[f64]| {
        // With unit vectors u: sum over pairs of u_i u_j = |sum of u|^2 - n.
        let (mut sum, mut count) = (vec![0.0; width], 0.0);
        for slot in slots.chunks_exact(width) {
            let length = norm(slot.iter().copied());
            if length > 0.0 {
                sum.iter_mut().zip(slot).for_each(|(sum, value)| *sum += value / length);
                count += 1.0;
            }
        }
        let squared: f64 = sum.iter().map(|value| value * value).sum();
        (count > 1.0).then(|| (squared - count) / (count * (count - 1.0)))
    };
    let cosines: Vec<f64> = samples.filter_map(of_sample).collect();
    if cosines.is_empty() { 1.0 } else { mean(cosines.into_iter()) }
}

/// The length of a vector.
fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

/// The mean; 0 of nothing.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += value;
        count += 1.0;
    }
    if count > 0.0 { sum / count } else { 0.0 }
}
