//! Every diagnostic against its closed form.

use softmoe_agents::diagnostics::{
    Diagnostic, LearnedBatch, effective_rank, entropy, entropy_rank, logit_deviation, mixing_entropies,
    of_learning, of_mixture, of_network, slot_similarity,
};
use softmoe_agents::networks;
use softmoe_config::{Architecture, EncoderSpec, HeadSpec, NetworkSpec};
use softmoe_nets::inspection::{Features, Mixture};
use softmoe_nets::{Inspection, Weights};

fn value(diagnostics: &[Diagnostic], name: &str) -> f64 {
    let found = diagnostics.iter().find(|diagnostic| diagnostic.name == name);
    found.unwrap_or_else(|| panic!("no {name} among {diagnostics:?}")).value
}

#[track_caller]
fn near(got: f64, want: f64) {
    assert!((got - want).abs() < 1e-9, "{got} is not {want}");
}

fn diagonal(values: &[f64], width: usize) -> Features {
    let mut features = vec![0.0; values.len() * width];
    for (index, value) in values.iter().enumerate() {
        features[index * width + index] = *value;
    }
    Features { width, values: features }
}

#[test]
fn the_effective_rank_of_known_singular_values() {
    // Of 100: 90, 98, 99.5, 100.
    assert_eq!(effective_rank(&diagonal(&[1.5, 90.0, 0.5, 8.0], 6)), 3);
    // As many columns as rows, and fewer columns than rows.
    assert_eq!(effective_rank(&diagonal(&[1.0, 1.0, 1.0], 3)), 3);
    let tall: Vec<f64> = (0..20).flat_map(|row| [f64::from(row), 2.0 * f64::from(row), 1.0]).collect();
    assert_eq!(effective_rank(&Features { width: 3, values: tall }), 2);
    // Every row the same.
    assert_eq!(effective_rank(&Features { width: 5, values: [1.0, -2.0, 3.0, 0.5, 7.0].repeat(64) }), 1);
    assert_eq!(effective_rank(&Features { width: 2, values: vec![0.0; 8] }), 0);
    assert_eq!(effective_rank(&Features { width: 1, values: vec![f64::NAN, 1.0] }), 0);
    // exp(1.5 ln 2) of the shares 1/2, 1/4, 1/4; all alike; one alone.
    near(entropy_rank(&diagonal(&[2.0, 1.0, 1.0], 5)), 2.0_f64.powf(1.5));
    near(entropy_rank(&diagonal(&[3.0; 4], 4)), 4.0);
    near(entropy_rank(&diagonal(&[3.0], 4)), 1.0);
    near(entropy_rank(&Features { width: 2, values: vec![0.0; 8] }), 0.0);
    near(entropy_rank(&Features { width: 1, values: vec![f64::NAN, 1.0] }), 0.0);
}

#[test]
fn entropies_of_known_distributions() {
    near(entropy(&[0.25; 4]), 4.0_f64.ln());
    assert_eq!(entropy(&[1.0, 0.0]), 0.0);
    assert!(entropy(&[1.0]).is_sign_positive());
    near(entropy(&[0.5, 0.25, 0.25]), 1.5 * 2.0_f64.ln());
}

fn mixture(combine: Vec<f64>, [experts, slots]: [usize; 2], inputs: Vec<f64>) -> Mixture {
    let dispatch = combine.clone();
    let logits = Vec::new();
    Mixture {
        experts,
        slots,
        combine,
        dispatch,
        logits,
        width: 2,
        inputs_per_sample: inputs.len() / 2,
        inputs,
    }
}

#[test]
fn how_a_mixture_is_used() {
    // Every token of all slots alike.
    let uniform = of_mixture(&mixture(vec![1.0 / 6.0; 12], [2, 3], vec![1.0, 0.0]));
    near(value(&uniform, "mixture/expert_entropy"), 2.0_f64.ln());
    near(value(&uniform, "mixture/slot_entropy"), 6.0_f64.ln());
    near(value(&uniform, "mixture/usage_entropy"), 2.0_f64.ln());
    near(value(&uniform, "usage/0"), 0.5);
    // Each token of one slot, of the other expert than its neighbour.
    let one_each = vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
    let one_each = of_mixture(&mixture(one_each, [2, 2], vec![1.0, 0.0]));
    near(value(&one_each, "mixture/expert_entropy"), 0.0);
    near(value(&one_each, "mixture/slot_entropy"), 0.0);
    near(value(&one_each, "mixture/usage_entropy"), 2.0_f64.ln());
    // All of one expert, of its slots alike.
    let one_expert = of_mixture(&mixture([0.5, 0.5, 0.0, 0.0].repeat(3), [2, 2], vec![1.0, 0.0]));
    near(value(&one_expert, "mixture/usage_entropy"), 0.0);
    near(value(&one_expert, "mixture/slot_entropy"), 2.0_f64.ln());
    near(value(&one_expert, "usage/0"), 1.0);
    near(value(&one_expert, "usage/1"), 0.0);
}

/// A mixture of two samples of two tokens of width 1, with two experts of one slot each.
fn of_two_samples(dispatch: [f64; 8], combine: [f64; 8], logits: &[f64]) -> Mixture {
    Mixture {
        experts: 2,
        slots: 1,
        combine: combine.into(),
        dispatch: dispatch.into(),
        logits: logits.into(),
        width: 1,
        inputs_per_sample: 2,
        inputs: vec![1.0; 4],
    }
}

#[test]
fn how_sharp_mixing_is() {
    let uniform = of_two_samples([0.5; 8], [0.5; 8], &[]);
    mixing_entropies(&uniform).into_iter().for_each(|share| near(share, 1.0));
    // Slot by slot, not token by token: every slot holds the first token of its sample.
    let first = of_two_samples([1., 1., 0., 0., 1., 1., 0., 0.], [1., 0., 1., 0., 1., 0., 1., 0.], &[]);
    mixing_entropies(&first).into_iter().for_each(|share| near(share, 0.0));
    // One sharp slot in four; one sharp token in two. Of the free slots of the second sample nothing is counted.
    let mixed =
        of_two_samples([0.5, 1., 0.5, 0., 0.5, 0., 0.5, 0.], [1., 0., 0.5, 0.5, 1., 0., 0.5, 0.5], &[]);
    let [dispatch, combine] = mixing_entropies(&mixed);
    near(dispatch, 2.0 / 3.0);
    near(combine, 0.5);
    let named = of_mixture(&mixed);
    near(value(&named, "mixture/dispatch_entropy"), 2.0 / 3.0);
    near(value(&named, "mixture/combine_entropy"), 0.5);
    // A router that chooses shows no logits.
    assert!(named.iter().all(|diagnostic| diagnostic.name != "mixture/logit_deviation"));
    // A single slot has the weight one; nothing is sharper than something else.
    let one = Mixture { experts: 1, ..of_two_samples([0.5; 8], [1.0; 8], &[]) };
    near(mixing_entropies(&Mixture { inputs_per_sample: 1, inputs: vec![1.0], ..one })[1], 1.0);
}

#[test]
fn how_far_logits_spread() {
    let of = |logits: &[f64]| logit_deviation(&of_two_samples([0.5; 8], [0.5; 8], logits));
    assert_eq!(of(&[]), None);
    // Deviations of 1 and of 3; that the samples' means differ counts for nothing.
    near(of(&[1., -1., 1., -1., 103., 97., 97., 103.]).unwrap(), 2.0);
    near(of(&[7.0; 8]).unwrap(), 0.0);
}

#[test]
fn how_alike_slots_are() {
    let similarity = |inputs: &[f64]| slot_similarity(&mixture(vec![1.0], [1, 1], inputs.to_vec()));
    near(similarity(&[1.0, 2.0, 3.0, 6.0, 0.5, 1.0]), 1.0);
    near(similarity(&[1.0, 0.0, 0.0, 5.0]), 0.0);
    near(similarity(&[1.0, 0.0, -2.0, 0.0]), -1.0);
    // Pairs of cosine 0, 1/sqrt 2 and 1/sqrt 2.
    near(similarity(&[1.0, 0.0, 0.0, 1.0, 3.0, 3.0]), 2.0 / 3.0 * 0.5_f64.sqrt());
    // What no token took counts for nothing; one slot is like itself.
    near(similarity(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]), 1.0);
    near(similarity(&[4.0, 3.0]), 1.0);
    // Samples apart: one of cosine 1, one of 0.
    let of_two =
        Mixture { inputs_per_sample: 2, ..mixture(vec![1.0], [1, 1], vec![1., 0., 1., 0., 1., 0., 0., 1.]) };
    near(slot_similarity(&of_two), 0.5);
}

#[test]
fn what_is_learned_in_closed_form() {
    let learned = of_learning(&LearnedBatch {
        loss: 0.5,
        q_values: &[vec![1.0, -2.0], vec![0.5, 3.0]],
        actions: &[1, 0],
        targets: &[0.0, 1.0],
        gradient: &[3.0, 0.0, -4.0],
    });
    near(value(&learned, "learning/loss"), 0.5);
    // |0 + 2| and |1 - 0.5|.
    near(value(&learned, "learning/td_error"), 1.25);
    near(value(&learned, "learning/gradient_norm"), 5.0);
    near(value(&learned, "q/mean"), 2.0);
    near(value(&learned, "q/max"), 3.0);
}

#[test]
fn a_dead_layer_is_dormant_and_the_features_are_what_the_head_reads() {
    let network = NetworkSpec { encoder: EncoderSpec::MinAtar, body: "flat()".parse().unwrap(), hidden: 4 };
    let head = HeadSpec::Q { dueling: false, noisy: false };
    let architecture =
        Architecture { network, head, observation: [10, 10, 1], actions: 2, permutation_seed: 0 };
    let network = networks::build(&architecture).unwrap();
    let list = network.parameters();
    let mut parameters = vec![0.0; list.len()];
    let set = |parameters: &mut [f32], name: &str, values: &[f32]| {
        let range = list.get(name).unwrap().range.clone();
        parameters[range].copy_from_slice(values);
    };
    // Half of the encoder's channels are always 1, of the hidden layer a quarter is 2.
    set(&mut parameters, "encoder/bias", &[1.0, -1.0].repeat(8));
    set(&mut parameters, "hidden/bias", &[2.0, -1.0, 0.0, -3.0]);
    let x = vec![1.0; 3 * network.input_len()];
    let look = |parameters: &[f32]| {
        let mut pass = network.pass(3);
        pass.forward(Weights { parameters, noise: None }, &x);
        of_network(&pass.inspect(&x), list)
    };
    let found = look(&parameters);
    near(value(&found, "dormant/encoder"), 0.5);
    near(value(&found, "dormant/hidden"), 0.75);
    near(value(&found, "dormant/all"), 11.0 / 20.0);
    near(value(&found, "features/norm"), 2.0);
    near(value(&found, "features/srank"), 1.0);
    set(&mut parameters, "hidden/bias", &[-1.0; 4]);
    let found = look(&parameters);
    near(value(&found, "dormant/hidden"), 1.0);
    near(value(&found, "features/srank"), 0.0);
    assert_eq!(of_network(&Inspection::new(), list), []);
}

#[test]
fn every_network_shows_its_neurons_and_mixtures() {
    for (encoder, body, dormant, mixes) in [
        ("minatar", "soft_moe(experts: 2)", "soft_moe/experts/hidden/1", true),
        ("minatar", "soft_moe(experts: 2, expert_type: big)", "soft_moe/experts/1/hidden", true),
        ("minatar", "expert_choice(experts: 2)", "expert_choice/experts/hidden/0", true),
        ("minatar", "top_k(experts: 2)", "top_k/experts/hidden/0", true),
        ("minatar", "tokenized(pool: sum)", "hidden", false),
        ("minatar", "global_average_pooling()", "hidden", false),
        ("minatar", "simplicial(version: v1)", "hidden", false),
        ("minatar", "flat(extra_layers: 1)", "hidden_1", false),
        ("nature", "flat()", "encoder/convolution_2", false),
        ("minatar_deep", "flat()", "encoder/convolution_2", false),
        ("minatar_residual(pooling: false)", "soft_moe(experts: 2)", "encoder/block_1/convolution_0", true),
        (
            "minatar_residual()",
            "soft_moe(experts: 2, normalised: true, residual: true)",
            "soft_moe/experts/hidden/1",
            true,
        ),
        ("impala()", "soft_moe(experts: 2)", "encoder/stage_2/block_1/convolution_0", true),
    ] {
        let encoder: EncoderSpec = encoder.parse().unwrap();
        let [height, width] = encoder.pixels();
        let network = NetworkSpec { encoder, body: body.parse().unwrap(), hidden: 5 };
        let head = HeadSpec::Categorical { atoms: 3, dueling: true, noisy: true };
        let architecture =
            Architecture { network, head, observation: [height, width, 4], actions: 2, permutation_seed: 0 };
        let network = networks::build(&architecture).unwrap();
        let parameters = vec![0.01; network.parameters().len()];
        let x = vec![1.0; 2 * network.input_len()];
        let mut pass = network.pass(2);
        pass.forward(Weights { parameters: &parameters, noise: None }, &x);
        let found = of_network(&pass.inspect(&x), network.parameters());
        near(value(&found, &format!("dormant/{dormant}")), 0.0);
        assert!(value(&found, "features/norm") > 0.0, "{body}");
        assert_eq!(found.iter().any(|d| d.name == "mixture/slot_similarity"), mixes, "{body}");
        if mixes {
            // All weights are the same: so are all experts and slots.
            // In single precision.
            assert!((value(&found, "mixture/usage_entropy") - 2.0_f64.ln()).abs() < 1e-5, "{body}");
            assert!((value(&found, "usage/1") - 0.5).abs() < 1e-5, "{body}");
        }
        assert!(found.iter().all(|d| d.value.is_finite()), "{found:?}");
    }
}
