//! What of the layers is compared with the CPU engine on a device.

use super::device::check;
use super::{expert_choice_4, experts, flat, observations, soft_moe_4};
use burn_tensor::backend::Backend;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_nets::encoders::{Impala, MinAtar, MinAtarDeep, MinAtarPooledResidual, MinAtarResidual, Nature};
use softmoe_nets::layers::{
    AveragePool, BigSoftMoe, CategoricalHead, Conv2d, Dense, ExpertChoice, Flatten, GlobalAveragePool,
    HiddenLayers, Linear, LoadBalancing, MaxPool2d, NoisyLinear, PerConv, PerFeature, PerPatch, PerSample,
    Pooling, Relu, ReluPlace, Residual, Same, Shuffled, SimplicialGroups, SimplicialMap, SoftMoe, Tokenized,
    TokenizedSettings, TopKChoice, TopKSettings, Uniform, Valid,
};
use softmoe_nets::shapes::Const;
use softmoe_nets::{Builder, ExpertSettings, Permutation};

/// Layers that many networks share, in several sizes.
pub(crate) fn check_layers<B: Backend>(device: &B::Device) {
    let mut builder = Builder::new();
    let layer = Conv2d::<_, _, _, 3, 1>::new(&mut builder, "conv", 2, (3_usize, 4_usize, 5_usize));
    check::<B, _, _>("stride 1", builder, &layer, (2, 5_usize, 6_usize, 2), device);
    // The last row of the input is left over.
    let mut builder = Builder::new();
    let layer = Conv2d::<_, _, _, 3, 2>::new(&mut builder, "conv", 3, (2_usize, 3_usize, 4_usize));
    check::<B, _, _>("stride 2", builder, &layer, (2, 6_usize, 7_usize, 3), device);

    check::<B, _, _>("ReLU", Builder::new(), &Relu, (3, 7), device);
    check::<B, _, _>("PerConv", Builder::new(), &PerConv(6), (2, 2_usize, 3_usize, 4_usize), device);
    check::<B, _, _>("Flatten", Builder::new(), &Flatten(24), (2, 2_usize, 3_usize, 4_usize), device);
    check::<B, _, _>("Flatten", Builder::new(), &Flatten(12), (2, 3_usize, 4_usize), device);

    for batch in [1, 3] {
        let mut builder = Builder::new();
        let layer = Linear::new(&mut builder, "linear", 5, 18);
        check::<B, _, _>("linear", builder, &layer, (batch, 5), device);
        let mut builder = Builder::new();
        let layer = NoisyLinear::new(&mut builder, "noisy", 5, 18);
        check::<B, _, _>("noisy", builder, &layer, (batch, 5), device);
        for noisy in [false, true] {
            let mut builder = Builder::new();
            let layer = Dense::new(&mut builder, "dense", 4, 3, noisy);
            check::<B, _, _>("dense", builder, &layer, (batch, 4), device);
            let mut builder = Builder::new();
            let layer = CategoricalHead::dueling(&mut builder, "head", 6, 4, 5_usize, noisy);
            check::<B, _, _>("dueling head", builder, &layer, (batch, 6), device);
            let mut builder = Builder::new();
            let layer = CategoricalHead::plain(&mut builder, "head", 6, 4, 5_usize, noisy);
            check::<B, _, _>("head", builder, &layer, (batch, 6), device);
        }
    }

    for (extra_layers, noisy) in [(0, false), (0, true), (1, false), (2, true)] {
        let settings = ExpertSettings { hidden: 7, extra_layers, noisy };
        for sizes in [(5, 4, 3, 2), (5, 4, 1, 3), (4, 3, 2, 1), (2, 6, 3, 4)] {
            let (what, input) = (format!("{sizes:?} {settings:?}"), (2, sizes.0, sizes.1));
            let mut builder = Builder::new();
            let layer = SoftMoe::new(&mut builder, "moe", sizes, settings);
            check::<B, _, _>(&format!("SoftMoE {what}"), builder, &layer, input, device);
            let mut builder = Builder::new();
            let layer = SoftMoe::normalised(&mut builder, "moe", sizes, settings);
            check::<B, _, _>(&format!("normalised SoftMoE {what}"), builder, &layer, input, device);
            let mut builder = Builder::new();
            let layer = Residual(SoftMoe::normalised_from(&mut builder, "moe", sizes, settings, 8.0));
            check::<B, _, _>(&format!("sharpened SoftMoE {what}"), builder, &layer, input, device);
            for control in 0..3 {
                let mut builder = Builder::new();
                let layer = SoftMoe::new(&mut builder, "moe", sizes, settings);
                let layer = match control {
                    0 => layer.with_fixed_phi(&mut builder),
                    1 => layer.with_uniform(Uniform { dispatch: true, combine: false }),
                    _ => layer.with_uniform(Uniform { dispatch: false, combine: true }),
                };
                check::<B, _, _>(
                    &format!("control {control} of SoftMoE {what}"),
                    builder,
                    &layer,
                    input,
                    device,
                );
            }
        }
        for sizes in [(5, 4, 3, 2), (5, 4, 1, 3), (4, 3, 2, 4), (6, 2, 3, 1)] {
            let mut builder = Builder::new();
            let layer = ExpertChoice::new(&mut builder, "moe", sizes, settings);
            let what = format!("ExpertChoice {sizes:?} {settings:?}");
            check::<B, _, _>(&what, builder, &layer, (2, sizes.0, sizes.1), device);
        }
    }
}

/// The networks of figure 3.
pub(crate) fn check_networks<B: Backend>(device: &B::Device) {
    for noisy in [false, true] {
        let mut builder = Builder::new();
        let network = flat(&mut builder, noisy);
        check::<B, _, _>("flat", builder, &network, observations(4), device);
        let mut builder = Builder::new();
        let network = soft_moe_4(&mut builder, experts(noisy));
        check::<B, _, _>("softmoe-4", builder, &network, observations(4), device);
        let mut builder = Builder::new();
        let network = expert_choice_4(&mut builder, experts(noisy));
        check::<B, _, _>("expert-choice-4", builder, &network, observations(4), device);
    }
}

/// Convolutions and poolings of all paddings, and the encoders made of them.
pub(crate) fn check_encoders<B: Backend>(device: &B::Device) {
    let mut builder = Builder::new();
    let layer = Conv2d::<_, _, _, 3, 1, _>::same(&mut builder, "conv", 2, (4_usize, 5_usize, 3_usize));
    check::<B, _, _>("SAME, stride 1", builder, &layer, (2, 4_usize, 5_usize, 2), device);
    // The border is wider at the end.
    let mut builder = Builder::new();
    let layer = Conv2d::<_, _, _, 4, 2, _>::same(&mut builder, "conv", 2, (3_usize, 4_usize, 3_usize));
    check::<B, _, _>("SAME, stride 2", builder, &layer, (2, 5_usize, 7_usize, 2), device);
    // The kernel is larger than the map.
    let mut builder = Builder::new();
    let layer = Conv2d::<_, _, _, 5, 1, _>::same(&mut builder, "conv", 1, (2_usize, 1_usize, 2_usize));
    check::<B, _, _>("SAME, kernel 5", builder, &layer, (2, 2_usize, 1_usize, 1), device);

    let layer = MaxPool2d::<_, _, 3, 2, Same>::new((4_usize, 3_usize));
    check::<B, _, _>("SAME pooling", Builder::new(), &layer, (2, 8_usize, 5_usize, 3_usize), device);
    let layer = MaxPool2d::<_, _, 2, 2, Valid>::new((2_usize, 3_usize));
    check::<B, _, _>("VALID pooling", Builder::new(), &layer, (2, 5_usize, 6_usize, 2_usize), device);
    // Behind a rectifier many values are the same, and the first of them has the gradient.
    let layer = (Relu, MaxPool2d::<_, _, 3, 2, Same>::new((4_usize, 3_usize)));
    check::<B, _, _>("pooling of equals", Builder::new(), &layer, (2, 8_usize, 5_usize, 3_usize), device);

    let mut builder = Builder::new();
    let output = (3_usize, 2_usize, 4_usize);
    let first = Conv2d::<_, _, _, 3, 1, _>::same(&mut builder, "first", 4, output);
    let second = Conv2d::<_, _, _, 3, 1, _>::same(&mut builder, "second", 4, output);
    let layer = Residual((Relu, first, Relu, second));
    check::<B, _, _>("residual block", builder, &layer, (2, 3_usize, 2_usize, 4_usize), device);

    let mut builder = Builder::new();
    let layer: Impala<usize, usize, usize, usize, _, _, _> =
        Impala::new(&mut builder, "impala", [9, 7, 2], (2_usize, 3_usize, 2_usize));
    check::<B, _, _>("Impala", builder, &layer, (2, 9_usize, 7_usize, 2_usize), device);
    let mut builder = Builder::new();
    let layer: Nature<usize, usize, _, _, _> =
        Nature::new(&mut builder, "nature", [9, 14, 1], (2_usize, 3_usize, 2_usize));
    check::<B, _, _>("Nature", builder, &layer, (2, 9_usize, 14_usize, 1_usize), device);
    let mut builder = Builder::new();
    let layer: MinAtar<usize, _> = MinAtar::new(&mut builder, "minatar", [5, 6, 2], 3_usize);
    check::<B, _, _>("MinAtar", builder, &layer, (2, 5_usize, 6_usize, 2_usize), device);
    let mut builder = Builder::new();
    let layer: MinAtarDeep<usize, _> = MinAtarDeep::new(&mut builder, "deep", [4, 5, 2], 3_usize);
    check::<B, _, _>("deep MinAtar", builder, &layer, (2, 4_usize, 5_usize, 2_usize), device);
    let mut builder = Builder::new();
    let layer: MinAtarResidual<usize, _> = MinAtarResidual::new(&mut builder, "residual", [4, 5, 2], 3_usize);
    check::<B, _, _>("residual MinAtar", builder, &layer, (2, 4_usize, 5_usize, 2_usize), device);
    let mut builder = Builder::new();
    let layer: MinAtarPooledResidual<usize, usize, _> =
        MinAtarPooledResidual::new(&mut builder, "pooled", [6, 5, 2], 3_usize);
    check::<B, _, _>("pooled MinAtar", builder, &layer, (2, 6_usize, 5_usize, 2_usize), device);
}

/// Tokens, pooled bodies, embeddings and heads.
pub(crate) fn check_bodies<B: Backend>(device: &B::Device) {
    let map = (2, 2_usize, 3_usize, 4_usize);
    check::<B, _, _>("PerFeature", Builder::new(), &PerFeature(6), map, device);
    check::<B, _, _>("PerSample", Builder::new(), &PerSample(24), map, device);
    let permutation = Permutation::random(24, &mut Xoshiro256PlusPlus::seed_from_u64(7));
    check::<B, _, _>("Shuffled", Builder::new(), &Shuffled::new(6, permutation), map, device);
    let mut builder = Builder::new();
    let layer = PerPatch::new(&mut builder, "embedding", [5, 7], 2, 4);
    check::<B, _, _>("PerPatch", builder, &layer, (2, 5_usize, 7_usize, 4_usize), device);

    let layer = AveragePool::<_, _, 3, 3>(1_usize, 2_usize);
    check::<B, _, _>("averages of patches", Builder::new(), &layer, (2, 5_usize, 7_usize, 4_usize), device);
    let layer = AveragePool::<_, _, 3, 1>(3_usize, 2_usize);
    check::<B, _, _>("moving averages", Builder::new(), &layer, (2, 5_usize, 4_usize, 3_usize), device);
    check::<B, _, _>("global average", Builder::new(), &GlobalAveragePool, map, device);

    for pooling in [Pooling::Sum, Pooling::Mean] {
        for relu in [ReluPlace::BeforePooling, ReluPlace::AfterPooling] {
            for noisy in [false, true] {
                let settings = TokenizedSettings { pooling, relu, noisy };
                for (batch, tokens, width, hidden) in [(2, 5, 4, 7), (3, 1, 4, 2)] {
                    let mut builder = Builder::new();
                    let layer = Tokenized::new(&mut builder, "tokenized", width, hidden, settings);
                    check::<B, _, _>(
                        &format!("{settings:?}"),
                        builder,
                        &layer,
                        (batch, tokens, width),
                        device,
                    );
                }
            }
        }
    }
    for temperature in [0.1, 1.0] {
        let layer = SimplicialMap { temperature };
        check::<B, _, _>("simplicial map", Builder::new(), &layer, (2, 2_usize, 5_usize, 3_usize), device);
        for (groups, features) in [(3, 12), (1, 5), (4, 4)] {
            let layer = SimplicialGroups { groups, temperature };
            check::<B, _, _>("simplicial groups", Builder::new(), &layer, (2, features), device);
        }
    }
    for (count, noisy) in [(0, false), (1, true), (3, false)] {
        let mut builder = Builder::new();
        let first = Dense::new(&mut builder, "first", 4, 5, noisy);
        let layers = HiddenLayers::new(&mut builder, "hidden", 5, 6, count, noisy);
        check::<B, _, _>(&format!("{count} hidden layers"), builder, &(first, layers), (3, 4), device);
    }
    for noisy in [false, true] {
        let mut builder = Builder::new();
        let layer = CategoricalHead::dueling(&mut builder, "head", 6, 4, Const::<1>, noisy);
        check::<B, _, _>("dueling Q head", builder, &layer, (3, 6), device);
        let mut builder = Builder::new();
        let layer = CategoricalHead::plain(&mut builder, "head", 6, 4, Const::<1>, noisy);
        check::<B, _, _>("Q head", builder, &layer, (3, 6), device);
    }
}

/// Mixtures whose tokens choose, with their losses, and mixtures of whole networks.
pub(crate) fn check_routers<B: Backend>(device: &B::Device) {
    let off = LoadBalancing::default();
    let losses = [
        off,
        LoadBalancing { importance: 0.7, ..off },
        LoadBalancing { load: 0.9, load_noise: 2.5, ..off },
        LoadBalancing { importance: 2.0, load: 1.5, load_noise: 1.0 },
    ];
    for balancing in losses {
        let experts = ExpertSettings { hidden: 5, extra_layers: 0, noisy: true };
        for (sizes, choices, capacity_factor) in [
            ((5, 4, 3), 1, 1.0),
            ((6, 3, 2), 2, 0.5),
            ((4, 2, 1), 1, 0.5),
            ((7, 3, 4), 2, 1.0),
            ((1, 3, 2), 1, 1.0),
            ((3, 2, 3), 3, 4.0),
        ] {
            let settings = TopKSettings { choices, capacity_factor, balancing };
            let mut builder = Builder::new();
            let layer = TopKChoice::new(&mut builder, "moe", sizes, experts, settings);
            let what = format!("{sizes:?} {settings:?}");
            check::<B, _, _>(&what, builder, &layer, (2, sizes.0, sizes.1), device);
        }
    }
    for noisy in [false, true] {
        for sizes in [(5, 2, 3, 2), (4, 3, 1, 2), (3, 2, 2, 3), (5, 1, 2, 2)] {
            let (m, d, _, s) = sizes;
            let expert = |builder: &mut Builder, name: &str| {
                let map = (s - 1, s - 1, 2);
                let features = map.0 * map.1 * map.2;
                (
                    Conv2d::<usize, usize, usize, 2, 1>::new(builder, &format!("{name}/encoder"), d, map),
                    Relu,
                    Flatten(features),
                    Dense::new(builder, &format!("{name}/hidden"), features, 5_usize, noisy),
                    Relu,
                    Linear::new(builder, &format!("{name}/output"), 5_usize, s * s * d),
                )
            };
            let mut builder = Builder::new();
            let layer = BigSoftMoe::new(&mut builder, "moe", sizes, expert);
            check::<B, _, _>(&format!("whole networks {sizes:?}"), builder, &layer, (2, m, d), device);
        }
    }
}
