//! ExpertChoice: a mixture of experts that choose their tokens (Zhou et al. 2022, arXiv 2202.09368).
//!
//! This file is the definition; [`cpu`] has the CPU engine's passes.

mod cpu;

pub use cpu::ExpertChoiceWorkspace;

#[cfg(feature = "burn")]
use crate::device::prelude::*;
use crate::layers::experts::{ExpertSettings, Experts};
use crate::layers::routed_experts::{RoutedExperts, router};
use crate::{Builder, Size};

/// A mixture in which each expert takes the p tokens that score highest for it. Nothing is mixed before the experts.
///
/// With tokens X, (m, d), and a router W, (d, n):
/// - scores S = softmax of X W over the experts, (m, n)
/// - expert e takes the p tokens t of largest S_te; of equal scores, the first tokens
/// - Y_t = sum of S_te expert_e(X_t) over the experts that took t; zero if none did
///
/// Gradients flow through the scores. The paper of the soft mixtures in reinforcement learning names this router, but its
/// code does not have it; this is the definition wherever the two could differ.
///
/// # Shapes
/// (batch, `M`, `D`) -> (batch, `M`, `D`), for `N` experts that take `P` tokens each
#[derive(Clone, Debug)]
pub struct ExpertChoice<M, D, N, P> {
    sizes: (M, D, N, P),
    experts: RoutedExperts<N, D>,
}

#[cfg(feature = "burn")]
impl<M: Size, D: Size, N: Size, P: Size> DeviceLayer<(usize, M, D)> for ExpertChoice<M, D, N, P> {
    same_shapes!((usize, M, D));

    /// The definition, on burn's tensors. Tests compare the CPU engine with it.
    fn forward_on<B: Backend>(&self, weights: &DeviceWeights<B>, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let (_, _, _, p) = self.sizes();
        let scores = softmax(self.experts.logits_on(weights, &x), 2);
        // Slot k of an expert takes the token that comes after k others in the order of the scores.
        let order = transposed(ranks(transposed(scores.clone())));
        self.experts.forward_on(weights, x, one_hot(order, p), scores)
    }
}

impl<M: Size, D: Size, N: Size, P: Size> ExpertChoice<M, D, N, P> {
    /// A mixture of the sizes (tokens m, width d, experts n, tokens taken p), with the parameters
    /// `<name>/router/kernel` and `<name>/experts/..` (see [`Experts::new`]).
    ///
    /// # Panics
    /// If p is larger than m.
    pub fn new(builder: &mut Builder, name: &str, sizes: (M, D, N, P), settings: ExpertSettings) -> Self {
        let (tokens, width, experts, slots) = sizes;
        let (m, d, n, p) = (tokens.size(), width.size(), experts.size(), slots.size());
        assert!(p <= m, "an expert cannot take {p} of {m} tokens");
        let router = router(builder, name, d, n);
        let experts = Experts::new(builder, &format!("{name}/experts"), experts, width, settings);
        ExpertChoice { sizes, experts: RoutedExperts { router, experts } }
    }

    /// (m, d, n, p)
    fn sizes(&self) -> (usize, usize, usize, usize) {
        let (m, d, n, p) = self.sizes;
        (m.size(), d.size(), n.size(), p.size())
    }
}
