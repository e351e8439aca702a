//! Every network of every figure can be written down.

use proptest::prelude::*;
use softmoe_config::{Architecture, BodySpec, EncoderSpec, NetworkSpec, RunConfig};
use std::path::Path;

/// The arms of figures 1 to 11 and of those beyond the paper.
const BODIES: [&str; 44] = [
    "flat()",
    "flat(scale: 4)",
    "flat(extra_layers: 1)",
    "soft_moe(experts: 1)",
    "soft_moe(experts: 2)",
    "soft_moe(experts: 4)",
    "soft_moe(experts: 8)",
    "soft_moe(experts: 1, scale: 4)",
    "soft_moe(experts: 1, scale: 8)",
    "soft_moe(experts: 4, slots: tokens)",
    "soft_moe(experts: 4, scale: 0.25)",
    "soft_moe(experts: 4, extra_layers: 1)",
    "expert_choice(experts: 1, scale: 4)",
    "expert_choice(experts: 4)",
    "expert_choice(experts: 4, slots: tokens)",
    "tokenized()",
    "tokenized(pool: mean)",
    "tokenized(scale: 4)",
    "tokenized(pool: mean, scale: 4)",
    "soft_moe(experts: 4, tokens: per_patch)",
    "soft_moe(experts: 1, scale: 4, tokens: per_patch_average)",
    "soft_moe(experts: 1, scale: 4, tokens: per_feature)",
    "soft_moe(experts: 4, tokens: shuffled)",
    "soft_moe(experts: 4, tokens: per_sample)",
    "soft_moe(experts: 1, scale: 4, slots: fraction(0.1))",
    "soft_moe(experts: 1, scale: 4, slots: count(1))",
    "global_average_pooling()",
    "global_average_pooling(scale: 4)",
    "tokenized(pool: mean, relu: after)",
    "soft_moe(experts: 4, random_phi: true)",
    "soft_moe(experts: 4, normalised: true)",
    "soft_moe(experts: 4, bottleneck: true)",
    "soft_moe(experts: 4, residual: true)",
    "soft_moe(experts: 4, normalised: true, initial_scale: 8)",
    "soft_moe(experts: 4, normalised: true, initial_scale: 0.5, residual: true, bottleneck: true)",
    "soft_moe(experts: 4, dispatch: uniform)",
    "soft_moe(experts: 4, combine: uniform)",
    "soft_moe(experts: 4, expert_type: big, slots: count(25))",
    "simplicial(version: v1)",
    "simplicial(version: v2, groups: 4)",
    "top_k(experts: 4)",
    "top_k(experts: 4, k: 2, capacity_factor: 1.25, importance_loss: 0.01, load_loss: 0.01)",
    "device_only(body: attention(layers: 2))",
    "device_only(body: attention(layers: 1), tokens: per_patch, scale: 2)",
];

#[test]
fn every_body_reads_validates_and_writes() {
    for text in BODIES {
        let body: BodySpec = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(body.to_string().parse::<BodySpec>().unwrap(), body, "{text}");
        assert!(text.starts_with(body.name()), "{text}");
        assert_eq!(
            body.to_string().matches(':').count(),
            text.matches(':').count(),
            "{body}: no more than is said"
        );
        for encoder in [
            EncoderSpec::MinAtar,
            EncoderSpec::MinAtarDeep,
            EncoderSpec::MinAtarResidual { pooling: true },
            EncoderSpec::MinAtarResidual { pooling: false },
            EncoderSpec::Nature,
            EncoderSpec::Impala { width: 1 },
        ] {
            let [height, width] = encoder.pixels();
            let network = NetworkSpec { encoder, body: body.clone(), hidden: encoder.usual_hidden() };
            let head = softmoe_config::HeadSpec::Q { dueling: false, noisy: true };
            let observation = [height, width, 4];
            let architecture = Architecture { network, head, observation, actions: 18, permutation_seed: 7 };
            architecture.validate().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(architecture.to_string().parse::<Architecture>().unwrap(), architecture);
        }
    }
}

/// What was written before a setting existed has its default; every name that encoders have is readable.
#[test]
fn old_settings_keep_their_meaning() {
    let old = "soft_moe(experts: 4, slots: tokens_over_experts, tokens: per_conv, scale: 1.0, extra_layers: 0, \
               expert_type: small, normalised: true, random_phi: false, dispatch: learned, combine: learned, \
               bottleneck: false)";
    let now = "soft_moe(experts: 4, normalised: true, initial_scale: 1, residual: false)";
    assert_eq!(old.parse::<BodySpec>().unwrap(), now.parse().unwrap());
    for name in EncoderSpec::NAMES {
        let encoder: EncoderSpec = name.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(encoder.to_string().parse::<EncoderSpec>().unwrap(), encoder);
        assert!(encoder.to_string().starts_with(name), "{encoder}");
    }
    let pooled = EncoderSpec::MinAtarResidual { pooling: true };
    assert_eq!("minatar_residual".parse::<EncoderSpec>().unwrap(), pooled);
    assert_eq!("minatar_residual(pooling: true)".parse::<EncoderSpec>().unwrap(), pooled);
}

/// A `run.ron` of an earlier version is told from a broken one.
#[test]
fn an_old_run_is_refused_with_its_version() {
    let old = r#"(
        figure: "fig3", profile: "quick", arm: "softmoe-4", seed: 0,
        environment: minatar(game: breakout, sticky_action_probability: 0.1, difficulty_ramping: true,
            minimal_actions: false, max_episode_steps: 27000),
        agent: rainbow((discount: 0.99, n_step: 3)), network: (encoder: minatar, body: flat(), hidden: 128),
    )"#;
    let message = |text: &str| RunConfig::parse(Path::new("run.ron"), text).unwrap_err().to_string();
    let said = message(old);
    assert!(said.contains("run.ron is a run of version 1, and this program reads version 3"), "{said}");
    let said = message("(version: 4, of: later(days: 1))");
    assert!(said.contains("a run of version 4") && said.contains("--out DIR"), "{said}");
    let said = message("(version: 3, profile: 3)");
    assert!(said.contains("in `profile`"), "{said}");
    let said = message("no RON");
    assert!(said.starts_with("run.ron:1:"), "{said}");
}

#[test]
fn a_mistyped_value_gets_the_nearest() {
    for (text, says) in [
        ("sofmoe(experts: 4)", "did you mean `soft_moe`?"),
        ("tokenised(pool: mean)", "did you mean `tokenized`?"),
        ("tokenized(pool: maen)", "did you mean `mean`?"),
        ("soft_moe(experts: 4, token: per_conv)", "did you mean `tokens`?"),
        ("soft_moe(experts: 4, tokens: perconv)", "did you mean `per_conv`?"),
        ("soft_moe(experts: -1)", "`soft_moe(experts: -1)` is not a valid body: "),
        ("", "is not a valid body"),
    ] {
        let message = text.parse::<BodySpec>().unwrap_err().to_string();
        assert!(message.contains(says), "{text}: {message}");
    }
}

proptest! {
    /// A body is no more than its text says, and nothing typed panics.
    #[test]
    fn text_never_panics(text in "[a-z_]{0,10}(\\([a-z_:0-9., ]{0,20}\\)?|)") {
        if let Ok(body) = text.parse::<BodySpec>() {
            prop_assert_eq!(body.to_string().parse::<BodySpec>().unwrap(), body);
        }
    }
}
