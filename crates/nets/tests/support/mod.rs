//! What several tests need: random values, and the networks of figure 3 at MinAtar size.
#![allow(dead_code)]

#[cfg(any(feature = "flex", feature = "wgpu"))]
pub(crate) mod device;
#[cfg(any(feature = "flex", feature = "wgpu"))]
pub(crate) mod device_layers;
pub(crate) mod difference_quotients;
pub(crate) mod orders;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_nets::layers::{CategoricalHead, Conv2d, Dense, ExpertChoice, Flatten, PerConv, Relu, SoftMoe};
use softmoe_nets::shapes::Const;
use softmoe_nets::{Builder, ExpertSettings};

/// `len` values, uniform in [-scale, scale].
pub(crate) fn uniform(len: usize, scale: f64, seed: u64) -> Vec<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..len).map(|_| rng.random_range(-scale..scale)).collect()
}

/// The shape of a batch of MinAtar observations of 4 channels.
pub(crate) type Observations = (usize, Const<10>, Const<10>, usize);

/// A batch of MinAtar observations.
pub(crate) fn observations(batch: usize) -> Observations {
    (batch, Const, Const, 4)
}

/// The convolution that all of them start with.
pub(crate) type Encoder = Conv2d<Const<8>, Const<8>, Const<16>, 3, 1>;
/// 51 logits an action.
pub(crate) type Head<const FEATURES: usize> = CategoricalHead<Const<FEATURES>, Const<51>>;
/// flat
pub(crate) type Flat = (Encoder, Relu, Flatten<Const<1024>>, Dense<Const<1024>, Const<128>>, Relu, Head<128>);
/// softmoe-4
pub(crate) type SoftMoe4 = (Encoder, Relu, PerConv<Const<64>>, Mixture, Flatten<Const<1024>>, Head<1024>);
/// 4 experts of 16 slots over 64 tokens of width 16.
pub(crate) type Mixture = SoftMoe<Const<64>, Const<16>, Const<4>, Const<16>>;
/// expert-choice-4
pub(crate) type ExpertChoice4 = (
    Encoder,
    Relu,
    PerConv<Const<64>>,
    ExpertChoice<Const<64>, Const<16>, Const<4>, Const<16>>,
    Flatten<Const<1024>>,
    Head<1024>,
);

const ACTIONS: usize = 6;

/// Rainbow's network.
pub(crate) fn flat(builder: &mut Builder, noisy: bool) -> Flat {
    (
        Conv2d::new(builder, "encoder", 4, (Const, Const, Const)),
        Relu,
        Flatten(Const),
        Dense::new(builder, "hidden", Const, Const, noisy),
        Relu,
        CategoricalHead::dueling(builder, "head", Const, ACTIONS, Const, noisy),
    )
}

/// Experts as wide as [`flat`]'s hidden layer.
pub(crate) fn experts(noisy: bool) -> ExpertSettings {
    ExpertSettings { hidden: 128, extra_layers: 0, noisy }
}

/// Rainbow with a soft mixture of 4 experts.
pub(crate) fn soft_moe_4(builder: &mut Builder, experts: ExpertSettings) -> SoftMoe4 {
    (
        Conv2d::new(builder, "encoder", 4, (Const, Const, Const)),
        Relu,
        PerConv(Const),
        SoftMoe::new(builder, "moe", (Const, Const, Const, Const), experts),
        Flatten(Const),
        CategoricalHead::dueling(builder, "head", Const, ACTIONS, Const, experts.noisy),
    )
}

/// Rainbow with 4 experts that choose their tokens.
pub(crate) fn expert_choice_4(builder: &mut Builder, experts: ExpertSettings) -> ExpertChoice4 {
    (
        Conv2d::new(builder, "encoder", 4, (Const, Const, Const)),
        Relu,
        PerConv(Const),
        ExpertChoice::new(builder, "moe", (Const, Const, Const, Const), experts),
        Flatten(Const),
        CategoricalHead::dueling(builder, "head", Const, ACTIONS, Const, experts.noisy),
    )
}
