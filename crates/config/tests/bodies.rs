//! Every network of every figure can be written down.

use proptest::prelude::*;
use softmoe_config::{Architecture, BodySpec, EncoderSpec, NetworkSpec, RunConfig, file};
use std::path::Path;

/// The arms of figures 1 to 11 and of those beyond the paper.
const BODIES: [&str; 41] = [
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
    "tokenized(pool: sum)",
    "tokenized(pool: mean)",
    "tokenized(pool: sum, scale: 4)",
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
        for encoder in [EncoderSpec::MinAtar, EncoderSpec::Nature, EncoderSpec::Impala { width: 1 }] {
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

/// A `run.ron` of version 0.1, which had fewer fields, still says what it said.
#[test]
fn an_old_run_reads_with_the_defaults_of_what_is_new() {
    let text = r#"(
        figure: "fig3", profile: "quick", arm: "softmoe-4", seed: 0,
        environment: (game: breakout, sticky_action_probability: 0.1, difficulty_ramping: true,
            minimal_actions: false, max_episode_steps: 27000),
        agent: rainbow((discount: 0.99, n_step: 3, min_replay: 1000, update_period: 4, target_period: 1000,
            batch_size: 32, replay_capacity: 100000, learning_rate: 0.001, adam_epsilon: 0.00015, v_max: 10.0,
            atoms: 51, noisy: true, dueling: true, double: true, priority_exponent: 0.5,
            importance_exponent: 0.5, epsilon_train: 0.0, epsilon_evaluation: 0.001, clip_rewards: true)),
        network: (
            encoder: minatar,
            body: soft_moe(experts: 4, slots: tokens_over_experts, scale: 1.0, extra_layers: 0),
            hidden: 128,
        ),
        training: (agent_steps: 20000, evaluation_period: 4000, evaluation_episodes: 10,
            final_evaluation_episodes: 50, checkpoint_period: 4000),
    )"#;
    let config: RunConfig = file::parse(Path::new("run.ron"), text).unwrap();
    config.validate().unwrap();
    assert_eq!(config.network.body, BodySpec::soft_moe(4));
    let experiment = softmoe_config::Experiment::read(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/fig3.ron"),
    );
    let experiment = experiment.unwrap();
    let mut profile = experiment.profile("quick").unwrap().clone();
    profile.agent_steps.0 = 20_000; // As many as there were then.
    let runs = experiment.resolve("quick", &profile, &["softmoe-4"]).unwrap();
    assert_eq!(runs[0], config, "the run is what it was");
}

#[test]
fn a_mistyped_value_gets_the_nearest() {
    for (text, says) in [
        ("sofmoe(experts: 4)", "did you mean `soft_moe`?"),
        ("tokenised(pool: mean)", "did you mean `tokenized`?"),
        ("tokenized(pool: maen)", "did you mean `mean`?"),
        ("soft_moe(experts: 4, token: per_conv)", "did you mean `tokens`?"),
        ("soft_moe(experts: 4, tokens: perconv)", "did you mean `per_conv`?"),
        ("soft_moe(experts: -1)", "`soft_moe(experts: -1)` is no body: "),
        ("", "is no body"),
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
