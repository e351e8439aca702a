//! TopKChoice: a mixture of experts that the tokens choose (Shazeer et al. 2017, arXiv 1701.06538; Lepikhin et al.
//! 2020, arXiv 2006.16668), as in Dopamine's mixtures of experts.
//!
//! This file is the definition; [`cpu`] has the CPU engine's passes.

mod cpu;

pub use cpu::TopKChoiceWorkspace;

#[cfg(feature = "burn")]
use crate::device::prelude::*;
use crate::layers::experts::{ExpertSettings, Experts};
use crate::layers::load_balancing::LoadBalancing;
use crate::layers::routed_experts::{RoutedExperts, router};
use crate::{Builder, Size};
use std::ops::Range;

/// How tokens choose experts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TopKSettings {
    /// Experts k that each token chooses. Dopamine's code runs with 1 only.
    pub choices: usize,
    /// Slots of all experts together, for each choice of a token. At 1 an expert drops tokens if more than its share of
    /// the tokens choose it.
    pub capacity_factor: f64,
    /// The router's own losses.
    pub balancing: LoadBalancing,
}

impl Default for TopKSettings {
    /// One expert a token, capacity factor 1, no load-balancing loss: Dopamine's.
    fn default() -> Self {
        TopKSettings { choices: 1, capacity_factor: 1.0, balancing: LoadBalancing::default() }
    }
}

/// A mixture in which each token takes the k experts that score highest for it, as long as they have room.
///
/// With tokens X, (m, d), and a router W, (d, n):
/// - probabilities S = softmax of X W over the experts, (m, n)
/// - token t chooses the k experts of largest S_te; of equal probabilities, the first experts
/// - an expert has room for c = ceil(k m f / n) tokens, at most m, for a capacity factor f. It takes the first tokens
///   that chose it, in the order of the tokens, and drops the others
/// - Y_t = sum of S_te expert_e(X_t) over the experts that took t; zero if none did
///
/// There is no residual connection, and the probabilities of the chosen experts are not scaled to sum to one. Gradients
/// flow through the probabilities; the gradients of the [load-balancing losses](LoadBalancing) are added to the
/// router's.
///
/// With k = 1 this is Dopamine's `MoE` with its `TopKRouter`. Dopamine's code does not run with a larger k. Then this
/// is the definition of Lepikhin et al. 2020 (algorithm 1), in which all first choices are served before any second
/// choice, with the capacity of Riquelme et al. 2021 (arXiv 2106.05974, section 2.3).
///
/// # Shapes
/// (batch, `M`, `D`) -> (batch, `M`, `D`), for `N` experts
#[derive(Clone, Debug)]
pub struct TopKChoice<M, D, N> {
    sizes: (M, D, N),
    settings: TopKSettings,
    capacity: usize,
    /// The noise of the load loss, (m, n).
    noise: Option<Range<usize>>,
    experts: RoutedExperts<N, D>,
}

#[cfg(feature = "burn")]
impl<M: Size, D: Size, N: Size> DeviceLayer<(usize, M, D)> for TopKChoice<M, D, N> {
    same_shapes!((usize, M, D));

    /// The definition, on burn's tensors. Tests compare the CPU engine with it.
    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let (m, _, n, k) = self.sizes();
        let logits = self.experts.logits_on(weights, &x);
        let probabilities = softmax(logits.clone(), 2);
        let dispatch = dispatch(probabilities.clone(), k, self.capacity);
        if weights.is_tracked() {
            let noise = self.noise.as_ref().and_then(|range| weights.noise(range));
            let noise = noise.map(|noise| noise.reshape([1, m, n]));
            self.settings.balancing.add_losses_on(weights, logits, probabilities.clone(), noise, k);
        }
        self.experts.forward_on(weights, x, dispatch, probabilities)
    }
}

/// One where a slot takes a token, else zero. An expert's slots take the tokens that chose it: all first choices, in
/// the order of the tokens, then all second choices, and so on, as many as there is room for.
///
/// # Shapes
/// probabilities: (batch, m, n) -> (batch, m, n, capacity)
#[cfg(feature = "burn")]
fn dispatch<B: Backend>(probabilities: Tensor<B, 3>, choices: usize, capacity: usize) -> Tensor<B, 4> {
    let ranks = ranks(probabilities);
    let mut before = ranks.zeros_like().sum_dim(1);
    let mut dispatch = None;
    for choice in 0..choices {
        let chosen = ranks.clone().equal_elem(choice as i32).int();
        // The slot of each token, beyond the capacity if there is no room for it.
        let slot = chosen.clone().cumsum(1) - chosen.clone() + before.clone();
        let of_choice = one_hot(slot, capacity) * chosen.clone().float().unsqueeze_dim(3);
        dispatch = Some(match dispatch {
            Some(dispatch) => dispatch + of_choice,
            None => of_choice,
        });
        before = before + chosen.sum_dim(1);
    }
    dispatch.expect("a token makes at least one choice")
}

impl<M: Size, D: Size, N: Size> TopKChoice<M, D, N> {
    /// A mixture of the sizes (tokens m, width d, experts n), with the parameters `<name>/router/kernel` and
    /// `<name>/experts/..` (see [`Experts::new`]), and with normal noise `<name>/router` if there is a load loss.
    ///
    /// # Panics
    /// If k is not in 1..=n, or the capacity factor or the deviation of a load loss not a positive number.
    pub fn new(
        builder: &mut Builder,
        name: &str,
        sizes: (M, D, N),
        experts: ExpertSettings,
        settings: TopKSettings,
    ) -> Self {
        let (tokens, width, number) = sizes;
        let (m, d, n) = (tokens.size(), width.size(), number.size());
        let TopKSettings { choices: k, capacity_factor: factor, balancing } = settings;
        assert!((1..=n).contains(&k), "a token cannot choose {k} of {n} experts; 1 to {n} can be chosen");
        let positive = |value: f64| value.is_finite() && value > 0.0;
        assert!(
            positive(factor),
            "the capacity factor should be a positive number (1 is usual), but is {factor}"
        );
        let has_load = balancing.load != 0.0;
        let deviation = balancing.load_noise;
        assert!(
            positive(deviation) || !has_load,
            "the load loss's noise should have a positive deviation (1 is usual), but has {deviation}"
        );
        let capacity = (((k * m) as f64 * factor / n as f64).ceil() as usize).min(m);
        let router = router(builder, name, d, n);
        let noise = has_load.then(|| builder.normal_source(format!("{name}/router"), m * n));
        let experts = Experts::new(builder, &format!("{name}/experts"), number, width, experts);
        TopKChoice { sizes, settings, capacity, noise, experts: RoutedExperts { router, experts } }
    }

    /// Slots c of each expert.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// (m, d, n, k)
    fn sizes(&self) -> (usize, usize, usize, usize) {
        let (m, d, n) = self.sizes;
        (m.size(), d.size(), n.size(), self.settings.choices)
    }
}
