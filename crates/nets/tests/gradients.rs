//! Every hand-written gradient against central differences, in double precision.

mod support;

use softmoe_nets::layers::{
    CategoricalHead, Conv2d, Dense, ExpertChoice, ExpertChoiceWorkspace, Flatten, Linear, NoisyLinear,
    PerConv, Relu, Residual, SoftMoe, Uniform,
};
use softmoe_nets::{Builder, ExpertSettings, Layer, Weights};
use support::difference_quotients::{STEP, check};
use support::uniform;

type Mixture = SoftMoe<usize, usize, usize, usize>;

/// Checks that no token is so near to being taken that a step of the difference quotient could change that.
fn assert_selection_is_clear(workspace: &ExpertChoiceWorkspace<f64>, [m, n, p]: [usize; 3]) {
    for scores in workspace.scores().chunks_exact(m * n) {
        for expert in 0..n {
            let mut scores: Vec<f64> = scores.iter().skip(expert).step_by(n).copied().collect();
            scores.sort_by(|a, b| b.total_cmp(a));
            assert!(p == m || scores[p - 1] - scores[p] > 10.0 * STEP, "the selection hangs by a hair");
        }
    }
}

#[test]
fn dense_layers() {
    for batch in [1, 3] {
        let mut builder = Builder::new();
        let layer = Linear::new(&mut builder, "linear", 5, 18);
        check(builder, &layer, (batch, 5));
        let mut builder = Builder::new();
        let layer = NoisyLinear::new(&mut builder, "noisy", 5, 18);
        check(builder, &layer, (batch, 5));
        for noisy in [false, true] {
            let mut builder = Builder::new();
            let layer = Dense::new(&mut builder, "dense", 4, 3, noisy);
            check(builder, &layer, (batch, 4));
        }
    }
}

#[test]
fn convolutions() {
    let mut builder = Builder::new();
    let layer = Conv2d::<_, _, _, 3, 1>::new(&mut builder, "stride 1", 2, (3_usize, 4_usize, 5_usize));
    check(builder, &layer, (2, 5_usize, 6_usize, 2));
    // The last row of the input is left over.
    let mut builder = Builder::new();
    let layer = Conv2d::<_, _, _, 3, 2>::new(&mut builder, "stride 2", 3, (2_usize, 3_usize, 4_usize));
    check(builder, &layer, (2, 6_usize, 7_usize, 3));
    // A stride beyond the kernel leaves pixels out; a kernel of one pixel.
    let mut builder = Builder::new();
    let layer = Conv2d::<_, _, _, 1, 2>::new(&mut builder, "kernel 1", 2, (2_usize, 2_usize, 3_usize));
    check(builder, &layer, (3, 3_usize, 4_usize, 2));
}

#[test]
fn layers_without_parameters() {
    check(Builder::new(), &Relu, (3, 7));
    check(Builder::new(), &PerConv(6), (2, 2_usize, 3_usize, 4_usize));
    check(Builder::new(), &Flatten(24), (2, 2_usize, 3_usize, 4_usize));
    check(Builder::new(), &Flatten(12), (2, 3_usize, 4_usize));
}

#[test]
fn heads() {
    for batch in [1, 3] {
        for noisy in [false, true] {
            let mut builder = Builder::new();
            let layer = CategoricalHead::dueling(&mut builder, "head", 6, 4, 5_usize, noisy);
            check(builder, &layer, (batch, 6));
            let mut builder = Builder::new();
            let layer = CategoricalHead::plain(&mut builder, "head", 6, 4, 5_usize, noisy);
            check(builder, &layer, (batch, 6));
        }
    }
}

/// Experts of all kinds.
fn expert_settings() -> impl Iterator<Item = ExpertSettings> {
    [(0, false), (0, true), (1, false), (2, true)].into_iter().map(|(extra_layers, noisy)| ExpertSettings {
        hidden: 7,
        extra_layers,
        noisy,
    })
}

#[test]
fn soft_mixtures() {
    for settings in expert_settings() {
        for sizes in [(5, 4, 3, 2), (5, 4, 1, 3), (4, 3, 2, 1), (2, 6, 3, 4)] {
            let mut builder = Builder::new();
            let layer = SoftMoe::new(&mut builder, "moe", sizes, settings);
            check(builder, &layer, (2, sizes.0, sizes.1));
            let mut builder = Builder::new();
            let layer = SoftMoe::normalised(&mut builder, "normalised moe", sizes, settings);
            check(builder, &layer, (2, sizes.0, sizes.1));
            let mut builder = Builder::new();
            let layer = Residual(SoftMoe::new(&mut builder, "residual moe", sizes, settings));
            check(builder, &layer, (2, sizes.0, sizes.1));
            let mut builder = Builder::new();
            let layer = SoftMoe::normalised_from(&mut builder, "sharpened moe", sizes, settings, 8.0);
            check(builder, &Residual(layer), (2, sizes.0, sizes.1));
        }
    }
}

#[test]
fn soft_mixtures_that_do_not_learn_to_mix() {
    let settings = ExpertSettings { hidden: 3, extra_layers: 0, noisy: false };
    for (dispatch, combine) in [(true, false), (false, true), (true, true)] {
        for make in [SoftMoe::new, SoftMoe::normalised] {
            let mut builder = Builder::new();
            let layer = make(&mut builder, "moe", (5, 4, 3, 2), settings);
            let layer = layer.with_uniform(Uniform { dispatch, combine });
            check(builder, &layer, (2, 5, 4));
        }
    }
}

#[test]
fn a_fixed_phi_has_no_gradient_and_changes_no_other() {
    let settings = ExpertSettings { hidden: 3, extra_layers: 0, noisy: false };
    let mut builder = Builder::new();
    let learned: Mixture = SoftMoe::new(&mut builder, "moe", (5, 4, 3, 2), settings);
    let fixed = learned.clone().with_fixed_phi(&mut builder);
    let (list, _) = builder.finish();
    let parameters = uniform(list.len(), 0.5, 1);
    let (x, dy) = (uniform(2 * 5 * 4, 1.0, 2), uniform(2 * 5 * 4, 1.0, 3));
    let weights = Weights { parameters: &parameters, noise: None };
    let gradients = [&learned, &fixed].map(|layer| {
        let mut workspace = layer.workspace::<f64>((2, 5, 4));
        layer.forward(weights, &x, &mut workspace);
        let mut gradient = vec![f64::NAN; list.len()];
        let dx = layer.backward(weights, &x, &dy, &mut workspace, &mut gradient, true).to_vec();
        (gradient, dx)
    });
    let [(mut learned, dx_learned), (fixed, dx_fixed)] = gradients;
    let phi = list.get("moe/phi").expect("phi").range.clone();
    assert!(learned[phi.clone()].iter().any(|&d| d != 0.0));
    learned[phi].fill(0.0);
    assert_eq!((fixed, dx_fixed), (learned, dx_learned));
}

#[test]
fn mixtures_of_choosing_experts() {
    for settings in expert_settings() {
        for (m, d, n, p) in [(5, 4, 3, 2), (5, 4, 1, 3), (4, 3, 2, 4), (6, 2, 3, 1)] {
            let mut builder = Builder::new();
            let layer = ExpertChoice::new(&mut builder, "moe", (m, d, n, p), settings);
            let workspace = check(builder, &layer, (2, m, d));
            if n > 1 {
                assert_selection_is_clear(&workspace, [m, n, p]);
            }
        }
    }
}

#[test]
fn flat_network() {
    let mut builder = Builder::new();
    let network = (
        Conv2d::<_, _, _, 3, 1>::new(&mut builder, "encoder", 2, (3_usize, 3_usize, 4_usize)),
        Relu,
        Flatten(36),
        Dense::new(&mut builder, "hidden", 36, 8, true),
        Relu,
        CategoricalHead::dueling(&mut builder, "head", 8, 3, 5_usize, true),
    );
    check(builder, &network, (2, 5_usize, 5_usize, 2));
}

#[test]
fn soft_moe_network() {
    let mut builder = Builder::new();
    let settings = ExpertSettings { hidden: 6, extra_layers: 1, noisy: true };
    let network = (
        Conv2d::<_, _, _, 3, 1>::new(&mut builder, "encoder", 2, (3_usize, 3_usize, 4_usize)),
        Relu,
        PerConv(9),
        SoftMoe::new(&mut builder, "moe", (9, 4, 2, 5), settings),
        Flatten(36),
        CategoricalHead::plain(&mut builder, "head", 36, 3, 5_usize, true),
    );
    check(builder, &network, (2, 5_usize, 5_usize, 2));
}

#[test]
fn expert_choice_network() {
    let mut builder = Builder::new();
    let settings = ExpertSettings { hidden: 6, extra_layers: 0, noisy: true };
    let network = (
        Conv2d::<_, _, _, 3, 1>::new(&mut builder, "encoder", 2, (3_usize, 3_usize, 4_usize)),
        Relu,
        PerConv(9),
        ExpertChoice::new(&mut builder, "moe", (9, 4, 2, 5), settings),
        Flatten(36),
        CategoricalHead::dueling(&mut builder, "head", 36, 3, 5_usize, true),
    );
    let workspace = check(builder, &network, (2, 5_usize, 5_usize, 2));
    assert_selection_is_clear(&workspace.3, [9, 2, 5]);
}
