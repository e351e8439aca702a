//! Interventions, as pure functions of weights and an optimizer's moments: ReDo (reset of dormant neurons), random
//! reset of an expert, shrink and perturb.
//!
//! [`softmoe_nets::inspection`] says which neurons there are and which weights read them.
//!
//! An intervention changes the online weights only; the target network follows at its next copy. Adam's step count
//! stays.

use rand::{Rng, RngExt};
use softmoe_config::{InterventionSpec, PartSpec};
use softmoe_nets::inspection::{Kernel, Neurons};
use softmoe_nets::{Adam, Inspection, Parameter, ParameterList};
use std::collections::BTreeMap;
use std::ops::Range;

/// Transitions on which dormant scores are computed (Sokar et al. 2023, appendix).
pub const BATCH_SIZE: usize = 64;
/// Added to a layer's mean, so that a layer without any activity scores 0.
const EPSILON: f64 = 1e-9;

/// Online weights and their optimizer.
#[derive(Debug)]
pub struct Trained<'a> {
    /// The flat buffer of the network's parameter list.
    pub parameters: &'a mut [f32],
    /// Its optimizer.
    pub optimizer: &'a mut Adam,
}

/// Dormant scores s_i = mean |h_i| / mean over the layer's neurons k of mean |h_k| (Sokar et al. 2023, arXiv
/// 2302.12902, equation 1), from each neuron's mean |h|.
pub fn dormant_scores(activity: &[f64]) -> Vec<f64> {
    let mean = activity.iter().sum::<f64>() / activity.len() as f64;
    activity.iter().map(|activity| activity / (mean + EPSILON)).collect()
}

/// Mask of the dormant neurons: their score is at most `tau`.
pub fn dormant(activity: &[f64], tau: f64) -> Vec<bool> {
    dormant_scores(activity).into_iter().map(|score| score <= tau).collect()
}

/// ReDo (Sokar et al. 2023, arXiv 2302.12902, algorithm 1): dormant neurons get `fresh` incoming weights; their biases
/// and outgoing weights become 0, and so do the optimizer's moments of both kernels. The moments of biases stay, as in
/// the paper's code.
///
/// mu and sigma of a noisy layer are replaced alike: an outgoing weight has no noise until its sigma is learned again.
/// Neurons that are read by more than kernels keep their weights, since they cannot be cut off. A weight between two
/// dormant neurons ends as 0.
///
/// # Shapes
/// fresh: the flat buffer of the network's parameter list
pub fn redo<'n>(
    layers: impl Iterator<Item = &'n Neurons> + Clone,
    tau: f64,
    fresh: &[f32],
    trained: Trained<'_>,
) {
    let Trained { parameters, optimizer } = trained;
    let (mu, nu) = optimizer.moments_mut();
    let layers = layers.filter(|neurons| !neurons.is_read_elsewhere && !neurons.outgoing.is_empty());
    let masks = layers.clone().map(|neurons| dormant(&neurons.activity, tau));
    // Fresh weights of every layer first, then zeros: a weight between two dormant neurons ends as 0.
    for (neurons, is_dormant) in layers.clone().zip(masks.clone()) {
        for Kernel { range, columns } in &neurons.incoming {
            for index in range.clone().filter(|index| is_dormant[(index - range.start) % columns]) {
                parameters[index] = fresh[index];
                (mu[index], nu[index]) = (0.0, 0.0);
            }
        }
        for (part, range) in neurons.biases.iter().enumerate() {
            for index in range.clone().filter(|index| is_dormant[index - range.start]) {
                parameters[index] = if part == 0 { 0.0 } else { fresh[index] };
            }
        }
    }
    for (neurons, is_dormant) in layers.zip(masks) {
        for Kernel { range, columns } in &neurons.outgoing {
            let row = |index: usize| (index - range.start) / columns;
            for index in range.clone().filter(|&index| is_dormant[row(index) % is_dormant.len()]) {
                parameters[index] = 0.0;
                (mu[index], nu[index]) = (0.0, 0.0);
            }
        }
    }
}

/// Reinitialises one expert, chosen at random: all its layers, with their moments in the optimizer. Phi or a router
/// stays.
pub fn random_reset(list: &ParameterList, trained: Trained<'_>, rng: &mut impl Rng) {
    let experts = experts(list);
    if experts.is_empty() {
        return;
    }
    let chosen = rng.random_range(0..experts.len());
    let fresh = list.initial(rng);
    let (mu, nu) = trained.optimizer.moments_mut();
    for range in &experts[chosen] {
        trained.parameters[range.clone()].copy_from_slice(&fresh[range.clone()]);
        mu[range.clone()].fill(0.0);
        nu[range.clone()].fill(0.0);
    }
}

/// The ranges of each expert's parameters in the flat buffer.
pub fn experts(list: &ParameterList) -> Vec<Vec<Range<usize>>> {
    let mut experts: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
    for Parameter { name, shape, range, .. } in list.iter() {
        let Some((_, of_experts)) = name.split_once("/experts/") else { continue };
        // Either a network of its own, `0/hidden/kernel`, or a part of a tensor (n, inputs, outputs).
        let number = of_experts.split('/').next().and_then(|number| number.parse().ok());
        match number {
            Some(expert) => experts.entry(expert).or_default().push(range.clone()),
            None => {
                let len = range.len() / shape[0];
                for expert in 0..shape[0] {
                    let start = range.start + expert * len;
                    experts.entry(expert).or_default().push(start..start + len);
                }
            }
        }
    }
    experts.into_values().collect()
}

/// Shrink and perturb: theta becomes `shrink` theta + `perturb` theta', with theta' drawn from each parameter's
/// initializer (Ash and Adams 2020, arXiv 1910.08475; in this form D'Oro et al. 2023). The optimizer's moments stay,
/// and so do parameters that are not trained.
pub fn shrink_and_perturb(
    list: &ParameterList,
    on: PartSpec,
    [shrink, perturb]: [f64; 2],
    parameters: &mut [f32],
    rng: &mut impl Rng,
) {
    let fresh = list.initial(rng);
    let chosen = |parameter: &&Parameter| parameter.trained && is_part(&parameter.name, on);
    for parameter in list.iter().filter(chosen) {
        for index in parameter.range.clone() {
            let theta = shrink * f64::from(parameters[index]) + perturb * f64::from(fresh[index]);
            parameters[index] = theta as f32;
        }
    }
}

/// Applies `intervention` once. `inspection` shows a forward pass on [`BATCH_SIZE`] states; only ReDo uses it.
pub fn apply(
    intervention: InterventionSpec,
    list: &ParameterList,
    inspection: &Inspection,
    trained: Trained<'_>,
    rng: &mut impl Rng,
) {
    match intervention {
        InterventionSpec::None => {}
        InterventionSpec::Redo { tau, on, .. } => {
            let fresh = list.initial(rng);
            let layers = inspection.neurons.iter().filter(|neurons| is_part(&neurons.name(list), on));
            redo(layers, tau, &fresh, trained);
        }
        InterventionSpec::RandomReset { .. } => random_reset(list, trained, rng),
        InterventionSpec::ShrinkAndPerturb { shrink, perturb, on, .. } => {
            shrink_and_perturb(list, on, [shrink, perturb], trained.parameters, rng);
        }
    }
}

/// Whether the layer or parameter `name` belongs to `part`.
fn is_part(name: &str, part: PartSpec) -> bool {
    match part {
        PartSpec::Network => true,
        PartSpec::Experts => name.contains("/experts/"),
    }
}
