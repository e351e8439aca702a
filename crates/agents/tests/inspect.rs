//! Compares an inspector with the definitions, and with the agent from which it was made.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_agents::inspect::{Inspection, Inspector, TokenGrid};
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{Agent, AgentError, Mode, UpdateSettings, learner_on, networks};
use softmoe_config::{AgentConfig, Architecture, BodySpec, Device, EncoderSpec, LearningConfig, NetworkSpec};
use softmoe_env::{Element, EnvironmentSpec};
use softmoe_nets::weights::{self, WeightsFile};
use softmoe_nets::{ParameterList, Weights};

const CHANNELS: usize = 4;
const ACTIONS: usize = 6;
const ELEMENT: Element = Element::Byte { scale: 1 };

fn architecture(body: &str, learning: &LearningConfig) -> Architecture {
    let body: BodySpec = body.parse().unwrap();
    let network = NetworkSpec { encoder: EncoderSpec::MinAtar, body, hidden: 16 };
    let (observation, actions) = ([10, 10, CHANNELS], ACTIONS);
    Architecture { network, head: learning.head(), observation, actions, permutation_seed: 3 }
}

/// A state of MinAtar.
fn state(rng: &mut Xoshiro256PlusPlus) -> Vec<u8> {
    (0..100 * CHANNELS).map(|_| u8::from(rng.random_bool(0.2))).collect()
}

/// The weights of a new learner as a file. They are spread wider than initial weights, so that actions and tokens differ.
fn file(architecture: &Architecture, learning: &LearningConfig, seed: u64) -> WeightsFile {
    let network = networks::build(architecture).unwrap();
    let list = network.parameters();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let values: Vec<f32> =
        list.initial(&mut rng).iter().map(|value| 3.0 * value + rng.random_range(-0.05..0.05)).collect();
    assert_eq!(architecture.head, learning.head());
    let permutations = networks::permutations(architecture);
    let bytes = weights::write(&architecture.to_string(), list.named(&values), &permutations).unwrap();
    WeightsFile::read(&bytes).unwrap()
}

fn inspector(body: &str, learning: LearningConfig) -> Inspector {
    let architecture = architecture(body, &learning);
    let file = file(&architecture, &learning, 7);
    Inspector::new(&learning.into(), &architecture, ELEMENT, &file).unwrap()
}

#[track_caller]
fn near(got: f64, want: f64) {
    assert!((got - want).abs() < 1e-5, "{got} is not {want}");
}

const BODIES: [&str; 12] = [
    "flat()",
    "global_average_pooling()",
    "tokenized()",
    "soft_moe(experts: 4)",
    "soft_moe(experts: 3, slots: count(5), normalised: true)",
    "soft_moe(experts: 1, dispatch: uniform)",
    "soft_moe(experts: 2, tokens: per_patch)",
    "soft_moe(experts: 4, tokens: shuffled)",
    "soft_moe(experts: 4, expert_type: big)",
    "expert_choice(experts: 4)",
    "top_k(experts: 4)",
    "top_k(experts: 5, k: 2)",
];

#[test]
fn the_greedy_action_is_the_agents_own() {
    let mut varied = 0;
    for learning in [LearningConfig::rainbow_minatar(), LearningConfig::dqn_minatar()] {
        for body in BODIES {
            let architecture = architecture(body, &learning);
            let file = file(&architecture, &learning, 7);
            let config = AgentConfig::from(learning);
            let settings = UpdateSettings::new(&learning, ELEMENT);
            let mut learner =
                learner_on(Device::Cpu, &config, &architecture, settings, Seeds::new(1)).unwrap();
            learner.load_weights(&file).unwrap();
            let mut inspector = Inspector::new(&config, &architecture, ELEMENT, &file).unwrap();
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
            let mut actions = [0; ACTIONS];
            for _ in 0..40 {
                let state = state(&mut rng);
                let own = learner.act(&state, Mode::Evaluate);
                assert_eq!(inspector.act(&state), own, "{body}");
                let Inspection { action, values, distribution, .. } = inspector.inspect(&state);
                assert_eq!(action, own, "{body}");
                assert!(values.iter().all(|value| *value <= values[own]), "{body}: {values:?}");
                assert_eq!(values.len(), ACTIONS);
                assert_eq!(distribution.is_some(), learning == LearningConfig::rainbow_minatar());
                actions[own] += 1;
            }
            varied += usize::from(actions.iter().filter(|count| **count > 0).count() > 1);
        }
    }
    // One action for every state would show nothing.
    assert!(varied > BODIES.len(), "{varied}");
}

#[test]
fn distributions_sum_to_one_and_their_means_are_the_values() {
    for body in ["flat()", "soft_moe(experts: 4)"] {
        let mut inspector = inspector(body, LearningConfig::rainbow_minatar());
        let found = inspector.inspect(&state(&mut Xoshiro256PlusPlus::seed_from_u64(2)));
        let distribution = found.distribution.unwrap();
        let support = distribution.support.clone();
        assert_eq!((support.len(), support[0], support[50]), (51, -10.0, 10.0));
        for (action, value) in found.values.iter().enumerate() {
            let probabilities = distribution.of(action);
            near(probabilities.iter().map(|p| f64::from(*p)).sum(), 1.0);
            near(probabilities.iter().zip(&support).map(|(p, z)| f64::from(p * z)).sum(), f64::from(*value));
        }
    }
}

/// The tokens of a state, (64, 16): a 3x3 convolution without padding and a rectifier, written out.
fn tokens(list: &ParameterList, weights: &[f32], state: &[u8]) -> Vec<f64> {
    let values = |name: &str| &weights[list.get(name).unwrap().range.clone()];
    let (kernel, bias) = (values("encoder/kernel"), values("encoder/bias"));
    let mut tokens = Vec::new();
    for place in 0..64 {
        for channel in 0..16 {
            let mut sum = f64::from(bias[channel]);
            for offset in 0..9 {
                let (y, x) = (place / 8 + offset / 3, place % 8 + offset % 3);
                for input in 0..CHANNELS {
                    let weight = kernel[(offset * CHANNELS + input) * 16 + channel];
                    sum += f64::from(state[(y * 10 + x) * CHANNELS + input]) * f64::from(weight);
                }
            }
            tokens.push(sum.max(0.0));
        }
    }
    tokens
}

/// Softmax of X Phi over the tokens, by the paper's equation: the mean over each expert's slots, (n, m).
fn dispatch(tokens: &[f64], phi: &[f32], n: usize, p: usize) -> Vec<f64> {
    let d = 16;
    let mut mean = vec![0.0; n * 64];
    for slot in 0..n * p {
        let logit =
            |t: usize| -> f64 { (0..d).map(|k| tokens[t * d + k] * f64::from(phi[k * n * p + slot])).sum() };
        let exponentials: Vec<f64> = (0..64).map(|t| logit(t).exp()).collect();
        let sum: f64 = exponentials.iter().sum();
        for (t, exponential) in exponentials.iter().enumerate() {
            mean[slot / p * 64 + t] += exponential / sum / p as f64;
        }
    }
    mean
}

#[test]
fn dispatch_weights_follow_from_phi_and_the_tokens() {
    for (body, n, p) in [("soft_moe(experts: 4)", 4, 16), ("soft_moe(experts: 3, slots: count(5))", 3, 5)] {
        let mut inspector = inspector(body, LearningConfig::rainbow_minatar());
        let state = state(&mut Xoshiro256PlusPlus::seed_from_u64(5));
        let mixture = inspector.inspect(&state).mixture.unwrap();
        let list = inspector.network().parameters();
        let tokens = tokens(list, inspector.weights(), &state);
        let phi = &inspector.weights()[list.get("soft_moe/phi").unwrap().range.clone()];
        let want = dispatch(&tokens, phi, n, p);
        assert_eq!((mixture.experts, mixture.tokens, mixture.dispatch.len()), (n, 64, want.len()));
        for (got, want) in mixture.dispatch.iter().zip(&want) {
            near(*got, *want);
        }
        // Not all alike, or nothing was tested.
        let most = want.iter().copied().fold(0.0, f64::max);
        assert!(most > 1.5 / 64.0, "{most}");
    }
}

/// The slots are the tokens times the dispatch weights, whatever the mixture and the order of its slots.
#[test]
fn slots_are_tokens_times_dispatch() {
    for body in BODIES.iter().filter(|body| body.contains("experts") && !body.contains("big")) {
        if body.contains("per_patch") || body.contains("shuffled") {
            continue;
        }
        let inspector = inspector(body, LearningConfig::rainbow_minatar());
        let network = inspector.network();
        let weights = Weights { parameters: inspector.weights(), noise: None };
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        let states = [state(&mut rng), state(&mut rng)];
        let input: Vec<f32> = states.iter().flatten().map(|&byte| f32::from(byte)).collect();
        let mut pass = network.pass(2);
        pass.forward(weights, &input);
        let mixture = pass.inspect(&input).mixtures.pop().unwrap();
        let (d, slots) = (mixture.width, mixture.inputs_per_sample);
        for (sample, state) in states.iter().enumerate() {
            let tokens = tokens(network.parameters(), inspector.weights(), state);
            for slot in 0..slots {
                let weight = |t: usize| mixture.dispatch[(sample * 64 + t) * slots + slot];
                let of = |place: usize, k: usize| mixture.inputs[(sample * slots + place) * d + k];
                let want: Vec<f64> =
                    (0..d).map(|k| (0..64).map(|t| weight(t) * tokens[t * d + k]).sum()).collect();
                let (n, p) = (mixture.experts, slots / mixture.experts);
                // (n, p) in dispatch, (p, n) in the inputs of layers whose experts are interleaved.
                let place = slot % p * n + slot / p;
                for (k, want) in want.iter().enumerate() {
                    near(of(place, k), *want);
                }
            }
        }
    }
}

#[test]
fn rows_of_dispatch_and_usage_sum_to_one() {
    for body in BODIES {
        let mut inspector = inspector(body, LearningConfig::dqn_minatar());
        let found = inspector.inspect(&state(&mut Xoshiro256PlusPlus::seed_from_u64(9)));
        let has_experts = body.contains("experts");
        assert_eq!(found.mixture.is_some(), has_experts, "{body}");
        let Some(mixture) = found.mixture else { continue };
        near(mixture.usage.iter().sum(), 1.0);
        assert_eq!(mixture.usage.len(), mixture.experts);
        for expert in 0..mixture.experts {
            let row: f64 = mixture.of_expert(expert).iter().sum();
            if body.starts_with("top_k") {
                // Slots may be free.
                assert!((0.0..=1.0 + 1e-9).contains(&row), "{row}");
            } else {
                near(row, 1.0);
            }
        }
        if let Some(grid) = mixture.grid {
            assert_eq!(grid.rows * grid.columns, mixture.tokens, "{body}");
        }
        assert_eq!(mixture.grid.is_none(), body.contains("shuffled"), "{body}");
    }
}

#[test]
fn a_uniform_dispatch_is_uniform_and_a_choice_is_all_or_nothing() {
    let state = state(&mut Xoshiro256PlusPlus::seed_from_u64(9));
    let rainbow = LearningConfig::rainbow_minatar();
    let uniform = inspector("soft_moe(experts: 1, dispatch: uniform)", rainbow).inspect(&state);
    uniform.mixture.unwrap().dispatch.iter().for_each(|weight| near(*weight, 1.0 / 64.0));
    // An expert takes 16 tokens, each as a sixteenth of its slots.
    let choice = inspector("expert_choice(experts: 4)", rainbow).inspect(&state).mixture.unwrap();
    for expert in 0..4 {
        let taken: Vec<&f64> = choice.of_expert(expert).iter().filter(|weight| **weight > 0.0).collect();
        assert_eq!(taken.len(), 16);
        taken.into_iter().for_each(|weight| near(*weight, 1.0 / 16.0));
    }
}

#[test]
fn tokens_lie_where_their_pixels_are() {
    let rainbow = LearningConfig::rainbow_minatar();
    let of = |body: &str| TokenGrid::of(&architecture(body, &rainbow));
    // The token in row 0, column 0 is the middle of pixels 0 to 2: pixel 1 of 10.
    let grid = of("soft_moe(experts: 4)").unwrap();
    assert_eq!((grid.rows, grid.columns, grid.origin, grid.cell), (8, 8, [0.1; 2], [0.1; 2]));
    // A patch of nine tokens is around pixels 1 to 3.
    let grid = of("soft_moe(experts: 4, tokens: per_patch)").unwrap();
    assert_eq!((grid.rows, grid.columns, grid.origin), (2, 2, [0.1; 2]));
    near(grid.cell[0], 0.3);
    let grid = of("soft_moe(experts: 4, expert_type: big)").unwrap();
    assert_eq!((grid.rows, grid.columns, grid.origin), (10, 10, [0.0; 2]));
    let behind = |encoder: &str| {
        let mut architecture = architecture("soft_moe(experts: 4)", &rainbow);
        architecture.network.encoder = encoder.parse().unwrap();
        TokenGrid::of(&architecture).unwrap()
    };
    for encoder in ["minatar_deep", "minatar_residual(pooling: false)"] {
        let grid = behind(encoder);
        assert_eq!((grid.rows, grid.columns, grid.origin, grid.cell), (10, 10, [0.0; 2], [0.1; 2]));
    }
    // Pooling of three pixels from pixel 0 on: the middle is that of pixel 1.
    let grid = behind("minatar_residual");
    assert_eq!((grid.rows, grid.columns, grid.origin, grid.cell), (5, 5, [0.05; 2], [0.2; 2]));
    for body in ["flat()", "tokenized()", "soft_moe(experts: 2, tokens: per_feature)"] {
        assert_eq!(of(body), None, "{body}");
    }
}

#[test]
fn the_weights_of_another_network_and_of_none_are_refused() {
    let learning = LearningConfig::rainbow_minatar();
    let (small, large) = (architecture("flat()", &learning), architecture("soft_moe(experts: 4)", &learning));
    let of_large = file(&large, &learning, 1);
    let refused = Inspector::new(&learning.into(), &small, ELEMENT, &of_large);
    assert!(matches!(refused, Err(AgentError::Weights(_))));
    let random = Inspector::new(&AgentConfig::Random, &large, ELEMENT, &of_large);
    assert!(matches!(random, Err(AgentError::Setting { setting: "agent", .. })));
}

#[test]
fn a_saved_agent_is_inspected_with_its_online_weights() {
    let learning = LearningConfig { replay_capacity: 100, ..LearningConfig::rainbow_minatar() };
    let architecture = architecture("soft_moe(experts: 4)", &learning);
    let spec = EnvironmentSpec { frame: [10, 10, CHANNELS], stack: 1, actions: ACTIONS, element: ELEMENT };
    let config = AgentConfig::from(learning);
    let mut agent = Agent::new(&config, &architecture, &spec, Seeds::new(4)).unwrap();
    agent.load_weights(&file(&architecture, &learning, 21)).unwrap();
    let mut inspector = Inspector::of_state(&config, &architecture, ELEMENT, &agent.state()).unwrap();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(6);
    let mut draws = Xoshiro256PlusPlus::seed_from_u64(6);
    for _ in 0..20 {
        let state = state(&mut rng);
        // In an evaluation, without noise; an epsilon is part of the agent's settings.
        let own = agent.act_in_evaluation(&state, &mut draws);
        let mut same = Inspector::of_state(&config, &architecture, ELEMENT, &agent.state()).unwrap();
        assert_eq!(same.act(&state), inspector.act(&state));
        assert!(own < ACTIONS);
    }
    let small = self::architecture("flat()", &learning);
    assert!(Inspector::of_state(&config, &small, ELEMENT, &agent.state()).is_err());
}
