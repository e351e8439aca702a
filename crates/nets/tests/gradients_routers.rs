//! The gradients of mixtures whose tokens choose, of load-balancing losses, and of mixtures of whole networks,
//! against central differences.

mod support;

use softmoe_nets::layers::{
    BigSoftMoe, Conv2d, Dense, Flatten, Linear, LoadBalancing, PerConv, Relu, TopKChoice,
    TopKChoiceWorkspace, TopKSettings,
};
use softmoe_nets::{Builder, ExpertSettings};
use support::difference_quotients::{STEP, check, check_with};

/// Tokens, width, experts, choices, capacity factor.
const SIZES: [((usize, usize, usize), usize, f64); 6] = [
    ((5, 4, 3), 1, 1.0),
    ((6, 3, 2), 2, 0.5),
    ((4, 2, 1), 1, 0.5),
    ((7, 3, 4), 2, 1.0),
    ((1, 3, 2), 1, 1.0),
    ((3, 2, 3), 3, 4.0),
];

/// Checks that no token is so near to another choice that a step of the difference quotient could change that.
fn assert_choices_are_clear(workspace: &TopKChoiceWorkspace<f64>, n: usize) {
    for probabilities in workspace.probabilities().chunks_exact(n) {
        let mut probabilities = probabilities.to_vec();
        probabilities.sort_by(f64::total_cmp);
        let clear = probabilities.windows(2).all(|pair| pair[1] - pair[0] > 10.0 * STEP);
        assert!(clear, "the choice hangs by a hair");
    }
}

/// Experts of all kinds.
fn expert_settings() -> impl Iterator<Item = ExpertSettings> {
    [(0, false), (1, true)].into_iter().map(|(extra_layers, noisy)| ExpertSettings {
        hidden: 5,
        extra_layers,
        noisy,
    })
}

#[test]
fn mixtures_whose_tokens_choose() {
    for experts in expert_settings() {
        for (sizes, choices, capacity_factor) in SIZES {
            let settings = TopKSettings { choices, capacity_factor, ..TopKSettings::default() };
            let mut builder = Builder::new();
            let layer = TopKChoice::new(&mut builder, "moe", sizes, experts, settings);
            let workspace = check(builder, &layer, (2, sizes.0, sizes.1));
            assert_choices_are_clear(&workspace, sizes.2);
        }
    }
}

#[test]
fn load_balancing_losses() {
    let off = LoadBalancing::default();
    for balancing in [
        LoadBalancing { importance: 0.7, ..off },
        LoadBalancing { load: 0.9, ..off },
        LoadBalancing { load: 0.3, load_noise: 2.5, ..off },
        LoadBalancing { importance: 2.0, load: 1.5, load_noise: 1.0 },
    ] {
        let experts = ExpertSettings { hidden: 4, extra_layers: 0, noisy: true };
        for (sizes, choices, capacity_factor) in SIZES {
            let settings = TopKSettings { choices, capacity_factor, balancing };
            let mut builder = Builder::new();
            let layer = TopKChoice::new(&mut builder, "moe", sizes, experts, settings);
            let workspace =
                check_with(builder, &layer, (3, sizes.0, sizes.1), |workspace| workspace.losses().total());
            assert_choices_are_clear(&workspace, sizes.2);
        }
    }
}

#[test]
fn mixtures_of_whole_networks() {
    for noisy in [false, true] {
        // Tokens, width, experts, side.
        for sizes in [(5, 2, 3, 2), (4, 3, 1, 2), (3, 2, 2, 3), (1, 2, 2, 2)] {
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
            check(builder, &layer, (2, m, d));
        }
    }
}

/// Without a rectifier, behind which a token of zeros would score the same for every expert.
#[test]
fn top_k_network() {
    let mut builder = Builder::new();
    let experts = ExpertSettings { hidden: 6, extra_layers: 0, noisy: true };
    let settings = TopKSettings { choices: 2, ..TopKSettings::default() };
    let network = (
        Conv2d::<_, _, _, 3, 1>::new(&mut builder, "encoder", 2, (3_usize, 3_usize, 4_usize)),
        PerConv(9),
        TopKChoice::new(&mut builder, "moe", (9, 4, 3), experts, settings),
        Flatten(36),
        Dense::new(&mut builder, "head", 36, 3, true),
    );
    let workspace = check(builder, &network, (2, 5_usize, 5_usize, 2));
    assert_choices_are_clear(&workspace.2, 3);
}
