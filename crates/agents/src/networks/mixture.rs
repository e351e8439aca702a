//! The mixtures of experts over tokens.

use super::tokens::TokenRows;
use softmoe_config::{Architecture, BodySpec, MixingSpec};
use softmoe_nets::layers::{
    ExpertChoice, Flatten, HiddenLayers, LoadBalancing, SoftMoe, TopKChoice, TopKSettings,
};
use softmoe_nets::{Builder, ExpertSettings, one_of};

one_of! {
    /// A mixture of experts over tokens.
    pub(super) enum Mixture: TokenRows => TokenRows, workspace MixtureWorkspace {
        SoftMoe(SoftMoe<usize, usize, usize, usize>),
        ExpertChoice(ExpertChoice<usize, usize, usize, usize>),
        TopK(TopKChoice<usize, usize, usize>),
    }
}

impl Mixture {
    /// The mixture that `body` describes, over m tokens of width d.
    ///
    /// # Panics
    /// If `body` is no mixture.
    pub(super) fn new(
        b: &mut Builder,
        body: &BodySpec,
        [m, d]: [usize; 2],
        experts_are: ExpertSettings,
    ) -> Self {
        match *body {
            BodySpec::SoftMoe { experts: n, slots, normalised, random_phi, dispatch, combine, .. } => {
                let make = if normalised { SoftMoe::normalised } else { SoftMoe::new };
                let mut mixture = make(b, "soft_moe", (m, d, n, slots.count(m, n)), experts_are);
                if random_phi {
                    mixture = mixture.with_fixed_phi();
                }
                if dispatch == MixingSpec::Uniform {
                    mixture = mixture.with_uniform_dispatch();
                }
                if combine == MixingSpec::Uniform {
                    mixture = mixture.with_uniform_combine();
                }
                Mixture::SoftMoe(mixture)
            }
            BodySpec::ExpertChoice { experts: n, slots, .. } => {
                let sizes = (m, d, n, slots.count(m, n));
                Mixture::ExpertChoice(ExpertChoice::new(b, "expert_choice", sizes, experts_are))
            }
            BodySpec::TopK { experts: n, k, capacity_factor, importance_loss, load_loss, .. } => {
                let (importance, load) = (importance_loss, load_loss);
                let balancing = LoadBalancing { importance, load, ..LoadBalancing::default() };
                let routing = TopKSettings { choices: k, capacity_factor, balancing };
                Mixture::TopK(TopKChoice::new(b, "top_k", (m, d, n), experts_are, routing))
            }
            _ => unreachable!("`{body}` is no mixture"),
        }
    }
}

/// The outputs of a mixture over m tokens of width d in one row, then the bottleneck if there is one.
pub(super) fn after_a_mixture(
    b: &mut Builder,
    architecture: &Architecture,
    [m, d]: [usize; 2],
    bottleneck: bool,
) -> (Flatten<usize>, HiddenLayers<usize>) {
    let (hidden, noisy) = (architecture.network.hidden, architecture.head.noisy());
    let layers = HiddenLayers::new(b, "bottleneck", m * d, hidden, usize::from(bottleneck), noisy);
    (Flatten(m * d), layers)
}
