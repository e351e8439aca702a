//! Diagnostics of an agent's learning, as pure functions of a network's inspection and of the losses of a batch.
//! `docs/diagnostics.md` defines each number and names its source.

use crate::interventions::dormant_scores;
use nalgebra::{DMatrix, SymmetricEigen};
use softmoe_nets::inspection::{Features, Mixture};
use softmoe_nets::{Inspection, ParameterList};

/// Transitions from which diagnostics are computed.
pub const BATCH_SIZE: usize = 64;
/// A neuron counts as dormant if its score is at most this, ReDo's usual threshold.
pub const DORMANT: f64 = 0.025;
/// The share of the sum of singular values that defines the effective rank (1 - delta, delta = 0.01).
pub const RANK_SHARE: f64 = 0.99;

/// A number and its name, e.g. `features/srank`; the part before the slash is its group.
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

/// The losses of a batch and their gradient, without an update.
#[derive(Clone, Copy, Debug)]
pub struct LearnedBatch<'a> {
    /// Mean of the weighted losses.
    pub loss: f32,
    /// The value of each action in each state, (batch, actions).
    pub q_values: &'a [Vec<f32>],
    /// The action taken in each state.
    pub actions: &'a [u8],
    /// The target of that action's value.
    pub targets: &'a [f32],
    /// Gradient of the loss.
    pub gradient: &'a [f32],
}

/// Diagnostics of a batch: loss, TD error, action values, gradient.
pub fn of_learning(learned: &LearnedBatch<'_>) -> Vec<Diagnostic> {
    let LearnedBatch { loss, q_values, actions, targets, gradient } = *learned;
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

/// Diagnostics of a network: dormant neurons, rank and norm of the features, use of experts and slots.
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
        let values = singular_values(features);
        diagnostics.push(Diagnostic::new("features/srank", effective_rank_of(&values) as f64));
        diagnostics.push(Diagnostic::new("features/entropy_rank", entropy_rank_of(&values)));
        let norms = features.values.chunks_exact(features.width).map(|row| norm(row.iter().copied()));
        diagnostics.push(Diagnostic::new("features/norm", mean(norms)));
    }
    // Registered networks have at most one mixture; of several, the last one counts.
    if let Some(mixture) = inspection.mixtures.last() {
        diagnostics.extend(of_mixture(mixture));
    }
    diagnostics
}

/// The effective rank: the least k for which the k largest singular values of the features, (batch, width), make up
/// [`RANK_SHARE`] of the sum of all (Kumar et al. 2021, arXiv 2010.14498, equation 1). The rank of zeros is 0.
pub fn effective_rank(features: &Features) -> usize {
    effective_rank_of(&singular_values(features))
}

fn effective_rank_of(values: &[f64]) -> usize {
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

/// The effective rank of Roy and Vetterli (2007, definition 1): exp of the entropy of the singular values' shares of their sum. Many small
/// singular values beside a few large ones raise it less than [`effective_rank`]. The rank of zeros is 0.
pub fn entropy_rank(features: &Features) -> f64 {
    entropy_rank_of(&singular_values(features))
}

fn entropy_rank_of(values: &[f64]) -> f64 {
    let total: f64 = values.iter().sum();
    if total <= 0.0 {
        return 0.0;
    }
    entropy(&values.iter().map(|value| value / total).collect::<Vec<f64>>()).exp()
}

/// The singular values of the features, (batch, width), the largest first; none if a feature is not finite.
fn singular_values(features: &Features) -> Vec<f64> {
    let rows = features.values.len() / features.width.max(1);
    let matrix = DMatrix::from_row_slice(rows, features.width, &features.values);
    // The singular values are the roots of the smaller Gram matrix's eigenvalues.
    let gram = if rows <= features.width { &matrix * matrix.transpose() } else { matrix.tr_mul(&matrix) };
    if !gram.iter().all(|value| value.is_finite()) {
        return Vec::new();
    }
    let mut values: Vec<f64> =
        SymmetricEigen::new(gram).eigenvalues.iter().map(|value| value.max(0.0).sqrt()).collect();
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    values
}

/// Diagnostics of a mixture: sharpness of its mixing, entropies of its use of experts and slots, similarity of its slots.
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
    let [dispatch_entropy, combine_entropy] = mixing_entropies(mixture);
    let mut diagnostics = vec![
        Diagnostic::new("mixture/dispatch_entropy", dispatch_entropy),
        Diagnostic::new("mixture/combine_entropy", combine_entropy),
        Diagnostic::new("mixture/expert_entropy", mean(tokens.map(entropy))),
        Diagnostic::new("mixture/slot_entropy", mean(combine.chunks_exact(experts * slots).map(entropy))),
        Diagnostic::new("mixture/usage_entropy", entropy(&usage)),
        Diagnostic::new("mixture/slot_similarity", slot_similarity(mixture)),
    ];
    diagnostics
        .extend(logit_deviation(mixture).map(|value| Diagnostic::new("mixture/logit_deviation", value)));
    let of_expert = |(expert, usage)| Diagnostic::new(format!("usage/{expert}"), usage);
    diagnostics.extend(usage.into_iter().enumerate().map(of_expert));
    diagnostics
}

/// Entropy -sum p ln p of a distribution, in nats.
pub fn entropy(distribution: &[f64]) -> f64 {
    // 0.0 - x, not -x: a certain outcome has entropy 0.0, not -0.0.
    0.0 - distribution.iter().filter(|p| **p > 0.0).map(|p| p * p.ln()).sum::<f64>()
}

/// The entropies of dispatch and combine as shares of their maxima, from 0 (each slot of one token, each token of one slot) to 1 (uniform
/// weights): the mean over slots of the entropy of a slot's weights over the m tokens, over ln m; the mean over tokens of the entropy of a
/// token's weights over all slots, over ln(n p). Slots without a token are left out. Of a single token or slot the share is 1.
pub fn mixing_entropies(mixture: &Mixture) -> [f64; 2] {
    let Mixture { experts, slots, combine, dispatch, inputs_per_sample, width, inputs, .. } = mixture;
    let share = |entropy: f64, count: usize| if count > 1 { entropy / (count as f64).ln() } else { 1.0 };
    let all_slots = experts * slots;
    let combine_entropy = mean(combine.chunks_exact(all_slots).map(|token| share(entropy(token), all_slots)));
    let samples = (inputs.len() / (inputs_per_sample * width)).max(1);
    let tokens = combine.len() / all_slots / samples;
    // One pass over the weights in their order, a sum of p ln p for each slot.
    let mut of_slots = Vec::new();
    for sample in dispatch.chunks_exact((tokens * inputs_per_sample).max(1)) {
        let mut sums = vec![(0.0, 0.0); *inputs_per_sample];
        for token in sample.chunks_exact(*inputs_per_sample) {
            for ((weight, sum), &p) in sums.iter_mut().zip(token) {
                *weight += p;
                *sum += if p > 0.0 { p * p.ln() } else { 0.0 };
            }
        }
        let taken = sums.into_iter().filter(|(weight, _)| *weight > 0.0);
        of_slots.extend(taken.map(|(_, sum)| share(0.0 - sum, tokens)));
    }
    [mean(of_slots.into_iter()), combine_entropy]
}

/// The standard deviation of a sample's routing logits over its tokens and slots, (m, n p), as a mean over samples; `None` of a mixture that
/// does not show its logits.
pub fn logit_deviation(mixture: &Mixture) -> Option<f64> {
    let Mixture { experts, slots, combine, logits, inputs_per_sample, width, inputs, .. } = mixture;
    let samples = (inputs.len() / (inputs_per_sample * width)).max(1);
    let of_sample = combine.len() / (experts * slots) / samples * experts * slots;
    let deviation = |logits: &[f64]| {
        let centre = mean(logits.iter().copied());
        mean(logits.iter().map(|logit| (logit - centre).powi(2))).sqrt()
    };
    (!logits.is_empty()).then(|| mean(logits.chunks_exact(of_sample.max(1)).map(deviation)))
}

/// The mean cosine of the angle between two slots of a sample, over all pairs of different slots and all samples. Zero
/// slots are left out; without any pair the similarity is 1.
pub fn slot_similarity(mixture: &Mixture) -> f64 {
    let width = mixture.width;
    let samples = mixture.inputs.chunks_exact(mixture.inputs_per_sample * width);
    let of_sample = |slots: &[f64]| {
        // For n unit vectors u, the sum over ordered pairs of u_i u_j is |sum of u|^2 - n.
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

/// The mean, or 0 without values.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += value;
        count += 1.0;
    }
    if count > 0.0 { sum / count } else { 0.0 }
}
