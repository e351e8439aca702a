//! The networks that a configuration can name.

use softmoe_agents::networks::{build, permutations};
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_config::{
    Architecture, BodySpec, EncoderSpec, Experiment, HeadSpec, LearningConfig, NetworkSpec, SlotsSpec,
};
use softmoe_minatar::{Game, Settings, make};
use softmoe_nets::layers::{CategoricalHead, Conv2d, Dense, Flatten, PerConv, Relu, SoftMoe};
use softmoe_nets::shapes::Const;
use softmoe_nets::{ActionLayer, BoxedNetwork, Builder, ExpertSettings, Network, Weights};
use std::collections::BTreeSet;
use std::path::Path;

const RAINBOW: HeadSpec = LearningConfig::rainbow_minatar().head();

/// The network of a body on MinAtar Breakout: 10x10 pixels of 4 channels, 6 actions.
fn on_breakout(body: &str, hidden: usize, head: HeadSpec) -> Architecture {
    let network = NetworkSpec { encoder: EncoderSpec::MinAtar, body: body.parse().unwrap(), hidden };
    Architecture { network, head, observation: [10, 10, 4], actions: 6, permutation_seed: 0 }
}

fn parameters(body: &str, hidden: usize) -> usize {
    let network = build(&on_breakout(body, hidden, RAINBOW)).unwrap();
    assert_eq!(network.output_shape(), [6, 51]);
    let described: usize = network.describe().iter().map(|layer| layer.parameters).sum();
    assert_eq!(described, network.parameters().trained_len(), "{body}");
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

/// Multiply-adds of the layers themselves.
fn multiply_adds(architecture: &Architecture) -> u64 {
    let network = build(architecture).unwrap_or_else(|error| panic!("{architecture}: {error}"));
    network.describe().iter().map(|layer| layer.multiply_adds as u64).sum()
}

/// Costs are planned by formulas; here they are those of layers, at the paper's size.
#[test]
fn multiply_adds_are_those_of_the_layers() {
    for body in [
        "flat(extra_layers: 2)",
        "soft_moe(experts: 4, extra_layers: 1, bottleneck: true)",
        "soft_moe(experts: 3, tokens: per_patch, slots: fraction(0.3), scale: 2)",
        "soft_moe(experts: 2, tokens: per_patch_average)",
        "expert_choice(experts: 4, tokens: per_feature, slots: count(5))",
        "top_k(experts: 3, k: 2, capacity_factor: 1.5)",
        "tokenized(pool: mean, relu: after)",
        "global_average_pooling()",
        "simplicial(version: v2, groups: 3)",
    ] {
        for encoder in [
            "nature",
            "impala(width: 1)",
            "impala(width: 2)",
            "minatar_deep",
            "minatar_residual(pooling: true)",
            "minatar_residual(pooling: false)",
        ] {
            let [side, _] = encoder.parse::<EncoderSpec>().unwrap().pixels();
            for head in
                ["categorical(atoms: 51, dueling: true, noisy: true)", "q(dueling: false, noisy: false)"]
            {
                let text = format!(
                    "(network: (encoder: {encoder}, body: {body}, hidden: 64), head: {head}, observation: ({side}, {side}, 4), actions: 18)"
                );
                let architecture: Architecture = text.parse().unwrap();
                assert_eq!(architecture.multiply_adds(), Some(multiply_adds(&architecture)), "{text}");
                // Biases are left out.
                let network = build(&architecture).unwrap();
                let parameters = network.parameters().len() as f64;
                let weights = architecture.weights().unwrap() as f64;
                assert!((0.97..=1.0).contains(&(weights / parameters)), "{text}: {weights} of {parameters}");
            }
        }
    }
}

/// A residual SoftMoE differs from the plain one by its input alone, and an initial scale is the scale's first value.
#[test]
fn a_sharpened_mixture_starts_where_its_settings_say() {
    let initial = |body: &str| {
        let network = build(&on_breakout(body, 8, RAINBOW)).unwrap();
        let values = network.parameters().initial(&mut Seeds::new(1).rng(Role::Weights));
        (network, values)
    };
    let (network, plain) = initial("soft_moe(experts: 2, normalised: true)");
    let (_, sharp) = initial("soft_moe(experts: 2, normalised: true, initial_scale: 8)");
    let scale = network.parameters().get("soft_moe/scale").unwrap().range.start;
    assert_eq!((plain[scale], sharp[scale]), (1.0, 8.0));
    let differ = plain.iter().zip(&sharp).filter(|(plain, sharp)| plain != sharp).count();
    assert_eq!(differ, 1, "all other weights are as before");

    let features = |body: &str| {
        let (network, parameters) = initial(body);
        let x: Vec<f32> = (0..network.input_len()).map(|i| f32::from(u8::from(i % 7 == 0))).collect();
        let mut pass = network.pass(1);
        pass.forward(Weights { parameters: &parameters, noise: None }, &x);
        pass.inspect(&x).features.unwrap().values
    };
    // Without a bottleneck the head reads the mixture's output: the residual one minus the plain one is the encoder's map.
    let plain = features("soft_moe(experts: 2)");
    let residual = features("soft_moe(experts: 2, residual: true)");
    let tokens: Vec<f64> = residual.iter().zip(&plain).map(|(sum, output)| sum - output).collect();
    assert!(tokens.iter().all(|token| *token > -1e-6), "tokens come out of a ReLU");
    assert!(tokens.iter().any(|token| *token > 0.1));
}

#[test]
fn every_arm_of_every_experiment_builds_for_every_game() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/experiments");
    let mut built = BTreeSet::new();
    for file in Experiment::files(&directory).unwrap() {
        let experiment = Experiment::read(&file).unwrap();
        for (name, profile) in &experiment.profiles {
            let arms: Vec<&str> = experiment.arms_for(profile).collect();
            let mut profile = profile.clone();
            profile.seeds = 1;
            for run in experiment.resolve(name, &profile, &arms).unwrap() {
                let Some(architecture) = run.architecture(0) else { continue };
                // Figures share networks, and games numbers of actions.
                if !built.insert(architecture.to_string()) {
                    continue;
                }
                assert_eq!(
                    architecture.multiply_adds(),
                    Some(multiply_adds(&architecture)),
                    "{}",
                    run.name()
                );
            }
        }
    }
    assert!(!built.is_empty());
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

/// A body of every kind, and every option of it.
const BODIES: [&str; 26] = [
    "flat()",
    "flat(scale: 0.5, extra_layers: 2)",
    "soft_moe(experts: 3)",
    "soft_moe(experts: 1, slots: count(1))",
    "soft_moe(experts: 2, slots: tokens, scale: 2, extra_layers: 1)",
    "soft_moe(experts: 2, normalised: true)",
    "soft_moe(experts: 2, normalised: true, initial_scale: 8, residual: true)",
    "soft_moe(experts: 2, residual: true, bottleneck: true)",
    "soft_moe(experts: 2, random_phi: true)",
    "soft_moe(experts: 2, dispatch: uniform)",
    "soft_moe(experts: 2, combine: uniform, bottleneck: true)",
    "soft_moe(experts: 2, expert_type: big, slots: count(16))",
    "soft_moe(experts: 2, expert_type: big, slots: count(9), extra_layers: 1, bottleneck: true)",
    "expert_choice(experts: 3)",
    "expert_choice(experts: 2, slots: fraction(0.5), bottleneck: true, extra_layers: 1)",
    "top_k(experts: 3)",
    "top_k(experts: 3, k: 2, capacity_factor: 1.5, importance_loss: 0.1, load_loss: 0.1, bottleneck: true)",
    "tokenized(pool: sum)",
    "tokenized(pool: mean)",
    "tokenized(pool: sum, relu: after)",
    "tokenized(pool: mean, relu: after, scale: 2)",
    "global_average_pooling()",
    "global_average_pooling(scale: 2)",
    "simplicial(version: v1)",
    "simplicial(version: v2)",
    "simplicial(version: v2, groups: 3, temperature: 1)",
];

const TOKENS: [&str; 6] =
    ["per_conv", "per_patch", "per_patch_average", "per_feature", "shuffled", "per_sample"];

/// The bodies, those with tokens over every kind of them.
fn bodies() -> Vec<String> {
    let mut bodies: Vec<String> = BODIES.map(str::to_owned).into();
    for body in BODIES.iter().filter(|body| !body.contains("big") && !body.contains("fraction")) {
        if body.parse::<BodySpec>().unwrap().tokens().is_some() {
            bodies.extend(
                TOKENS.iter().map(|tokens| format!("{}, tokens: {tokens})", &body[..body.len() - 1])),
            );
        }
    }
    bodies
}

#[test]
fn every_body_over_every_token_and_encoder_builds() {
    for encoder in [
        "minatar",
        "minatar_deep",
        "minatar_residual",
        "minatar_residual(pooling: false)",
        "nature",
        "impala",
        "impala(width: 2)",
    ] {
        let encoder: EncoderSpec = encoder.parse().unwrap();
        for body in bodies() {
            for head in [RAINBOW, HeadSpec::Q { dueling: false, noisy: false }] {
                let mut architecture = on_breakout(&body, 8, head);
                architecture.network.encoder = encoder;
                architecture.observation[..2].copy_from_slice(&encoder.pixels());
                let network = build(&architecture).unwrap_or_else(|error| panic!("{body}: {error}"));
                assert_eq!(network.output_shape(), [6, head.values()], "{body}");
                assert_eq!(
                    network.noise().is_empty(),
                    !head.noisy() && !body.contains("load_loss"),
                    "{body}"
                );
                let rows = network.describe();
                let described: usize = rows.iter().map(|layer| layer.parameters).sum();
                assert_eq!(
                    described,
                    network.parameters().trained_len(),
                    "{body} behind {encoder}: {rows:?}"
                );
                if !body.contains("big") {
                    assert!(rows.iter().any(|row| row.output == encoder.feature_map()), "{body}: {rows:?}");
                    let (tokens, width) =
                        architecture.network.body.tokens().unwrap_or_default().sizes(encoder.feature_map());
                    let has_tokens = architecture.network.body.tokens().is_some();
                    assert!(
                        !has_tokens || rows.iter().any(|row| row.output == [tokens, width]),
                        "{body}: {rows:?}"
                    );
                }
            }
        }
    }
}

/// Every parameter of every network is learned, but for what is said to stay.
#[test]
fn every_body_has_gradients() {
    for body in bodies() {
        let network = build(&on_breakout(&body, 8, RAINBOW)).unwrap();
        let seeds = Seeds::new(1);
        let parameters = network.parameters().initial(&mut seeds.rng(Role::Weights));
        let mut noise = vec![0.0; network.noise().len()];
        network.noise().draw(&mut seeds.rng(Role::Noise), &mut noise);
        let batch = 4;
        let x: Vec<f32> = (0..batch * network.input_len()).map(|i| ((i * i) % 7 == 0) as u8 as f32).collect();
        let weights = Weights { parameters: &parameters, noise: Some(&noise) };
        let mut pass = network.pass(batch);
        let logits = pass.forward(weights, &x).to_vec();
        assert!(logits.iter().all(|logit| logit.is_finite()), "{body}");
        let dy: Vec<f32> = (0..logits.len()).map(|i| (i as f32).sin()).collect();
        let mut gradient = vec![f32::NAN; parameters.len()];
        pass.backward(weights, &x, &dy, &mut gradient);
        for parameter in network.parameters().iter() {
            let gradient = &gradient[parameter.range.clone()];
            assert!(gradient.iter().all(|g| g.is_finite()), "{body}: {}", parameter.name);
            let stays = (body.contains("random_phi") && parameter.name == "soft_moe/phi")
                // One slot for one expert, and one token: the softmax is one whatever its logit.
                || ((body.contains("per_sample") || body.contains("count(1)")) && parameter.name.ends_with("phi"))
                || (body.contains("per_sample") && parameter.name.contains("soft_moe/scale"));
            assert!(stays || gradient.iter().any(|&g| g != 0.0), "{body}: {} is not learned", parameter.name);
        }
    }
}

/// A network of the table computes what the tuple of layers computes that one would write, to the last digit.
#[track_caller]
fn assert_same<L>(body: &str, builder: Builder, layer: L)
where
    L: ActionLayer<(usize, Const<10>, Const<10>, usize)> + 'static,
{
    let table = build(&on_breakout(body, 32, RAINBOW)).unwrap();
    let written = BoxedNetwork::new(builder, layer, |batch| -> (usize, Const<10>, Const<10>, usize) {
        (batch, Const, Const, 4)
    });
    assert_eq!(table.parameters(), written.parameters());
    let seeds = Seeds::new(3);
    let parameters = table.parameters().initial(&mut seeds.rng(Role::Weights));
    let mut noise = vec![0.0; table.noise().len()];
    table.noise().draw(&mut seeds.rng(Role::Noise), &mut noise);
    let weights = Weights { parameters: &parameters, noise: Some(&noise) };
    let x: Vec<f32> = (0..8 * 400).map(|i| (i % 3 == 0) as u8 as f32).collect();
    let [mut of_table, mut of_written] = [table.pass(8), written.pass(8)];
    let logits = of_table.forward(weights, &x).to_vec();
    assert_eq!(logits, of_written.forward(weights, &x));
    let [mut gradient, mut expected] = [vec![0.0; parameters.len()], vec![0.0; parameters.len()]];
    of_table.backward(weights, &x, &logits, &mut gradient);
    of_written.backward(weights, &x, &logits, &mut expected);
    assert_eq!(gradient, expected);
}

#[test]
fn networks_are_the_tuples_that_one_would_write() {
    let mut builder = Builder::new();
    let b = &mut builder;
    let encoder: Conv2d<Const<8>, Const<8>, Const<16>, 3, 1> =
        Conv2d::new(b, "encoder", 4, (Const, Const, Const));
    let flat = (
        (
            encoder,
            Relu,
            Flatten(Const::<1024>),
            Dense::new(b, "hidden", Const::<1024>, Const::<32>, true),
            Relu,
        ),
        CategoricalHead::dueling(b, "head", Const::<32>, 6, Const::<51>, true),
    );
    assert_same("flat", builder, flat);
    let mut builder = Builder::new();
    let b = &mut builder;
    let encoder: Conv2d<Const<8>, Const<8>, Const<16>, 3, 1> =
        Conv2d::new(b, "encoder", 4, (Const, Const, Const));
    let sizes = (Const::<64>, Const::<16>, Const::<4>, Const::<16>);
    let experts = ExpertSettings { hidden: 32, extra_layers: 0, noisy: true };
    let mixture = (
        (
            encoder,
            Relu,
            PerConv(Const::<64>),
            SoftMoe::new(b, "soft_moe", sizes, experts),
            Flatten(Const::<1024>),
        ),
        CategoricalHead::dueling(b, "head", Const::<1024>, 6, Const::<51>, true),
    );
    assert_same("soft_moe(experts: 4)", builder, mixture);
}

/// From the sizes of the layers alone: Impala's 15 convolutions, behind it the paper's SoftMoE-4.
#[test]
fn parameters_at_the_papers_size() {
    let parameters = |encoder: &str, body: &str| {
        let network =
            NetworkSpec { encoder: encoder.parse().unwrap(), body: body.parse().unwrap(), hidden: 512 };
        let observation = [84, 84, 4];
        let architecture =
            Architecture { network, head: RAINBOW, observation, actions: 18, permutation_seed: 0 };
        build(&architecture).unwrap().parameters().len()
    };
    let kernel = |side: usize, inputs: usize, outputs: usize| (side * side * inputs + 1) * outputs;
    let stage = |inputs: usize, outputs: usize| kernel(3, inputs, outputs) + 4 * kernel(3, outputs, outputs);
    let impala = stage(4, 16) + stage(16, 32) + stage(32, 32);
    let nature = kernel(8, 4, 32) + kernel(4, 32, 64) + kernel(3, 64, 64);
    let head = |features: usize| noisy(features, 19 * 51);
    assert_eq!(parameters("impala", "flat"), impala + noisy(3872, 512) + head(512));
    assert_eq!(parameters("nature", "flat"), nature + noisy(7744, 512) + head(512));
    let experts = 4 * (noisy(32, 512) + dense(512, 32));
    assert_eq!(parameters("impala", "soft_moe(experts: 4)"), impala + 32 * 4 * 31 + experts + head(3872));
    let patches = kernel(3, 32, 32) + 32 * 4 * 3 + experts + head(9 * 32);
    assert_eq!(parameters("impala", "soft_moe(experts: 4, tokens: per_patch)"), impala + patches);
    assert_eq!(parameters("impala", "tokenized(pool: mean)"), impala + noisy(32, 512) + head(512));
    assert_eq!(parameters("impala", "global_average_pooling()"), impala + noisy(32, 512) + head(512));
    let wide = stage(4, 32) + stage(32, 64) + stage(64, 64);
    assert_eq!(parameters("impala(width: 2)", "flat"), wide + noisy(7744, 512) + head(512));
}

/// Shuffled tokens are those of one permutation, which follows from its seed.
#[test]
fn a_permutation_follows_from_its_seed() {
    let mut architecture = on_breakout("soft_moe(experts: 2, tokens: shuffled)", 8, RAINBOW);
    let of_seed = |architecture: &mut Architecture, seed: u64| {
        architecture.permutation_seed = seed;
        permutations(architecture)
    };
    let first = of_seed(&mut architecture, 1);
    assert_eq!(first, of_seed(&mut architecture, 1));
    assert_ne!(first, of_seed(&mut architecture, 2));
    let mut places = first["tokens/permutation"].clone();
    places.sort_unstable();
    assert_eq!(places, (0..1024).collect::<Vec<_>>());
    assert!(permutations(&on_breakout("soft_moe(experts: 2)", 8, RAINBOW)).is_empty());

    // And the network is made with it: other seeds are other functions of the same weights.
    let output = |seed: u64| {
        let architecture = Architecture { permutation_seed: seed, ..architecture.clone() };
        let network = build(&architecture).unwrap();
        let parameters = network.parameters().initial(&mut Seeds::new(1).rng(Role::Weights));
        let x: Vec<f32> = (0..network.input_len()).map(|i| (i % 3) as f32).collect();
        network.pass(1).forward(Weights { parameters: &parameters, noise: None }, &x).to_vec()
    };
    assert_eq!(output(1), output(1));
    assert_ne!(output(1), output(2));
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
    let shape = make(Game::Breakout, &Settings::default(), 0).spec().state();
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
