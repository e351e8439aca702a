//! Ten updates from the same weights, batches and noise, of every network that a configuration can name.

use super::{architecture, batch, difference, flat_weights, on_cpu, on_device};
use burn_tensor::backend::Backend;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_agents::Learner;
use softmoe_agents::networks::permutations;
use softmoe_config::{Architecture, HeadSpec};
use softmoe_nets::weights::{WeightsFile, write};

/// Bodies over tokens, of every kind and option.
const OVER_TOKENS: [&str; 17] = [
    "soft_moe(experts: 3)",
    "soft_moe(experts: 1)",
    "soft_moe(experts: 2, slots: tokens, scale: 2, extra_layers: 1)",
    "soft_moe(experts: 2, normalised: true)",
    "soft_moe(experts: 2, random_phi: true)",
    "soft_moe(experts: 2, dispatch: uniform)",
    "soft_moe(experts: 2, combine: uniform, bottleneck: true)",
    "expert_choice(experts: 3)",
    "expert_choice(experts: 1)",
    "expert_choice(experts: 2, extra_layers: 1, bottleneck: true)",
    "top_k(experts: 3)",
    "top_k(experts: 1)",
    "top_k(experts: 3, k: 2, capacity_factor: 1.5, importance_loss: 0.1, load_loss: 0.1, bottleneck: true)",
    "tokenized(pool: sum)",
    "tokenized(pool: mean)",
    "tokenized(pool: sum, relu: after)",
    "tokenized(pool: mean, relu: after)",
];

/// One of each kind of them.
const EACH_OVER_TOKENS: [&str; 4] =
    ["soft_moe(experts: 3)", "expert_choice(experts: 3)", "top_k(experts: 3)", "tokenized(pool: sum)"];

const TOKENS: [&str; 6] =
    ["per_conv", "per_patch", "per_patch_average", "per_feature", "shuffled", "per_sample"];

/// The other bodies.
const WITHOUT_TOKENS: [&str; 8] = [
    "flat()",
    "flat(scale: 0.5, extra_layers: 2)",
    "global_average_pooling()",
    "simplicial(version: v1)",
    "simplicial(version: v2)",
    "simplicial(version: v2, groups: 3, temperature: 1)",
    "soft_moe(experts: 2, expert_type: big, slots: count(16))",
    "soft_moe(experts: 2, expert_type: big, slots: count(9), extra_layers: 1, bottleneck: true)",
];

/// Every head that an agent of this program can have, and more.
fn heads() -> Vec<HeadSpec> {
    let kinds = [(false, false), (false, true), (true, false), (true, true)];
    let categorical = kinds.map(|(dueling, noisy)| HeadSpec::Categorical { atoms: 21, dueling, noisy });
    let q = kinds.map(|(dueling, noisy)| HeadSpec::Q { dueling, noisy });
    [categorical, q].concat()
}

/// These bodies over tokens, each over every kind of tokens, and those without.
fn bodies(over_tokens: &[&str]) -> Vec<String> {
    let over = over_tokens.iter().flat_map(|body| {
        TOKENS.iter().map(|tokens| format!("{}, tokens: {tokens})", &body[..body.len() - 1]))
    });
    over.chain(WITHOUT_TOKENS.map(str::to_owned)).collect()
}

/// The largest errors of losses, priorities and weights.
#[derive(Clone, Copy, Default)]
struct Worst([f32; 3]);

impl Worst {
    fn and(self, other: Worst) -> Worst {
        Worst([0, 1, 2].map(|i| self.0[i].max(other.0[i])))
    }
}

impl std::fmt::Display for Worst {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [losses, priorities, weights] = self.0;
        write!(f, "off by {losses:.1e} in losses, {priorities:.1e} in priorities, {weights:.1e} in weights")
    }
}

/// What a learner made of ten batches, with a new target network in between.
struct Course {
    losses: Vec<f32>,
    priorities: Vec<Vec<f32>>,
    weights: Vec<f32>,
}

impl Course {
    /// Those of the `draw`-th ten batches.
    fn of(mut learner: Box<dyn Learner>, architecture: &Architecture, draw: u64) -> Course {
        let (mut losses, mut priorities) = (Vec::new(), Vec::new());
        for update in 0..10 {
            if update == 5 {
                learner.sync_target();
            }
            let update = learner.update(&batch(architecture, 10 * draw + update)).unwrap();
            losses.push(update.loss);
            priorities.push(update.priorities.to_vec());
        }
        Course { losses, priorities, weights: flat_weights(&*learner) }
    }

    /// How far it is from `other`, or where it is too far.
    fn against(&self, other: &Course) -> Result<Worst, String> {
        const TOLERANCE: f32 = 1e-4;
        let mut worst = [0.0; 3];
        // Of losses above one, as much of the loss: a squared error is as large as 100 here.
        for (update, (&got, &want)) in self.losses.iter().zip(&other.losses).enumerate() {
            let tolerance = TOLERANCE * want.max(1.0);
            worst[0] = difference(&[got], &[want], tolerance)
                .map_err(|far| format!("loss {update}: {far}"))?
                .max(worst[0]);
        }
        for (update, (got, want)) in self.priorities.iter().zip(&other.priorities).enumerate() {
            worst[1] = difference(got, want, TOLERANCE)
                .map_err(|far| format!("priorities {update}: {far}"))?
                .max(worst[1]);
        }
        worst[2] =
            difference(&self.weights, &other.weights, TOLERANCE).map_err(|far| format!("weights: {far}"))?;
        Ok(Worst(worst))
    }
}

/// Ten updates on both engines.
///
/// Which of two almost equal values is the largest of a pooling, and whether a value next to zero passes a ReLU, is for
/// rounding to say. One such choice sends a gradient elsewhere, and Adam's steps make much of a small gradient. Batches
/// where the CPU engine itself, from weights changed by a millionth, comes out elsewhere say nothing of a device, and
/// others are taken; any other difference fails.
fn ten_updates<B: Backend>(architecture: &Architecture, double: bool, device: &B::Device) -> Worst {
    const DRAWS: u64 = 20;
    let (network, head) = (&architecture.network, architecture.head);
    let what = format!("{} behind {}, {head}, double {double}", network.body, network.encoder);
    for draw in 0..DRAWS {
        let cpu = on_cpu(architecture, double);
        let other = on_device::<B>(architecture, double, device);
        assert_eq!(flat_weights(&*cpu), flat_weights(&*other), "{what}: initial weights");
        let cpu = Course::of(cpu, architecture, draw);
        match Course::of(other, architecture, draw).against(&cpu) {
            Ok(worst) => {
                println!("{what}: {worst}");
                return worst;
            }
            Err(far) => {
                let by_rounding = (0..16).any(|change| {
                    let changed = Course::of(changed(architecture, double, change), architecture, draw);
                    changed.against(&cpu).is_err()
                });
                assert!(by_rounding, "{what}: {far} (the device, and the CPU engine)");
                println!("{what}: batches {draw} are for rounding to decide: {far}");
            }
        }
    }
    panic!("{what}: each of {DRAWS} times ten batches is for rounding to decide");
}

/// A learner on the CPU engine with each initial weight changed by a millionth of itself, up or down.
fn changed(architecture: &Architecture, double: bool, change: u64) -> Box<dyn Learner> {
    let mut learner = on_cpu(architecture, double);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(change);
    let weights: Vec<(String, Vec<usize>, Vec<f32>)> = learner
        .weights()
        .into_iter()
        .map(|(name, shape, values)| {
            let values =
                values.iter().map(|value| value * if rng.random_bool(0.5) { 1.000_001 } else { 0.999_999 });
            (name.to_owned(), shape.to_vec(), values.collect())
        })
        .collect();
    let tensors = weights.iter().map(|(name, shape, values)| (&**name, &**shape, &**values));
    let bytes = write("", tensors, &permutations(architecture)).unwrap();
    learner.load_weights(&WeightsFile::read(&bytes).unwrap()).unwrap();
    learner
}

/// `bodies` behind an encoder, each with `heads_each` of the heads, which take turns, as do double and single targets.
fn check<B: Backend>(encoder: &str, bodies: &[String], heads_each: usize, device: &B::Device) {
    let heads = heads();
    let cases = bodies.iter().flat_map(|body| (0..heads_each).map(move |_| body));
    let mut worst = Worst::default();
    for (i, body) in cases.enumerate() {
        let architecture = architecture(encoder, body, heads[i % heads.len()]);
        worst = worst.and(ten_updates::<B>(&architecture, (i / heads.len()).is_multiple_of(2), device));
    }
    println!("the worst of {}: {worst}", bodies.len() * heads_each);
}

/// Every body over every kind of tokens, with so many heads each.
pub(crate) fn check_minatar<B: Backend>(heads_each: usize, device: &B::Device) {
    check::<B>("minatar", &bodies(&OVER_TOKENS), heads_each, device);
}

/// Every body, over kinds of tokens that take turns, with heads that do.
#[allow(dead_code, reason = "where not more is compared")]
pub(crate) fn check_each_body_on_minatar<B: Backend>(device: &B::Device) {
    let over = OVER_TOKENS.iter().zip(TOKENS.iter().cycle());
    let over = over.map(|(body, tokens)| format!("{}, tokens: {tokens})", &body[..body.len() - 1]));
    let bodies: Vec<String> = over.chain(WITHOUT_TOKENS.map(str::to_owned)).collect();
    check::<B>("minatar", &bodies, 1, device);
}

/// A body of every kind over every kind of tokens behind an encoder of Atari's observations, with one head each.
#[allow(dead_code, reason = "not for devices that take too long")]
pub(crate) fn check_atari<B: Backend>(encoder: &str, device: &B::Device) {
    check::<B>(encoder, &bodies(&EACH_OVER_TOKENS), 1, device);
}

/// One of each kind of bodies, and of tokens.
#[allow(dead_code, reason = "not for devices that take too long")]
pub(crate) fn check_some_on_atari<B: Backend>(encoder: &str, device: &B::Device) {
    let bodies = [
        "soft_moe(experts: 3)",
        "soft_moe(experts: 2, tokens: per_sample)",
        "expert_choice(experts: 3, tokens: per_patch)",
        "top_k(experts: 3, tokens: per_feature)",
        "tokenized(pool: sum, tokens: shuffled)",
        "flat()",
        "global_average_pooling()",
        "simplicial(version: v1)",
        "soft_moe(experts: 2, expert_type: big, slots: count(16))",
    ];
    check::<B>(encoder, &bodies.map(str::to_owned), 1, device);
}

/// One network behind each of these encoders.
#[allow(dead_code, reason = "where not more is compared")]
pub(crate) fn check_one_behind<B: Backend>(encoders: &[&str], device: &B::Device) {
    for encoder in encoders {
        check::<B>(encoder, &["soft_moe(experts: 3)".to_owned()], 1, device);
    }
}
