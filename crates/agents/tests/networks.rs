//! The networks that a configuration can name.

use softmoe_agents::networks::build;
use softmoe_env::minatar::{Game, Settings, make};
use softmoe_spec::{
    Architecture, BodySpec, EncoderSpec, Experiment, HeadSpec, NetworkSpec, RainbowConfig, SlotsSpec,
};
use std::path::Path;

const RAINBOW: HeadSpec = RainbowConfig::minatar().head();

/// The network of a body on MinAtar Breakout: 10x10 pixels of 4 channels, 6 actions.
fn on_breakout(body: &str, hidden: usize, head: HeadSpec) -> Architecture {
    let network = NetworkSpec { encoder: EncoderSpec::MinAtar, body: body.parse().unwrap(), hidden };
    Architecture { network, head, observation: [10, 10, 4], actions: 6, permutation_seed: 0 }
}

fn parameters(body: &str, hidden: usize) -> usize {
    let network = build(&on_breakout(body, hidden, RAINBOW)).unwrap();
    assert_eq!(network.output_shape(), [6, 51]);
    let described: usize = network.describe().iter().map(|layer| layer.parameters).sum();
    assert_eq!(described, network.parameters().len(), "{body}");
    network.parameters().len()
}

/// Noisy layers have two of each weight: mu and sigma.
fn noisy(inputs: usize, outputs: usize) -> usize {
    2 * dense(inputs, outputs)
}

fn dense(inputs: usize, outputs: usize) -> usize {
    (inputs + 1) * outputs
}

/// A dueling categorical head for 6 actions.
fn head(features: usize) -> usize {
    noisy(features, 6 * 51) + noisy(features, 51)
}

/// 3x3 kernels on 4 channels.
const ENCODER: usize = 3 * 3 * 4 * 16 + 16;

#[test]
fn parameters_are_as_many_as_the_layers_have() {
    assert_eq!(parameters("flat", 128), ENCODER + noisy(1024, 128) + head(128));
    assert_eq!(parameters("flat", 128), 355_098);
    let hidden = noisy(1024, 128) + 3 * noisy(128, 128);
    assert_eq!(parameters("flat(extra_layers: 3)", 128), ENCODER + hidden + head(128));
    assert_eq!(parameters("flat(scale: 4)", 32), parameters("flat", 128));

    let expert = noisy(16, 128) + dense(128, 16);
    for experts in [1, 2, 3, 4, 8, 64] {
        for slots in ["tokens_over_experts", "tokens", "fraction(0.1)", "count(5)"] {
            let count = slots.parse::<SlotsSpec>().unwrap().count(64, experts);
            let total = ENCODER + 16 * experts * count + experts * expert + head(1024);
            let body = format!("soft_moe(experts: {experts}, slots: {slots})");
            assert_eq!(parameters(&body, 128), total, "{body}");
            let total = ENCODER + 16 * experts + experts * expert + head(1024);
            let body = format!("expert_choice(experts: {experts}, slots: {slots})");
            assert_eq!(parameters(&body, 128), total, "{body}");
        }
    }
    let total = ENCODER + 16 * 64 + 4 * expert + noisy(1024, 128) + head(128);
    assert_eq!(parameters("soft_moe(experts: 4, bottleneck: true)", 128), total);
    let deep = noisy(16, 32) + 2 * noisy(32, 32) + dense(32, 16);
    let total = ENCODER + 16 * 2 + 2 * deep + head(1024);
    assert_eq!(parameters("expert_choice(experts: 2, extra_layers: 2)", 32), total);
}

#[test]
fn every_arm_of_every_experiment_builds_for_every_game() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    let mut built = 0;
    for entry in directory.read_dir().unwrap() {
        let experiment = Experiment::read(&entry.unwrap().path()).unwrap();
        for (name, profile) in &experiment.profiles {
            let arms: Vec<&str> = experiment.arm_names().collect();
            let mut profile = profile.clone();
            profile.seeds = 1;
            for run in experiment.resolve(name, &profile, &arms).unwrap() {
                let Some(architecture) = run.architecture(0) else { continue };
                build(&architecture).unwrap_or_else(|error| panic!("{}: {error}", run.name()));
                built += 1;
            }
        }
    }
    assert!(built > 0);
}

#[test]
fn heads_and_layers_follow_the_agent() {
    let plain = HeadSpec::Categorical { atoms: 21, dueling: false, noisy: false };
    let network = build(&on_breakout("flat", 8, plain)).unwrap();
    assert!(network.noise().is_empty());
    assert_eq!(network.output_shape(), [6, 21]);
    assert_eq!(network.parameters().len(), ENCODER + dense(1024, 8) + dense(8, 6 * 21));
    let q = HeadSpec::Q { dueling: true, noisy: false };
    let network = build(&on_breakout("soft_moe(experts: 4)", 8, q)).unwrap();
    assert_eq!(network.output_shape(), [6, 1]);
    let experts = 16 * 64 + 4 * (dense(16, 8) + dense(8, 16));
    assert_eq!(network.parameters().len(), ENCODER + experts + dense(1024, 6) + dense(1024, 1));
}

/// The names that weights and fixtures go by.
#[test]
fn parameters_have_lasting_names() {
    let names = |body: &str| -> Vec<String> {
        let network = build(&on_breakout(body, 8, HeadSpec::Q { dueling: true, noisy: false })).unwrap();
        network.parameters().iter().map(|parameter| parameter.name.clone()).collect()
    };
    let of = |parts: &[&str]| -> Vec<String> {
        let layers = [&["encoder"], parts, &["head/advantage", "head/value"]].concat();
        layers.iter().flat_map(|layer| ["kernel", "bias"].map(|part| format!("{layer}/{part}"))).collect()
    };
    assert_eq!(names("flat(extra_layers: 1)"), of(&["hidden", "hidden_1"]));
    let mut mixture = of(&["soft_moe/experts/hidden", "soft_moe/experts/output", "bottleneck"]);
    mixture.insert(2, "soft_moe/phi".into());
    assert_eq!(names("soft_moe(experts: 2, bottleneck: true)"), mixture);
}

#[test]
fn what_does_not_fit_is_refused_with_what_does() {
    let refused = |architecture: &Architecture| build(architecture).err().expect("an error").to_string();
    let shape = make(Game::Breakout, &Settings::default(), 0).shape();
    let mut architecture = on_breakout("flat", 8, RAINBOW);
    assert_eq!(architecture.observation, shape);
    architecture.observation = [84, 84, 4];
    let error = refused(&architecture);
    assert!(error.contains("takes observations of 84x84 pixels, not of 10x10"), "{error}");
    let error = refused(&on_breakout("expert_choice(experts: 2, slots: count(65))", 8, RAINBOW));
    assert!(error.contains("between 1 and 64"), "{error}");
    let mut architecture = on_breakout("flat", 8, RAINBOW);
    architecture.network.body = BodySpec::soft_moe(0);
    let error = refused(&architecture);
    assert!(error.contains("`network.body.experts` is 0"), "{error}");
}
